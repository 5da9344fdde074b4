//! What a certificate says, read as far as libpq and OpenSSL look: of any version, and whatever
//! else is odd about it.

use std::net::IpAddr;

use rustls::{
    CertificateError, Error,
    crypto::WebPkiSupportedAlgorithms,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use x509_cert::{
    certificate::{CertificateInner, Raw, Version},
    der::{
        Decode, Encode as _, Header, Reader, SliceReader, Tag, TagNumber, Tagged as _,
        asn1::{AnyRef, ObjectIdentifier},
        oid::{
            AssociatedOid,
            db::{rfc4519::CN, rfc5280::ID_KP_SERVER_AUTH},
        },
    },
    ext::pkix::{
        BasicConstraints, CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage,
        InhibitAnyPolicy, KeyUsage, KeyUsages, NameConstraints, PolicyConstraints, PolicyMappings,
        SubjectAltName,
    },
    spki::AlgorithmIdentifierOwned,
};

/// Extensions that may be critical, since they are heeded.
const HEEDED: [ObjectIdentifier; 5] = [
    BasicConstraints::OID,
    ExtendedKeyUsage::OID,
    KeyUsage::OID,
    NameConstraints::OID,
    SubjectAltName::OID,
];

/// Those that may be critical for OpenSSL as well: nobody asks for policies or lists of revoked
/// ones. webpki does not know them.
const PASSED_OVER: [ObjectIdentifier; 5] = [
    CertificatePolicies::OID,
    CrlDistributionPoints::OID,
    InhibitAnyPolicy::OID,
    PolicyConstraints::OID,
    PolicyMappings::OID,
];

/// Of RFC 5280's kinds of names, the two that hosts have. The others are not read any further.
const DNS_NAME: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber::N2 };
const IP_ADDRESS: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber::N7 };

struct AlternativeNames<'a>(Vec<AnyRef<'a>>);

impl AssociatedOid for AlternativeNames<'_> {
    const OID: ObjectIdentifier = SubjectAltName::OID;
}

impl<'a> Decode<'a> for AlternativeNames<'a> {
    fn decode<R: Reader<'a>>(reader: &mut R) -> x509_cert::der::Result<Self> {
        Vec::decode(reader).map(Self)
    }
}

pub struct Certificate {
    pub der: CertificateDer<'static>,
    /// What its signature is over.
    signed: Vec<u8>,
    read: CertificateInner<Raw>,
}

impl Certificate {
    pub fn read(der: &CertificateDer<'_>) -> Result<Self, Error> {
        let read = || {
            let mut reader = SliceReader::new(der)?;
            Header::decode(&mut reader)?;
            let signed = reader.tlv_bytes()?.to_vec();
            let read = CertificateInner::from_der(der)?;
            Ok::<_, x509_cert::der::Error>(Self { der: der.clone().into_owned(), signed, read })
        };
        read().map_err(|_| bad_encoding())
    }

    /// The `SubjectPublicKeyInfo`.
    pub fn public_key(&self) -> Result<Vec<u8>, Error> {
        let key = &self.read.tbs_certificate.subject_public_key_info;
        key.to_der().map_err(|_| bad_encoding())
    }

    /// Whether the key made the signature over the message, by one of `algorithms`.
    pub fn verify(
        &self,
        algorithms: &[&dyn rustls::pki_types::SignatureVerificationAlgorithm],
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let key = &self.read.tbs_certificate.subject_public_key_info;
        let Some(bits) = key.subject_public_key.as_bytes() else { return false };
        algorithms.iter().any(|it| {
            is(&key.algorithm, &it.public_key_alg_id())
                && it.verify_signature(bits, message, signature).is_ok()
        })
    }

    pub fn is_signed_by(&self, issuer: &Self, known: &WebPkiSupportedAlgorithms) -> bool {
        let Some(signature) = self.read.signature.as_bytes() else { return false };
        let fitting: Vec<_> = known
            .all
            .iter()
            .copied()
            .filter(|it| is(&self.read.signature_algorithm, &it.signature_alg_id()))
            .collect();
        self.read.tbs_certificate.issuer == issuer.read.tbs_certificate.subject
            && self.read.signature_algorithm == self.read.tbs_certificate.signature
            && issuer.verify(&fitting, &self.signed, signature)
    }

    pub fn is_self_issued(&self) -> bool {
        self.read.tbs_certificate.issuer == self.read.tbs_certificate.subject
    }

    /// Of version 3, a server's own, and all that is critical in it known, as webpki wants it.
    pub fn is_ordinary(&self) -> bool {
        self.read.tbs_certificate.version == Version::V3
            && !self.is_authority()
            && self.critical().all(|it| !PASSED_OVER.contains(&it))
    }

    fn critical(&self) -> impl Iterator<Item = ObjectIdentifier> {
        let extensions = self.read.tbs_certificate.extensions.iter().flatten();
        extensions.filter(|it| it.critical).map(|it| it.extn_id)
    }

    fn is_understood(&self) -> bool {
        self.critical().all(|it| HEEDED.contains(&it) || PASSED_OVER.contains(&it))
    }

    fn is_authority(&self) -> bool {
        self.extension::<BasicConstraints>().ok().flatten().is_some_and(|it| it.ca)
    }

    pub fn is_in_force(&self, now: UnixTime) -> Result<(), Error> {
        let validity = &self.read.tbs_certificate.validity;
        let [begin, end] =
            [validity.not_before, validity.not_after].map(|it| it.to_unix_duration().as_secs());
        if now.as_secs() < begin {
            Err(CertificateError::NotValidYet.into())
        } else if now.as_secs() > end {
            Err(CertificateError::Expired.into())
        } else {
            Ok(())
        }
    }

