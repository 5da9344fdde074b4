//! `sslmode` and `sslrootcert` mean what libpq means by them.

mod database_support;

use trireme_core::{
    host::{Database as _, Scope},
    sql::Statement,
};
use trireme_native::database::{Database, OpenError};
use trireme_testbed::{Postgres, require};

use database_support::{config, open};

const ENCRYPTED: &str = "-- encrypted\nSELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Whether the connection is encrypted, or why there is none.
async fn connect(url: &str) -> Result<bool, String> {
    use trireme_core::sql::Row as _;
    let database = open(&config(url));
    let statements = [Statement::read(ENCRYPTED, vec![])];
    let rows =
        database.batch(Scope::Service, &statements).await.map_err(|error| error.to_string())?;
    Ok(rows[0][0].get::<bool>(0).unwrap())
}

#[tokio::test]
async fn a_server_is_believed_as_far_as_it_is_asked() {
    let Some(postgres) = require(Postgres::with_tls()) else { return };
    let Some(stranger) = require(Postgres::with_tls()) else { return };
    let [right, wrong] =
        [&postgres, &stranger].map(|it| it.authority().unwrap().display().to_string());
    let url = postgres.url("postgres");
    // The address stays the same, the name is not in the certificate.
    let elsewhere = url.replace("@127.0.0.1:", "@elsewhere.example:");

    let accepted = [
        (&url, "sslmode=prefer".to_owned()),
        (&url, "sslmode=require".to_owned()),
        (&url, "ssl=require".to_owned()),
        (&url, format!("sslmode=require&sslrootcert={right}")),
        (&url, format!("sslmode=verify-ca&sslrootcert={right}")),
        (&url, format!("sslmode=verify-full&sslrootcert={right}")),
        (&url, format!("sslmode=verify-full&sslrootcert={right}&channel_binding=require")),
        (&elsewhere, format!("sslmode=verify-ca&sslrootcert={right}&hostaddr=127.0.0.1")),
        (&elsewhere, "sslmode=require&hostaddr=127.0.0.1".to_owned()),
    ];
    for (url, parameters) in accepted {
        assert_eq!(connect(&format!("{url}?{parameters}")).await, Ok(true), "{parameters}");
    }

    let refused = [
        (&url, "sslmode=disable".to_owned(), "no encryption"),
        (&url, format!("sslmode=require&sslrootcert={wrong}"), "invalid peer certificate"),
        (&url, format!("sslmode=verify-ca&sslrootcert={wrong}"), "invalid peer certificate"),
        (&url, format!("sslmode=verify-full&sslrootcert={wrong}"), "invalid peer certificate"),
        (
            &elsewhere,
            format!("sslmode=verify-full&sslrootcert={right}&hostaddr=127.0.0.1"),
            "elsewhere.example",
        ),
    ];
    for (url, parameters, cause) in refused {
        let error = connect(&format!("{url}?{parameters}")).await.unwrap_err();
        assert!(error.contains(cause), "{parameters}: {error}");
    }
}

#[tokio::test]
async fn encryption_is_not_given_up_where_it_is_required() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let url = postgres.url("postgres");
    assert_eq!(connect(&format!("{url}?sslmode=prefer")).await, Ok(false));
    for mode in ["require", "verify-ca", "verify-full"] {
        let root = "sslrootcert=/etc/ssl/certs/ca-certificates.crt";
        let error = connect(&format!("{url}?sslmode={mode}&{root}")).await.unwrap_err();
        assert!(error.contains("does not support TLS"), "{mode}: {error}");
    }
}

/// What one host has to say is no reason to pass over the others, nor is its silence.
#[tokio::test]
async fn each_host_is_tried_in_each_way() {
    let Some(postgres) = require(Postgres::with_tls()) else { return };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let url = postgres.url("postgres");
    let here = format!("@127.0.0.1:{}", postgres.port());
    let hosts = [
        (format!("{here},127.0.0.1:1"), "sslmode=allow"),
        (format!("@127.0.0.1:1,{}", &here[1..]), "sslmode=allow"),
        (format!("@{silent},{}", &here[1..]), "sslmode=prefer&connect_timeout=1"),
    ];
    for (hosts, parameters) in hosts {
        let url = format!("{}?{parameters}", url.replace(&here, &hosts));
        assert_eq!(connect(&url).await, Ok(true), "{hosts}");
    }
}

#[test]
fn roots_that_cannot_be_used_are_a_fault_of_the_configuration() {
    let folder = trireme_testbed::Folder::new().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate here").unwrap();
    for path in ["/nowhere/root.pem", empty.to_str().unwrap()] {
        let url = format!("postgres://u:hush@localhost/d?sslmode=verify-full&sslrootcert={path}");
        let error = Database::open(&config(&url)).err().unwrap();
        assert!(matches!(error, OpenError::Url("DATABASE_URL", _)), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("sslrootcert") && text.contains(path) && !text.contains("hush"),
            "{text}"
        );
    }
}
