//! Who shares an instance, and what a panic takes with it.

use std::thread;
use std::time::Duration;

use crate::support::Probe;

fn instance(probe: &Probe) -> u32 {
    let answer = trireme_testbed::http::get(probe.port(), "/instance").unwrap().body;
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_instance_serves_128_requests() {
    let Some(probe) = Probe::start() else { return };
    let served: Vec<_> = (0..200).map(|_| instance(&probe)).collect();
    assert_eq!(served.iter().max(), Some(&128));
}

#[test]
fn at_most_16_at_once_share_an_instance() {
    let Some(probe) = Probe::start() else { return };
    let under_way = thread::scope(|scope| {
        let request = || probe.run("sleep 500\nunder-way\nsleep 500").remove(0);
        let requests: Vec<_> = (0..40).map(|_| scope.spawn(request)).collect();
        requests.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
    });
    let most = under_way.iter().map(|it| it.parse::<u32>().unwrap()).max();
    assert!(most.is_some_and(|it| (2..=16).contains(&it)), "{under_way:?}");
}

#[test]
fn a_panic_ends_all_requests_of_its_instance_and_no_others() {
    let Some(probe) = Probe::start() else { return };
    thread::scope(|scope| {
        let other = scope.spawn(|| probe.post("sleep 2000"));
        thread::sleep(Duration::from_millis(300));
        assert_eq!(probe.post("panic in the middle").status, 500);
        assert_eq!(other.join().unwrap().status, 500);
    });
    assert_eq!(instance(&probe), 1, "a new instance");
    let log = probe.log();
    assert!(log.contains("in the middle"), "{log}");
}