    /// Whether a server may show it: nothing in it says otherwise, or can't be understood.
    pub fn may_serve(&self) -> Result<(), Error> {
        if !self.is_understood() {
            return Err(CertificateError::UnhandledCriticalExtension.into());
        }
        let tls =
            KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment | KeyUsages::KeyAgreement;
        let key = self.extension::<KeyUsage>()?.is_none_or(|it| !it.0.is_disjoint(tls));
        if key && self.is_for_servers()? {
            Ok(())
        } else {
            Err(CertificateError::InvalidPurpose.into())
        }
    }

    fn is_for_servers(&self) -> Result<bool, Error> {
        let purposes = self.extension::<ExtendedKeyUsage>()?;
        Ok(purposes.is_none_or(|it| it.0.contains(&ID_KP_SERVER_AUTH)))
    }

    /// Whether it may vouch for others. One of the first version says nothing of it and is
    /// believed, as one of the third that says for what its key is.
    pub fn may_sign(&self) -> Result<bool, Error> {
        let key = self.extension::<KeyUsage>()?;
        if key.is_some_and(|it| !it.0.contains(KeyUsages::KeyCertSign)) || !self.is_for_servers()? {
            return Ok(false);
        }
        Ok(match self.extension::<BasicConstraints>()? {
            Some(constraints) => constraints.ca,
            None => self.read.tbs_certificate.version == Version::V1 || key.is_some(),
        })
    }

    /// Whether it may vouch for others with `below` authorities between it and the server, though it
    /// is not trusted itself. What it may vouch for is not read: one with bounds of names may not.
    pub fn may_pass(&self, below: usize) -> Result<bool, Error> {
        let so_long =
            |it: BasicConstraints| it.path_len_constraint.is_none_or(|most| below <= most.into());
        Ok(self.is_understood()
            && self.extension::<NameConstraints>()?.is_none()
            && self.is_authority()
            && self.may_sign()?
            && self.extension::<BasicConstraints>()?.is_none_or(so_long))
    }

    /// As libpq compares: by the alternative names, and by the common name only where none of
    /// those is of the host's kind.
    pub fn is_for(&self, host: &ServerName<'_>) -> Result<(), Error> {
        let text = host.to_str();
        let address: Option<IpAddr> = text.parse().ok();
        let names = self.extension::<AlternativeNames<'_>>()?.map(|it| it.0).unwrap_or_default();
        let mut presented = Vec::new();
        let mut by_common_name = true;
        for name in &names {
            let fits = match name.tag() {
                DNS_NAME => {
                    by_common_name &= address.is_some();
                    presented.push(String::from_utf8_lossy(name.value()).into_owned());
                    matches(name.value(), &text)
                }
                IP_ADDRESS => {
                    by_common_name &= address.is_none();
                    let named = match *name.value() {
                        [a, b, c, d] => Some(IpAddr::from([a, b, c, d])),
                        ref long => <[u8; 16]>::try_from(long).ok().map(IpAddr::from),
                    };
                    presented.extend(named.map(|it| it.to_string()));
                    named.is_some() && named == address
                }
                _ => false,
            };
            if fits {
                return Ok(());
            }
        }
        if by_common_name && let Some(name) = self.common_name() {
            presented.push(String::from_utf8_lossy(name).into_owned());
            if matches(name, &text) {
                return Ok(());
            }
        }
        let expected = host.to_owned();
        Err(CertificateError::NotValidForNameContext { expected, presented }.into())
    }

    fn common_name(&self) -> Option<&[u8]> {
        let mut parts = self.read.tbs_certificate.subject.0.iter().flat_map(|it| it.0.iter());
        parts.find(|it| it.oid == CN).map(|it| it.value.value())
    }

    fn extension<'a, T>(&'a self) -> Result<Option<T>, Error>
    where
        T: Decode<'a> + AssociatedOid,
    {
        let found = self.read.tbs_certificate.get::<T>().map_err(|_| bad_encoding())?;
        Ok(found.map(|(_, it)| it))
    }
}

/// A `*` stands for one whole label, the first.
fn matches(pattern: &[u8], host: &str) -> bool {
    let host = host.as_bytes();
    if pattern.eq_ignore_ascii_case(host) {
        return !pattern.is_empty();
    }
    let Some(rest) = pattern.strip_prefix(b"*").filter(|rest| rest.len() > 1 && rest[0] == b'.')
    else {
        return false;
    };
    let Some(at) = host.len().checked_sub(rest.len()) else { return false };
    host[at..].eq_ignore_ascii_case(rest) && at > 0 && !host[..at].contains(&b'.')
}

/// An identifier's content, against one that rustls has without tag and length.
fn is(found: &AlgorithmIdentifierOwned, due: &[u8]) -> bool {
    let content = || {
        let mut content = found.oid.to_der()?;
        content.extend(found.parameters.to_der()?);
        Ok::<_, x509_cert::der::Error>(content)
    };
    content().is_ok_and(|content| content == due)
}

pub fn bad_encoding() -> Error {
    CertificateError::BadEncoding.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        for (pattern, host, fits) in [
            ("db.example.com", "DB.example.com", true),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "example.com", false),
            ("d*.example.com", "db.example.com", false),
            ("*", "db", false),
            ("*.", "db.", false),
            ("db.example.com\0.evil", "db.example.com", false),
            ("", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), host), fits, "{pattern} for {host}");
        }
    }
}
