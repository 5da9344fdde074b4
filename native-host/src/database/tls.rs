//! TLS to the database as libpq's `sslmode` means it, by rustls.

mod certificate;
mod verifier;

use std::{fmt::Display, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::verifier::{Anchors, Verifier};

/// What is made certain of before anything is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: who listens is kept out, who sits in the middle is not.
    Nothing,
    /// That an authority which is trusted vouches for the server.
    Authority,
    /// That, and that the certificate is for the host that was called.
    Full,
}

/// Which authorities are trusted.
pub enum Roots {
    System,
    File(PathBuf),
}

/// `direct` announces PostgreSQL in the handshake, for a server that is called without its own
/// negotiation first. An error says what is wrong with the roots, which only [`Proof::Nothing`]
/// can do without.
pub fn connector(
    proof: Proof,
    roots: Option<&Roots>,
    direct: bool,
) -> Result<MakeRustlsConnect, String> {
    let mut config = configuration(proof, roots)?;
    if direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn configuration(proof: Proof, roots: Option<&Roots>) -> Result<ClientConfig, String> {
    let provider = Arc::new(default_provider());
    let anchors = match (proof, roots) {
        (Proof::Nothing, _) => None,
        (_, Some(roots)) => Some(load(roots)?),
        (_, None) => return Err("no authority is named".to_owned()),
    };
    let algorithms = provider.signature_verification_algorithms;
    let verifier = Arc::new(Verifier { algorithms, anchors, name: proof == Proof::Full });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS can't be set up: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn load(roots: &Roots) -> Result<Anchors, String> {
    match roots {
        Roots::System => {
            let found = rustls_native_certs::load_native_certs().certs;
            let anchors = Anchors::new(found.into_iter().map(Ok::<_, String>))?;
            anchors.ok_or_else(|| {
                "this system has no root certificates; install them, or name a file in `sslrootcert`".to_owned()
            })
        }
        Roots::File(path) => {
            let unusable = |cause: &dyn Display| {
                format!("`sslrootcert` ({}) can't be used: {cause}", path.display())
            };
            let file = CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))?;
            let anchors = Anchors::new(file).map_err(|error| unusable(&error))?;
            anchors.ok_or_else(|| unusable(&"it holds no certificate in PEM"))
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::{
        ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion,
        crypto::ring::sign::any_supported_type,
        pki_types::{PrivateKeyDer, ServerName},
        server::ResolvesServerCert,
        sign::{CertifiedKey, SingleCertAndKey},
        version::{TLS12, TLS13},
    };

    use super::*;

    /// What becomes of a handshake with a server that shows a certificate and has a key.
    fn shake(
        version: &'static SupportedProtocolVersion,
        shown: &rcgen::Certificate,
        key: &KeyPair,
    ) -> Result<(), rustls::Error> {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = any_supported_type(&key).unwrap();
        let shown = CertifiedKey::new(vec![shown.der().clone()], key);
        let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(shown));
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let client = Arc::new(configuration(Proof::Nothing, None).unwrap());
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(client, name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn whoever_shows_a_certificate_has_its_key() {
        let [own, other] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let shown = CertificateParams::new(vec![]).unwrap().self_signed(&own).unwrap();
        for version in [&TLS12, &TLS13] {
            shake(version, &shown, &own).unwrap();
            let refused = shake(version, &shown, &other).unwrap_err();
            let due = rustls::CertificateError::BadSignature;
            assert_eq!(refused, rustls::Error::InvalidCertificate(due), "{version:?}");
        }
    }
}
