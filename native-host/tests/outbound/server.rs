//! A server to call, which answers by the path, well or badly.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto::ring::default_provider,
    pki_types::PrivateKeyDer,
};

pub struct Server {
    pub port: u16,
    pub roots: RootCertStore,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Over TLS as `server.test`, or in the clear.
    pub fn start(encrypted: bool) -> Self {
        let (tls, roots) = identity();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, tls) = (stream.unwrap(), Arc::clone(&tls));
                counted.fetch_add(1, Relaxed);
                thread::spawn(move || serve(stream, encrypted.then_some(tls)));
            }
        });
        Self { port, roots, connections }
    }

    /// How many were accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }
}

fn identity() -> (Arc<ServerConfig>, RootCertStore) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.self_signed(&authority_key).unwrap().der().clone()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["server.test".to_owned()]).unwrap();
    let certificate =
        params.signed_by(&key, &Issuer::from_params(&authority, &authority_key)).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
    (Arc::new(tls.unwrap()), roots)
}

/// Errors are the client's: it hangs up on what it does not want.
fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
    let _ = match tls {
        Some(tls) => answer_all(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream)),
        None => answer_all(stream),
    };
}

fn answer_all(stream: impl Read + Write) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |it| it.parse().unwrap())];
        stream.read_exact(&mut body)?;
        let path = head.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
        answer(stream.get_mut(), &path, &head, &body)?;
    }
}

fn answer(out: &mut impl Write, path: &str, head: &str, body: &[u8]) -> io::Result<()> {
    match path {
        "/echo" => {
            let body = format!("{head}{}", String::from_utf8_lossy(body));
            write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
        }
        "/moved" => write!(
            out,
            "HTTP/1.1 302 Found\r\nlocation: /echo\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
        )?,
        // More than it sends, if it is let.
        "/announced" => write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\nx")?,
        "/endless" => {
            write!(out, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                write!(out, "400\r\n{}\r\n", "x".repeat(1024))?;
            }
        }
        "/head" => loop {
            write!(out, "HTTP/1.1 200 OK\r\na: {}\r\n", "x".repeat(1024))?;
            (0..100).try_for_each(|_| write!(out, "a: {}\r\n", "x".repeat(1024)))?;
        },
        "/drip" => {
            write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n")?;
            for _ in 0..5000 {
                write!(out, "x")?;
                out.flush()?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        "/silent" => thread::sleep(Duration::from_secs(60)),
        "/broken" => {
            write!(out, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx")?;
            out.flush()?;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        _ => write!(out, "NOT HTTP AT ALL secret\r\n\r\n")?,
    }
    out.flush()
}
