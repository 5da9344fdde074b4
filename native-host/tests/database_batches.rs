//! A batch behaves the same on SQLite, on PostgreSQL, and behind a transaction pooler.

mod database_support;

use std::time::Duration;

use trireme_core::{
    Timestamp, Uuid,
    host::{Backend, Database as _, Scope},
    sql::{DatabaseError, Row as _, Statement, Value},
};

use database_support::{NOW, User, count, counted, create_context, create_user, on_each};

fn insert_sample(id: Uuid, values: [Value<'_>; 4]) -> Statement<'_> {
    let mut arguments = vec![id.into()];
    arguments.extend(values);
    Statement::write(
        "-- insert_sample\nINSERT INTO samples (id, flag, number, words, moment) VALUES ($1, $2, $3, $4, $5)",
        arguments,
    )
}

#[tokio::test]
async fn each_statement_has_its_own_rows_in_order() {
    on_each(async |database, name| {
        let user = User::create(database, 1).await;
        let names = ["b", "a", "c"];
        let mut batch: Vec<_> = (10..)
            .zip(names)
            .map(|(id, name)| create_context(Uuid::from_u128(id), user.id, name))
            .collect();
        batch.push(Statement::read(
            "-- names\nSELECT name, 7 AS seven FROM contexts ORDER BY name",
            vec![],
        ));
        batch.push(count("contexts"));
        let results = database.batch(user.scope(), &batch).await.unwrap();
        assert_eq!(results.len(), 5, "{name}: the proof of the session is not among the results");
        let found: Vec<_> = results[3].iter().map(|row| row.get::<&str>(0).unwrap()).collect();
        assert_eq!(found, ["a", "b", "c"], "{name}");
        assert_eq!(
            results[3][0].get::<i64>(1),
            Ok(7),
            "{name}: a small number in SQL is a whole number"
        );
        assert_eq!(results[4][0].get::<i64>(0), Ok(3), "{name}");
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    on_each(async |database, name| {
        let user = User::create(database, 1).await;
        let [one, two] = [10, 11].map(Uuid::from_u128);
        let wrong: [Statement<'_>; 5] = [
            create_context(two, user.id, "same"),
            Statement::read("-- no_json\nSELECT json('nothing')", vec![]),
            Statement::write("-- no_such_table\nINSERT INTO nothing VALUES (1)", vec![]),
            Statement::read("-- too_few\nSELECT name FROM contexts WHERE name = $1", vec![]),
            Statement::read("-- too_many\nSELECT name FROM contexts", vec!["more".into()]),
        ];
        // PostgreSQL is told the types of all, and does not miss the use of one.
        let tried = if database.backend() == Backend::Postgres { 4 } else { 5 };
        for last in wrong.into_iter().take(tried) {
            let batch = [create_context(one, user.id, "same"), last];
            let error = database.batch(user.scope(), &batch).await.err().expect(name);
            assert!(!matches!(error, DatabaseError::SessionEnded), "{name}");
            assert_eq!(counted(database, user.scope(), "contexts").await, 0, "{name}: {error}");
        }
        database.batch(user.scope(), &[create_context(one, user.id, "same")]).await.unwrap();
        assert_eq!(counted(database, user.scope(), "contexts").await, 1, "{name}");
    })
    .await;
}

#[tokio::test]
async fn constraints_have_the_same_names() {
    on_each(async |database, name| {
        let user = User::create(database, 1).await;
        let task = |status: &'static str, priority: &'static str| {
            Statement::write(
                "-- create_task
                 INSERT INTO tasks (id, user_id, title, title_folded, status, priority, created_at, updated_at, version)
                 VALUES ($1, $1, '', '', $2, $3, $4, $4, 1)",
                vec![user.id.into(), status.into(), priority.into(), NOW.into()],
            )
        };
        let [id, other] = [20, 21].map(Uuid::from_u128);
        let violations: [(&str, Vec<Statement<'_>>); 4] = [
            ("users_email_key", vec![create_user(id, "1@example.com")]),
            (
                "contexts_user_id_name_key",
                vec![create_context(id, user.id, "same"), create_context(other, user.id, "same")],
            ),
            ("tasks_status_check", vec![task("lost", "low")]),
            ("tasks_priority_check", vec![task("todo", "none")]),
        ];
        for (constraint, batch) in violations {
            match database.batch(Scope::Service, &batch).await {
                Err(DatabaseError::Constraint(found)) => assert_eq!(found, constraint, "{name}"),
                Err(other) => panic!("{name}: {other}"),
                Ok(_) => panic!("{name}: {constraint} was not violated"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_not_alive_does_nothing() {
    on_each(async |database, name| {
        let user = User::create(database, 1).await;
        let other = User::create(database, 2).await;
        let gone = User { session: Uuid::from_u128(99), ..user };
        let anothers = User { session: other.session, ..user };
        let nobody = Scope::User { user: Uuid::from_u128(98), session: None };
        let context = || create_context(Uuid::from_u128(10), user.id, "mine");
        for scope in [gone.scope(), anothers.scope(), nobody] {
            for batch in
                [vec![context()], vec![count("contexts")], vec![count("contexts"), context()]]
            {
                let error = database.batch(scope, &batch).await.err();
                assert!(matches!(error, Some(DatabaseError::SessionEnded)), "{name}: {error:?}");
            }
        }
        assert_eq!(counted(database, Scope::Service, "contexts").await, 0, "{name}");

        // The living are let in: by their session, and as an account alone.
        let account = Scope::User { user: user.id, session: None };
        for scope in [user.scope(), account] {
            assert_eq!(
                counted(database, scope, "users").await,
                if name == "file" || name == "memory" { 2 } else { 1 }
            );
        }

        let disable = Statement::write(
            "-- disable\nUPDATE users SET disabled_at = $2 WHERE id = $1",
            vec![user.id.into(), NOW.into()],
        );
        database.batch(Scope::Service, &[disable]).await.unwrap();
        for scope in [user.scope(), account] {
            let error = database.batch(scope, &[count("contexts")]).await.err();
            assert!(matches!(error, Some(DatabaseError::SessionEnded)), "{name}: {error:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_or_of_another_kind_is_no_value() {
    on_each(async |database, name| {
        let id = Uuid::from_u128(1);
        let insert = insert_sample(id, [true.into(), 5.into(), "five".into(), Value::Null]);
        let select =
            Statement::read("-- sample\nSELECT words, moment, number FROM samples", vec![]);
        let results = database.batch(Scope::Service, &[insert, select]).await.unwrap();
        let row = &results[1][0];
        assert!(row.get::<i64>(0).is_err(), "{name}: words are no number");
        assert!(row.get::<bool>(0).is_err(), "{name}: words are no truth");
        assert!(row.get::<Uuid>(0).is_err(), "{name}: words are no id");
        assert!(row.get::<Timestamp>(0).is_err(), "{name}: words are no moment");
        assert!(row.get::<Timestamp>(1).is_err(), "{name}: NULL is no moment");
        assert_eq!(row.get::<Option<Timestamp>>(1), Ok(None), "{name}");
        assert!(row.get::<&str>(2).is_err(), "{name}: a number is no text");
        assert!(row.get::<i64>(3).is_err(), "{name}: there is no such column");
    })
    .await;
}

/// The end of time sorts behind every moment, which keyset pages rest on.
#[tokio::test]
async fn infinity_is_later_than_any_moment() {
    on_each(async |database, name| {
        let moments = [Timestamp::INFINITY, Timestamp::MIN, Timestamp::MAX, NOW];
        let mut batch: Vec<_> = (1..)
            .zip(moments)
            .map(|(id, moment)| {
                insert_sample(
                    Uuid::from_u128(id),
                    [Value::Null, Value::Null, Value::Null, moment.into()],
                )
            })
            .collect();
        batch.push(Statement::read(
            "-- ordered\nSELECT moment FROM samples ORDER BY moment",
            vec![],
        ));
        batch.push(Statement::read(
            "-- later\nSELECT moment FROM samples WHERE moment > $1",
            vec![Timestamp::MAX.into()],
        ));
        let results = database.batch(Scope::Service, &batch).await.unwrap();
        let times = |rows: &[trireme_native::database::Row]| -> Vec<Timestamp> {
            rows.iter().map(|row| row.get(0).unwrap()).collect()
        };
        assert_eq!(
            times(&results[4]),
            [Timestamp::MIN, NOW, Timestamp::MAX, Timestamp::INFINITY],
            "{name}"
        );
        assert_eq!(times(&results[5]), [Timestamp::INFINITY], "{name}");
    })
    .await;
}

/// A request's deadline may pass at any moment of a batch.
#[tokio::test]
async fn a_caller_that_goes_away_leaves_all_or_nothing() {
    on_each(async |database, name| {
        let user = User::create(database, 1).await;
        for attempt in 0..60_u64 {
            let batch = [10, 11].map(|id| {
                let id = u128::from(attempt) * 100 + id;
                create_context(Uuid::from_u128(id), user.id, format!("context {id}"))
            });
            let patience = Duration::from_micros(attempt * 20);
            let _ = tokio::time::timeout(patience, database.batch(user.scope(), &batch)).await;
            assert_eq!(counted(database, user.scope(), "contexts").await % 2, 0, "{name}");
        }
        // Nothing is left in anybody's hands.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let stats = database.stats();
        assert_eq!(stats.idle, stats.open, "{name}: {stats:?}");
    })
    .await;
}

#[tokio::test]
async fn many_at_once_each_get_their_own_answer() {
    on_each(async |database, name| {
        let user = User::create(database, 1).await;
        let ask = async |number: i64| {
            let echo = Statement::read(
                "-- echo\nSELECT $1 + count(*) FROM users WHERE id = $2",
                vec![number.into(), user.id.into()],
            );
            let results = database.batch(user.scope(), &[echo]).await.unwrap();
            assert_eq!(results[0][0].get::<i64>(0), Ok(number + 1), "{name}");
        };
        futures_util::future::join_all((0..200).map(ask)).await;
        let stats = database.stats();
        assert!(stats.open <= stats.max, "{name}: {stats:?}");
        assert!(stats.wait.count >= 200, "{name}: {stats:?}");
    })
    .await;
}
