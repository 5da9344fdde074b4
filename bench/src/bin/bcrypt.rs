//! One password compared with its hash over and over on all cores: the most sign-ins that there
//! could be.
#![expect(clippy::disallowed_methods, reason = "the process is its own host: it starts threads")]

use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;

/// Compare a password by bcrypt on all cores, and print how many times a second
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 10)]
    cost: u32,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { cost, seconds } = Arguments::parse();
    let password = "a long enough passphrase";
    let hash = bcrypt::hash_with_salt(password, cost, [7; 16]);
    let hash = hash.map_err(|error| error.to_string())?.to_string();
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let count = || {
        let mut compared = 0_u32;
        while Instant::now() < until {
            assert!(matches!(bcrypt::verify(password, &hash), Ok(true)));
            compared += 1;
        }
        compared
    };
    let cores = thread::available_parallelism()?.get();
    let compared: u32 = thread::scope(|scope| {
        let threads = (0..cores).map(|_| scope.spawn(count)).collect::<Vec<_>>();
        threads.into_iter().map(|it| it.join().expect("comparing does not panic")).sum()
    });
    println!("{}", f64::from(compared) / begun.elapsed().as_secs_f64());
    Ok(())
}
