//! Which certificates are believed: what webpki and OpenSSL agree on, and what OpenSSL alone takes
//! of those that PostgreSQL's own manual makes.

use std::fmt;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime},
    server::ParsedCertificate,
};

use super::certificate::Certificate;

/// Of a chain, which a server may make as long as it likes.
const MOST_SENT: usize = 16;

/// The certificates of a file, or the system's.
pub struct Anchors {
    /// A chain has to end at one of these, which vouch for themselves.
    roots: Vec<(Certificate, TrustAnchor<'static>)>,
    /// A chain may pass these, as if the server had sent them.
    others: Vec<CertificateDer<'static>>,
}

impl Anchors {
    /// `None` without any certificate that can be used.
    pub fn new<E>(
        found: impl IntoIterator<Item = Result<CertificateDer<'static>, E>>,
    ) -> Result<Option<Self>, E> {
        let mut all = Self { roots: Vec::new(), others: Vec::new() };
        for der in found {
            let der = der?;
            let Ok(certificate) = Certificate::read(&der) else { continue };
            let mut store = RootCertStore::empty();
            if !certificate.is_self_issued() {
                all.others.push(der);
            } else if store.add(der).is_ok() {
                all.roots.extend(store.roots.pop().map(|anchor| (certificate, anchor)));
            }
        }
        let empty = all.roots.is_empty() && all.others.is_empty();
        Ok((!empty).then_some(all))
    }

    fn check(
        &self,
        shown: &Certificate,
        sent: &[CertificateDer<'_>],
        known: &WebPkiSupportedAlgorithms,
        now: UnixTime,
    ) -> Result<(), Error> {
        shown.may_serve()?;
        shown.is_in_force(now)?;
        // A server that vouches for itself, and is known.
        if self.roots.iter().any(|(root, _)| root.der == shown.der) {
            return Ok(());
        }
        let usable = |root: &Certificate| {
            root.is_in_force(now).is_ok() && root.may_sign().unwrap_or_default()
        };
        let roots = self.roots.iter().filter(|(root, _)| usable(root));
        if shown.is_ordinary() {
            let parsed = ParsedCertificate::try_from(&shown.der)?;
            let store = RootCertStore { roots: roots.map(|(_, it)| it.clone()).collect() };
            let between = sent.iter().chain(&self.others).map(|it| CertificateDer::from(&**it));
            let between: Vec<_> = between.collect();
            return verify_server_cert_signed_by_trust_anchor(
                &parsed, &store, &between, now, known.all,
            );
        }
        // Of the first version, or one that could vouch for others: webpki takes neither. From the
        // server's certificate up, a step at a time, each certificate once.
        let roots: Vec<_> = roots.map(|(root, _)| root).collect();
        let between = sent.iter().take(MOST_SENT).chain(&self.others);
        let between: Vec<_> = between.filter_map(|it| Certificate::read(it).ok()).collect();
        let (mut reached, mut left) = (vec![shown], between.iter().collect::<Vec<_>>());
        for below in 0..=between.len() {
            let signed_by = |by: &Certificate| reached.iter().any(|it| it.is_signed_by(by, known));
            if roots.iter().any(|root| signed_by(root)) {
                return Ok(());
            }
            (reached, left) = left.into_iter().partition(|it| {
                it.is_in_force(now).is_ok()
                    && it.may_pass(below).unwrap_or_default()
                    && signed_by(it)
            });
        }
        Err(CertificateError::UnknownIssuer.into())
    }
}

pub struct Verifier {
    pub algorithms: WebPkiSupportedAlgorithms,
    /// Without any, every certificate is believed.
    pub anchors: Option<Anchors>,
    /// Whether the certificate has to be for the host that was called.
    pub name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Certificate::read(shown)?;
        if let Some(anchors) = &self.anchors {
            anchors.check(&shown, sent, &self.algorithms, now)?;
        }
        if self.name {
            shown.is_for(host)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    // Whoever shows a certificate has its key, however little of it is looked at.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let (_, known) = known.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        if Certificate::read(shown)?.verify(known, message, signed.signature()) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(Certificate::read(shown)?.public_key()?);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("name", &self.name).finish_non_exhaustive()
    }
}
