//! The load generator that asks at a constant rate: the program `steady` of the folder `bench`.

use std::process::{Command, Stdio};

use serde::Deserialize;

use super::Result;
use super::programs::Programs;
use super::wrk::Target;

/// What it prints.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Times {
    pub requests_per_second: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
}

/// Asks for the target's URL so many times a second, or without a rate as often as it can.
pub fn run(programs: &Programs, target: &Target, rate: Option<f64>, seconds: u32) -> Result<Times> {
    let mut steady = Command::new(programs.tool("steady"));
    steady.arg(&target.url).args(["--seconds", &seconds.to_string()]);
    if let Some(token) = &target.token {
        steady.args(["--token", token]);
    }
    if let Some(rate) = rate {
        steady.args(["--rate", &rate.to_string()]);
    }
    let output = steady.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("steady failed on {}", target.url).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
