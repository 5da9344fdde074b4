//! Certificates of all kinds.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SigningKey as _,
    date_time_ymd,
};
use x509_cert::{
    certificate::Version,
    der::{Decode as _, Encode as _, EncodePem as _, asn1::BitString, pem::LineEnding},
};

/// What a server shows, and the file that a client has.
pub struct Case {
    pub name: &'static str,
    /// The host that the client calls.
    pub host: &'static str,
    pub chain: String,
    pub key: String,
    pub roots: String,
}

/// One that signs, with its certificate in PEM.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Authority {
    fn new(name: &str, adjust: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        adjust(&mut params);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { params, key, pem }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Certificate {
        params.signed_by(key, &self.issuer()).unwrap()
    }
}

fn named(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// The same certificate in the first version of the standard, which has no extensions.
fn of_version_1(certificate: &Certificate, issuer: &KeyPair) -> String {
    let mut it = x509_cert::Certificate::from_der(certificate.der()).unwrap();
    it.tbs_certificate.version = Version::V1;
    it.tbs_certificate.extensions = None;
    let signature = issuer.sign(&it.tbs_certificate.to_der().unwrap()).unwrap();
    it.signature = BitString::from_bytes(&signature).unwrap();
    it.to_pem(LineEnding::LF).unwrap()
}

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    let authority = Authority::new("authority", |_| ());
    let mut add = |name, host, chain: String, key: &KeyPair, roots: &str| {
        let (key, roots) = (key.serialize_pem(), roots.to_owned());
        cases.push(Case { name, host, chain, key, roots });
    };

    // Signed by the authority, each with its own oddity.
    let mut signed = |name, host, params: CertificateParams| {
        let key = KeyPair::generate().unwrap();
        add(name, host, authority.sign(&params, &key).pem(), &key, &authority.pem);
    };
    let with = |adjust: fn(&mut CertificateParams)| {
        let mut params = named("server", &["localhost"]);
        adjust(&mut params);
        params
    };
    signed("ordinary", "localhost", with(|_| ()));
    signed("common name alone", "localhost", named("LOCALHOST", &[]));
    signed("common name of another", "localhost", named("elsewhere", &[]));
    signed("common name beside another's", "localhost", named("localhost", &["elsewhere"]));
    signed("common name beside an address", "localhost", named("localhost", &["127.0.0.1"]));
    signed("address", "127.0.0.1", named("server", &["127.0.0.1"]));
    signed("address of another", "127.0.0.1", named("127.0.0.1", &["127.0.0.2"]));
    signed("address as common name", "127.0.0.1", named("127.0.0.1", &[]));
    signed("address as common name beside a name", "127.0.0.1", named("127.0.0.1", &["server"]));
    signed("address as a name", "127.0.0.1", {
        let mut params = named("server", &[]);
        params.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())];
        params
    });
    signed("star", "db.example", named("server", &["*.example"]));
    signed("star for two labels", "a.db.example", named("server", &["*.example"]));
    signed("star as common name", "db.example", named("*.example", &[]));
    signed("expired", "localhost", with(|it| it.not_after = date_time_ymd(2001, 1, 1)));
    signed("not yet", "localhost", with(|it| it.not_before = date_time_ymd(4000, 1, 1)));
    signed("names of all kinds", "localhost", {
        // An object identifier, an address of mail, the host.
        let names = [&[0x30, 0x12, 0x88, 2, 42, 3, 0x81, 1, b'x', 0x82, 9][..], b"localhost"];
        let mut params = named("server", &[]);
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], names.concat())];
        params
    });
    signed(
        "for clients",
        "localhost",
        with(|it| {
            it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
    );
    signed(
        "for servers",
        "localhost",
        with(|it| {
            it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            it.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }),
    );
    signed(
        "key for signing alone",
        "localhost",
        with(|it| {
            it.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }),
    );
    signed(
        "an authority as well",
        "localhost",
        with(|it| {
            it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }),
    );
    signed(
        "policies and lists of revoked ones, critical",
        "localhost",
        with(|it| {
            let policies: [(_, &[u8]); 4] = [
                (32, &[0x30, 6, 0x30, 4, 6, 2, 42, 3]),
                (36, &[0x30, 3, 0x80, 1, 0]),
                (54, &[2, 1, 0]),
                (
                    31,
                    &[0x30, 13, 0x30, 11, 0xa0, 9, 0xa0, 7, 0x86, 5, b'h', b't', b't', b'p', b':'],
                ),
            ];
            it.custom_extensions = policies
                .map(|(number, content)| {
                    let mut policy =
                        CustomExtension::from_oid_content(&[2, 5, 29, number], content.to_vec());
                    policy.set_criticality(true);
                    policy
                })
                .to_vec();
        }),
    );
    signed(
        "unknown and critical",
        "localhost",
        with(|it| {
            let mut unknown = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![5, 0]);
            unknown.set_criticality(true);
            it.custom_extensions = vec![unknown];
        }),
    );

    let server = named("localhost", &["localhost"]);
    let key = KeyPair::generate().unwrap();
    let first = of_version_1(&authority.sign(&server, &key), &authority.key);
    add("version 1", "localhost", first.clone(), &key, &authority.pem);
    let stranger = Authority::new("stranger", |_| ());
    add("version 1 of a stranger", "localhost", first, &key, &stranger.pem);
    let namesake = Authority::new("authority", |_| ());
    let shown = authority.sign(&server, &key).pem();
    add("a stranger's", "localhost", shown.clone(), &key, &stranger.pem);
    add("a namesake's", "localhost", shown, &key, &namesake.pem);

    // Their own authority.
    let own = |adjust: fn(&mut CertificateParams)| {
        let mut params = named("localhost", &["localhost"]);
        adjust(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap(), key)
    };
    let (it, key) = own(|_| ());
    add("its own", "localhost", it.pem(), &key, &it.pem());
    let first = of_version_1(&it, &key);
    add("its own of version 1", "localhost", first.clone(), &key, &first);
    let (it, key) = own(|it| it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    add("its own and an authority", "localhost", it.pem(), &key, &it.pem());
    let (it, key) = own(|it| it.not_after = date_time_ymd(2001, 1, 1));
    add("its own and expired", "localhost", it.pem(), &key, &it.pem());
    let (other, _) = own(|_| ());
    let (it, key) = own(|_| ());
    add("its own, another known", "localhost", it.pem(), &key, &other.pem());

    // Authorities of all kinds.
    let mut by = |name, authority: &Authority, roots: &str| {
        let key = KeyPair::generate().unwrap();
        add(name, "localhost", authority.sign(&server, &key).pem(), &key, roots);
    };
    let it = Authority::new("old", |it| it.not_after = date_time_ymd(2001, 1, 1));
    by("an expired authority", &it, &it.pem);
    let it = Authority::new("keys", |it| it.is_ca = IsCa::NoCa);
    by("an authority by its key's use", &it, &it.pem);
    let it = Authority::new("bare", |it| {
        it.is_ca = IsCa::NoCa;
        it.key_usages = vec![];
    });
    by("an authority that does not say so", &it, &it.pem);
    let it = Authority::new("no", |it| it.is_ca = IsCa::ExplicitNoCa);
    by("an authority that denies it", &it, &it.pem);
    let it = Authority::new("one", |_| ());
    let first = of_version_1(&it.params.self_signed(&it.key).unwrap(), &it.key);
    by("an authority of version 1", &it, &first);

    // Two steps.
    let root = Authority::new("root", |_| ());
    let mut between = Authority::new("between", |_| ());
    between.pem = root.sign(&between.params, &between.key).pem();
    let key = KeyPair::generate().unwrap();
    let shown = between.sign(&server, &key).pem();
    let both = format!("{shown}{}", between.pem);
    add("in two steps", "localhost", both.clone(), &key, &root.pem);
    add("in two steps, one known", "localhost", both, &key, &between.pem);
    let known = format!("{}{}", between.pem, root.pem);
    add("in two steps, both known", "localhost", shown.clone(), &key, &known);
    add("in two steps, one untold", "localhost", shown, &key, &root.pem);

    // The same of the kinds that webpki does not take.
    let mut steps = |name, server: String, between: &[&str], roots: &str| {
        add(name, "localhost", format!("{server}{}", between.concat()), &key, roots);
    };
    let first = of_version_1(&between.sign(&server, &key), &between.key);
    steps("version 1 in two steps", first.clone(), &[&between.pem], &root.pem);
    steps("version 1 in two steps, both known", first.clone(), &[], &known);
    steps("version 1 in two steps, one known", first.clone(), &[], &between.pem);
    steps("version 1 in two steps, one untold", first, &[], &root.pem);
    let mut able = server.clone();
    able.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let able = between.sign(&able, &key).pem();
    steps("an authority as well in two steps", able, &[&between.pem], &root.pem);
    let under = |above: &Authority, adjust: &dyn Fn(&mut CertificateParams)| {
        let mut it = Authority::new("under", |it| adjust(it));
        it.pem = above.sign(&it.params, &it.key).pem();
        let first = of_version_1(&it.sign(&server, &key), &it.key);
        (it, first)
    };
    let (third, first) = under(&between, &|_| ());
    steps("version 1 in three steps", first.clone(), &[&between.pem, &third.pem], &root.pem);
    steps("version 1 in three steps, one missing", first, &[&third.pem], &root.pem);
    for (name, adjust) in [
        (
            "version 1 under one that is expired",
            &(|it: &mut CertificateParams| it.not_after = date_time_ymd(2001, 1, 1))
                as &dyn Fn(&mut CertificateParams),
        ),
        ("version 1 under no authority", &|it: &mut CertificateParams| {
            it.is_ca = IsCa::ExplicitNoCa;
        }),
        ("version 1 under a key for other things", &|it: &mut CertificateParams| {
            it.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }),
    ] {
        let (it, first) = under(&root, adjust);
        steps(name, first, &[&it.pem], &root.pem);
    }
    let (short, first) = under(&root, &|it| it.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    steps("version 1 within a bound of steps", first, &[&short.pem], &root.pem);
    let (it, first) = under(&short, &|_| ());
    steps("version 1 beyond a bound of steps", first, &[&short.pem, &it.pem], &root.pem);
    cases
}
