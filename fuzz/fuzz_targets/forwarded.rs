//! `Forwarded` and `X-Forwarded-*`: never a panic, and an untrusted peer is never believed.
#![no_main]

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use trireme_core::{config::Proxies, host::Peer, http::forwarded::client};

fuzz_target!(|lines: Vec<(u8, &[u8])>| {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = ["forwarded", "x-forwarded-for", "x-forwarded-proto"][usize::from(name) % 3];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let peer = |address: &str| Peer {
        address: address.parse().expect("an address"),
        trusted_platform: false,
        https: false,
    };
    let trusted = Proxies::parse(&["10.0.0.0/8".to_owned()]).expect("a network");
    let _ = client(peer("10.0.0.1"), &trusted, &headers);
    let stranger = client(peer("192.0.2.1"), &trusted, &headers);
    assert_eq!((stranger.address, stranger.https), (peer("192.0.2.1").address, None));
});
