//! Every kind of value comes back from every database as it went in, to the byte.
#![expect(clippy::disallowed_methods, reason = "a test may start tasks")]

mod database_support;

use std::{borrow::Cow, time::Duration};

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::json;
use trireme_core::{
    Base64, Date, Json, Timestamp, Uuid,
    host::{Database as _, Scope},
    run_batch::{self, Batch},
    sql::{Row, Statement, Value},
};
use trireme_native::database::Database;

use database_support::{NOW, on_each, on_postgres};

#[derive(Clone, Debug, Default, PartialEq)]
struct Sample {
    flag: Option<bool>,
    number: Option<i64>,
    words: Option<String>,
    moment: Option<Timestamp>,
    fraction: Option<f64>,
    bytes: Option<Vec<u8>>,
    day: Option<Date>,
    document: Option<Json>,
}

impl Sample {
    fn arguments(&self, id: Uuid) -> Vec<Value<'_>> {
        let document: Value<'_> = self.document.as_ref().into();
        vec![
            id.into(),
            self.flag.into(),
            self.number.into(),
            self.words.as_deref().into(),
            self.moment.into(),
            self.fraction.into(),
            self.bytes.as_deref().into(),
            self.day.into(),
            document.clone(),
            document,
        ]
    }
}

fn insert(arguments: Vec<Value<'_>>) -> Statement<'_> {
    Statement::write(
        "-- insert_sample
         INSERT INTO samples (id, flag, number, words, moment, fraction, bytes, day, document, kept)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        arguments,
    )
}

fn select(id: Value<'_>) -> Statement<'_> {
    Statement::read(
        "-- get_sample
         SELECT id, flag, number, words, moment, fraction, bytes, day, document, kept
         FROM samples WHERE id = $1 AND words IS DISTINCT FROM '$1' -- $1",
        vec![id],
    )
}

fn read(row: &impl Row) -> Sample {
    let bytes: Option<Cow<'_, [u8]>> = row.get(6).unwrap();
    let [document, kept] = [8, 9].map(|column| row.get::<Option<Json>>(column).unwrap());
    assert_eq!(document, kept);
    Sample {
        flag: row.get(1).unwrap(),
        number: row.get(2).unwrap(),
        words: row.get::<Option<&str>>(3).unwrap().map(str::to_owned),
        moment: row.get(4).unwrap(),
        fraction: row.get(5).unwrap(),
        bytes: bytes.map(Cow::into_owned),
        day: row.get(7).unwrap(),
        document,
    }
}

/// What is read of what was written.
async fn through(database: &Database, arguments: Vec<Value<'_>>) -> Sample {
    let select = select(arguments[0].clone());
    let results = database.batch(Scope::Service, &[insert(arguments), select]).await.unwrap();
    read(&results[1][0])
}

fn extremes() -> Vec<Sample> {
    let json = |value| Json::new(value);
    let deep = (0..100).fold(json!({"bottom": true}), |inner, _| json!([inner]));
    let empty = Sample::default;
    vec![
        empty(),
        Sample { flag: Some(true), number: Some(i64::MAX), moment: Some(NOW), ..empty() },
        Sample { flag: Some(false), number: Some(i64::MIN), words: Some(String::new()), ..empty() },
        Sample {
            words: Some("Grüße, 世界 🌍 $1 ?1 '\"".to_owned()),
            moment: Some(Timestamp::INFINITY),
            ..empty()
        },
        Sample { number: Some(0), moment: Some(Timestamp::MIN), bytes: Some(vec![]), ..empty() },
        Sample { number: Some(-1), moment: Some(Timestamp::MAX), bytes: Some(vec![0]), ..empty() },
        Sample {
            fraction: Some(f64::MAX),
            day: Some(Date::MIN),
            document: json(json!({})),
            ..empty()
        },
        Sample {
            fraction: Some(f64::MIN),
            day: Some(Date::MAX),
            document: json(json!([])),
            ..empty()
        },
        Sample {
            fraction: Some(5e-324),
            day: Some(Date::INFINITY),
            document: json(json!("")),
            ..empty()
        },
        Sample {
            fraction: Some(-f64::MIN_POSITIVE),
            day: Date::from_days(0),
            document: json(json!(false)),
            ..empty()
        },
        Sample {
            fraction: Some(0.1 + 0.2),
            bytes: Some((0..65_536).map(|n| (n * 7 / 256) as u8 ^ n as u8).collect()),
            ..empty()
        },
        Sample { fraction: Some(1.0), document: json(deep), ..empty() },
        Sample {
            fraction: Some(0.0),
            document: json(
                json!({"é": "\u{1f30d}\u{1}\u{7f}\u{2028}\\\"/", "": null, "z": [1, -1, 0.1, 1e300, -1e300, 5e-324, 1e17, f64::MAX]}),
            ),
            ..empty()
        },
        Sample {
            fraction: Some(9_007_199_254_740_992.0),
            document: json(json!([u64::MAX, i64::MIN, 1.8e19, 1.9e19])),
            ..empty()
        },
        Sample { fraction: Some(1e21), document: json(json!(0.1 + 0.2)), ..empty() },
        Sample { fraction: Some(std::f64::consts::PI), document: json(json!("null")), ..empty() },
    ]
}

#[tokio::test]
async fn every_value_comes_back_as_it_went_in() {
    on_each(async |database, name| {
        for (number, sample) in (1..).zip(extremes()) {
            let id = Uuid::from_u128(u128::MAX / number);
            let found = through(database, sample.arguments(id)).await;
            assert_eq!(found, sample, "{name}");
            let texts = [&found, &sample].map(|it| it.document.as_ref().map(Json::text));
            assert_eq!(texts[0], texts[1], "{name}");
            let signs = [&found, &sample].map(|it| it.fraction.map(f64::to_bits));
            assert_eq!(signs[0], signs[1], "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_has_several_forms_comes_back_in_one() {
    on_each(async |database, name| {
        let sample = Sample { fraction: Some(-0.0), ..Sample::default() };
        let mut arguments = sample.arguments(Uuid::from_u128(1));
        let written =
            r#" { "b" : [1.0, -0.0, 1e2, 1e17, 1.50, "\u00e9\/"], "aa" : {}, "B": null } "#;
        arguments[8] = Value::Json(written.to_owned());
        arguments[9] = arguments[8].clone();
        let found = through(database, arguments).await;
        let text = r#"{"B":null,"aa":{},"b":[1,0,100,100000000000000000,1.5,"é/"]}"#;
        assert_eq!(found.document.unwrap().text(), text, "{name}");
        assert!(found.fraction.unwrap().is_sign_positive(), "{name}");

        // At the top, null is no value of JSON's.
        let empty = Sample::default();
        let mut arguments = empty.arguments(Uuid::from_u128(2));
        arguments[8] = Value::Json("null".to_owned());
        arguments[9] = Value::from(&Json::default());
        assert_eq!(through(database, arguments).await, empty, "{name}");
    })
    .await;
}

#[tokio::test]
async fn no_column_is_read_as_what_it_is_not() {
    on_each(async |database, name| {
        let sample = Sample {
            words: Some("2026-02-30 {".to_owned()),
            fraction: Some(1.5),
            bytes: Some(b"\xff".to_vec()),
            ..Sample::default()
        };
        let id = Uuid::from_u128(1);
        let read =
            Statement::read("-- read\nSELECT words, fraction, bytes, day FROM samples", vec![]);
        let insert = insert(sample.arguments(id));
        let results = database.batch(Scope::Service, &[insert, read]).await.unwrap();
        let row = &results[1][0];
        assert!(row.get::<Date>(0).is_err() && row.get::<Json>(0).is_err(), "{name}");
        assert!(row.get::<f64>(0).is_err() && row.get::<Base64<'_>>(0).is_err(), "{name}");
        assert!(row.get::<i64>(1).is_err() && row.get::<&str>(2).is_err(), "{name}");
        assert!(row.get::<Date>(3).is_err(), "{name}: NULL is no day");
        assert_eq!(row.get::<Base64<'_>>(2).unwrap().0.to_vec(), b"\xff", "{name}");
    })
    .await;
}

#[tokio::test]
async fn days_and_fractions_have_an_order() {
    on_each(async |database, name| {
        let days = [Date::INFINITY, Date::MIN, Date::MAX, Date::from_days(0).unwrap()];
        let fractions = [1e300, f64::MIN, 2.0, -5e-324];
        let samples: Vec<_> = days
            .into_iter()
            .zip(fractions)
            .map(|(day, fraction)| Sample {
                day: Some(day),
                fraction: Some(fraction),
                ..Sample::default()
            })
            .collect();
        let mut batch: Vec<_> = (1..)
            .zip(&samples)
            .map(|(id, sample)| insert(sample.arguments(Uuid::from_u128(id))))
            .collect();
        batch.push(Statement::read(
            "-- later\nSELECT day FROM samples WHERE COALESCE(day, 'infinity') > $1 ORDER BY day",
            vec![Date::from_days(0).into()],
        ));
        batch.push(Statement::read(
            "-- less\nSELECT fraction FROM samples WHERE fraction < $1 ORDER BY fraction",
            vec![2.0.into()],
        ));
        let results = database.batch(Scope::Service, &batch).await.unwrap();
        let later: Vec<Date> = results[4].iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(later, [Date::MAX, Date::INFINITY], "{name}");
        let less: Vec<f64> = results[5].iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(less, [f64::MIN, -5e-324], "{name}");
    })
    .await;
}

/// Spin's way, but for Spin: what it sends and what it is given, by the same server.
#[tokio::test]
async fn text_and_json_carry_every_value() {
    let Some((_database, home)) = on_postgres(|_| ()).await else { return };
    // Somebody's own settings would lose digits, and write all else as nobody reads it.
    for setting in [
        "extra_float_digits = 0",
        "bytea_output = escape",
        "DateStyle = German",
        "TimeZone = \"Asia/Tokyo\"",
    ] {
        home.run(&format!("ALTER DATABASE {} SET {setting}", home.name())).unwrap();
    }
    let (client, connection) =
        tokio_postgres::connect(&home.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for (number, sample) in (1..).zip(extremes().into_iter().chain(any_samples())) {
        let id = Uuid::from_u128(number);
        let statements = [insert(sample.arguments(id)), select(id.into())];
        let Batch { texts, giving, arguments, opening } =
            Batch::new(Duration::from_secs(10), Scope::Service, &statements);
        let rows = client.query(run_batch::TEXT, &[&texts, &giving, &arguments]).await.unwrap();
        assert_eq!((rows.len(), rows[0].get::<_, i32>(0) as usize), (1, opening + 2));
        let row: run_batch::Row = serde_json::from_str(rows[0].get(1)).unwrap();
        let found = read(&row);
        assert_eq!(found, sample);
        let texts = [&found, &sample].map(|it| it.document.as_ref().map(Json::text));
        assert_eq!(texts[0], texts[1]);
    }
}

/// JSON with numbers of every size.
fn documents() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(|bits| serde_json::Value::from(f64::from_bits(bits))),
        "[^\0]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[^\0]{0,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn any_samples() -> Vec<Sample> {
    let mut runner = TestRunner::deterministic();
    let strategy = (any::<f64>(), any::<Vec<u8>>(), documents());
    let sample = |number: i32| {
        let (fraction, bytes, document) = strategy.new_tree(&mut runner).unwrap().current();
        Sample {
            fraction: Some(fraction + 0.0),
            bytes: Some(bytes),
            day: Date::from_days(number * 14_000 - 700_000),
            document: Json::new(document).filter(|json| !json.is_null()),
            ..Sample::default()
        }
    };
    (0..200).map(sample).collect()
}

#[tokio::test]
async fn any_value_comes_back_as_it_went_in() {
    on_each(async |database, name| {
        for (number, sample) in (1..).zip(any_samples()) {
            let id = Uuid::from_u128(number);
            let found = through(database, sample.arguments(id)).await;
            assert_eq!(found, sample, "{name}");
            let texts = [&found, &sample].map(|it| it.document.as_ref().map(Json::text));
            assert_eq!(texts[0], texts[1], "{name}");
        }
    })
    .await;
}
