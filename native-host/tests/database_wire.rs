//! What goes over the wire, before a pretended server: no real one answers in pieces, breaks off
//! where it is asked to, or lies.
#![expect(clippy::disallowed_methods, reason = "a test may start tasks")]

use std::time::Duration;

use futures_util::FutureExt as _;
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::timeout,
};
use trireme_core::{
    host::Scope,
    postgres::{Row, Session, Wire, lent::lend, opening},
    sql::{DatabaseError, Row as _, Statement},
    uuid::Uuid,
};

const USER: Scope = Scope::User { user: Uuid::nil(), session: None };

/// A message of either side.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind], &length[..], body].concat()
}

/// The answer to a statement that is bound and executed: one row of one text.
fn row(text: &str) -> Vec<u8> {
    let value = [&[0, 1][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat();
    [message(b'2', b""), message(b'D', &value), message(b'C', b"SELECT 1\0")].concat()
}

/// Before that, where it is prepared: so many arguments, which are UUIDs, and a column of text.
fn prepared_for(arguments: u16) -> Vec<u8> {
    let due = [0, 0, 11, 134].repeat(arguments.into());
    let due = [&arguments.to_be_bytes()[..], &due].concat();
    let column = [&b"\0\x01name\0"[..], &[0; 6], &25_u32.to_be_bytes(), &[0; 8]].concat();
    [message(b'1', b""), message(b't', &due), message(b'T', &column)].concat()
}

fn prepared() -> Vec<u8> {
    prepared_for(0)
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn error(severity: &str, code: &str) -> Vec<u8> {
    message(b'E', format!("S{severity}\0C{code}\0Mno\0\0").as_bytes())
}

/// The kinds of the messages that came, up to so many that ask whether the server is ready.
async fn heard(server: &mut DuplexStream, syncs: usize) -> String {
    let mut kinds = String::new();
    while kinds.matches('S').count() < syncs {
        kinds.push(char::from(server.read_u8().await.unwrap()));
        let mut body = vec![0; server.read_u32().await.unwrap() as usize - 4];
        server.read_exact(&mut body).await.unwrap();
    }
    kinds
}

fn pair() -> (Wire<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(64 * 1024);
    (Wire::new(ours), theirs)
}

async fn ask(
    wire: &mut Wire<DuplexStream>,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<String>, DatabaseError> {
    let batch = wire.batch::<Row>(Session::Own, scope, statements, |_| true);
    let results = timeout(Duration::from_secs(5), batch).await.expect("no answer")?;
    Ok(results.iter().map(|rows| rows[0].text(0).unwrap().unwrap().to_owned()).collect())
}

fn read(text: &'static str) -> Statement<'static> {
    Statement::read(text, vec![])
}

fn write(text: &'static str) -> Statement<'static> {
    Statement::write(text, vec![])
}

#[tokio::test]
async fn a_batch_is_one_question() {
    let (mut wire, mut server) = pair();
    let server = tokio::spawn(async move {
        let first = heard(&mut server, 1).await;
        let entered = [prepared_for(2), row("entered")].concat();
        let answer = [entered, prepared(), row("one"), prepared(), row("two"), ready()];
        server.write_all(&answer.concat()).await.unwrap();
        let second = heard(&mut server, 1).await;
        let answer = [row("entered"), row("three"), row("four"), ready()].concat();
        // In pieces, as a network may deliver it.
        for byte in answer {
            server.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        (first, second)
    });
    let batch = [read("SELECT 1"), write("SELECT 2")];
    assert_eq!(ask(&mut wire, USER, &batch).await.unwrap(), ["one", "two"]);
    assert_eq!(ask(&mut wire, USER, &batch).await.unwrap(), ["three", "four"]);
    let (first, second) = server.await.unwrap();
    assert_eq!(first, "PDBEPDBEPDBES", "each is prepared in the same round trip");
    assert_eq!(second, "BEBEBES");
}

#[tokio::test]
async fn a_session_that_is_shared_is_told_everything() {
    let (mut wire, mut server) = pair();
    let described =
        message(b'T', &[&b"\0\x01name\0"[..], &[0; 6], &[0, 0, 0, 25], &[0; 8]].concat());
    let server = tokio::spawn(async move {
        let heard = heard(&mut server, 2).await;
        let bound = [message(b'1', b""), message(b'2', b"")].concat();
        let done = [bound.clone(), message(b'n', b""), message(b'C', b"SET\0")].concat();
        let row = [bound, described, row("here")[5..].to_vec()].concat();
        let answer = [&done[..], &done, &row, &row, &ready(), &done, &ready()].concat();
        server.write_all(&answer).await.unwrap();
        heard
    });
    let batch = [read("SELECT 1")];
    let results = wire.batch::<Row>(Session::Shared(&opening(1000)), USER, &batch, |_| true).await;
    assert_eq!(results.unwrap()[0][0].text(0).unwrap(), Some("here"));
    // BEGIN, the limit, the user, the statement; and COMMIT for itself, so that it comes to a
    // failed transaction as well.
    assert_eq!(server.await.unwrap(), "PBDEPBDEPBDEPBDESPBDES");
}

#[tokio::test]
async fn a_refusal_is_told_also_by_a_server_that_leaves() {
    for (severity, code) in [("ERROR", "TR401"), ("FATAL", "57P01")] {
        let (mut wire, mut server) = pair();
        tokio::spawn(async move {
            heard(&mut server, 1).await;
            let goes_on = severity == "ERROR";
            let end = if goes_on { ready() } else { vec![] };
            let answer = [prepared(), row("one"), error(severity, code), end].concat();
            server.write_all(&answer).await.unwrap();
            if goes_on {
                heard(&mut server, 1).await;
                // What was prepared before the refusal is known.
                server.write_all(&[row("again"), ready()].concat()).await.unwrap();
            }
        });
        let batch = [write("SELECT 1"), write("SELECT 2")];
        let refused = ask(&mut wire, Scope::Service, &batch).await.unwrap_err();
        if severity == "ERROR" {
            assert!(matches!(refused, DatabaseError::SessionEnded), "{refused}");
            assert_eq!(ask(&mut wire, Scope::Service, &batch[..1]).await.unwrap(), ["again"]);
        } else {
            assert!(matches!(refused, DatabaseError::Unavailable(_)), "{refused}");
            assert!(wire.is_broken());
        }
    }
}

#[tokio::test]
async fn silence_in_the_middle_leaves_a_write_unknown() {
    for (statement, unknown) in [(read("SELECT 1"), false), (write("SELECT 1"), true)] {
        let (mut wire, mut server) = pair();
        tokio::spawn(async move {
            heard(&mut server, 1).await;
            server.write_all(&[prepared(), row("one")].concat()).await.unwrap();
        });
        let error = ask(&mut wire, Scope::Service, &[statement]).await.unwrap_err();
        assert_eq!(matches!(error, DatabaseError::OutcomeUnknown(_)), unknown, "{error}");
        assert_eq!(matches!(error, DatabaseError::Unavailable(_)), !unknown, "{error}");
        assert!(wire.is_broken());
    }
}

#[tokio::test]
async fn what_was_abandoned_is_nobody_elses_answer() {
    let (mut wire, mut server) = pair();
    let batch = [read("SELECT 1")];
    let abandoned = wire.batch::<Row>(Session::Own, Scope::Service, &batch, |_| true);
    assert!(timeout(Duration::from_millis(10), abandoned).await.is_err());
    assert!(wire.is_busy());
    heard(&mut server, 1).await;
    server.write_all(&[prepared(), row("late"), ready()].concat()).await.unwrap();
    wire.settle().await.unwrap();
    assert!(!wire.is_busy());
    server.write_all(&[prepared(), row("mine"), ready()].concat()).await.unwrap();
    assert_eq!(ask(&mut wire, Scope::Service, &batch).await.unwrap(), ["mine"]);
}

#[tokio::test]
async fn an_idle_server_may_say_something_or_leave() {
    let (mut wire, mut server) = pair();
    assert!(wire.is_alive());
    let said = [message(b'S', b"TimeZone\0UTC\0"), message(b'N', b"SNOTICE\0\0")].concat();
    server.write_all(&said[..9]).await.unwrap();
    assert!(wire.is_alive(), "half a message is none");
    server.write_all(&said[9..]).await.unwrap();
    assert!(wire.is_alive());
    server.write_all(&error("FATAL", "57P01")).await.unwrap();
    assert!(!wire.is_alive(), "it has said that it leaves");
    let (mut wire, server) = pair();
    drop(server);
    assert!(!wire.is_alive());
}

#[tokio::test]
async fn neither_side_waits_for_the_other_to_read() {
    let (ours, mut server) = duplex(64);
    let mut wire = Wire::new(ours);
    let large = "x".repeat(100_000);
    let echoed = large.clone();
    tokio::spawn(async move {
        // It answers the first while the second is still under way, and reads no more meanwhile.
        let mut seen = vec![0; 60_000];
        server.read_exact(&mut seen).await.unwrap();
        server.write_all(&[prepared(), row(&echoed)].concat()).await.unwrap();
        while !seen.ends_with(&message(b'S', b"")) {
            server.read_buf(&mut seen).await.unwrap();
        }
        server.write_all(&[prepared(), row("two"), ready()].concat()).await.unwrap();
    });
    let batch = ["SELECT $1", "SELECT $1 || ''"]
        .map(|text| Statement::read(text, vec![large.as_str().into()]));
    let found = ask(&mut wire, Scope::Service, &batch).await.unwrap();
    assert_eq!((found[0] == large, found[1].as_str()), (true, "two"));
}

#[tokio::test]
async fn a_stream_on_loan_is_had_back_with_all_that_came() {
    let (ours, mut server) = duplex(1024);
    let (lender, mut lent) = lend(ours);
    let later = message(b'S', b"half of it");
    server.write_all(&[ready(), later.clone()].concat()).await.unwrap();
    let mut first = [0; 64];
    let mut length = 0;
    while length < ready().len() {
        length += lent.read(&mut first[length..]).await.unwrap();
    }
    assert_eq!(first[..length], ready()[..], "nothing of the next");
    let mut ours = lender.take_back().unwrap();
    let mut rest = vec![0; later.len()];
    ours.read_exact(&mut rest).await.unwrap();
    assert_eq!(rest, later);
    lent.read(&mut first).await.unwrap_err();
}

#[tokio::test]
async fn a_transaction_that_was_left_open_is_nobody_elses() {
    let (mut wire, mut server) = pair();
    tokio::spawn(async move {
        heard(&mut server, 1).await;
        let open = message(b'Z', b"T");
        server.write_all(&[prepared(), row("begun"), open].concat()).await.unwrap();
        heard(&mut server, 1).await;
    });
    ask(&mut wire, Scope::Service, &[read("BEGIN")]).await.unwrap_err();
    assert!(wire.is_broken());
}

#[tokio::test]
async fn who_is_ready_too_soon_is_not_believed() {
    let (mut wire, mut server) = pair();
    tokio::spawn(async move {
        heard(&mut server, 1).await;
        server.write_all(&[prepared(), row("one"), ready()].concat()).await.unwrap();
    });
    let batch = [read("SELECT 1"), read("SELECT 2")];
    ask(&mut wire, Scope::Service, &batch).await.unwrap_err();
    assert!(wire.is_broken());
}

/// Both may come at once; what follows an answer is no part of it.
#[tokio::test]
async fn a_farewell_after_the_answer_takes_nothing_back() {
    for asks_first in [true, false] {
        let (mut wire, mut server) = pair();
        tokio::spawn(async move {
            heard(&mut server, 1).await;
            let answer = [prepared(), row("kept"), ready(), error("FATAL", "57P01")].concat();
            server.write_all(&answer).await.unwrap();
            heard(&mut server, 1).await;
        });
        let batch = [write("SELECT 1")];
        assert_eq!(ask(&mut wire, Scope::Service, &batch).await.unwrap(), ["kept"]);
        if asks_first {
            assert!(!wire.is_alive());
        } else {
            let refused = ask(&mut wire, Scope::Service, &batch).await.unwrap_err();
            assert!(matches!(refused, DatabaseError::Unavailable(_)), "{refused}");
        }
        assert!(wire.is_broken());
    }
}

/// A pooler's last word, when the server behind it died while it committed.
#[tokio::test]
async fn a_refusal_after_the_last_answer_leaves_a_write_unknown() {
    for (goes_on, answered) in [(true, true), (false, true), (false, false)] {
        let (mut wire, mut server) = pair();
        tokio::spawn(async move {
            heard(&mut server, 1).await;
            let one = if answered { [prepared(), row("one")].concat() } else { vec![] };
            let end = if goes_on { ready() } else { vec![] };
            let code = if goes_on { "23503" } else { "08P01" };
            server.write_all(&[one, error("FATAL", code), end].concat()).await.unwrap();
        });
        let refused = ask(&mut wire, Scope::Service, &[write("SELECT 1")]).await.unwrap_err();
        let unknown = matches!(refused, DatabaseError::OutcomeUnknown(_));
        assert_eq!(unknown, answered && !goes_on, "{refused}");
        assert_eq!(wire.is_broken(), !goes_on);
    }
}

/// What is prepared for somebody who goes away is known by no text.
#[tokio::test]
async fn what_was_prepared_for_nobody_is_closed_as_well() {
    const ABANDONED: usize = 520;
    let (mut wire, mut server) = pair();
    let server = tokio::spawn(async move {
        let (mut prepared, mut closed) = (0, 0);
        for _ in 0..ABANDONED {
            let heard = heard(&mut server, 1).await;
            prepared += heard.matches('P').count();
            closed += heard.matches('C').count();
            server.write_all(&[prepared_for(0), row("late"), ready()].concat()).await.unwrap();
        }
        (prepared, closed)
    });
    for _ in 0..ABANDONED {
        let batch = [read("SELECT 1")];
        let abandoned = wire.batch::<Row>(Session::Own, Scope::Service, &batch, |_| true);
        assert!(abandoned.now_or_never().is_none());
        wire.settle().await.unwrap();
    }
    assert_eq!(server.await.unwrap(), (ABANDONED, 512));
}

#[tokio::test]
async fn half_a_batch_is_not_sent_with_the_goodbye() {
    let (ours, mut server) = duplex(64);
    let mut wire = Wire::new(ours);
    let large = "x".repeat(10_000);
    let batch = [Statement::write("SELECT $1", vec![large.as_str().into()])];
    let abandoned = wire.batch::<Row>(Session::Own, Scope::Service, &batch, |_| true);
    assert!(timeout(Duration::from_millis(10), abandoned).await.is_err());
    tokio::spawn(wire.close());
    let mut all = vec![];
    server.read_to_end(&mut all).await.unwrap();
    assert!(!all.ends_with(&message(b'X', b"")) && all.len() < large.len(), "{}", all.len());
}

#[tokio::test]
async fn no_room_is_found_once() {
    let asked = std::cell::Cell::new(0);
    let (mut wire, mut server) = pair();
    tokio::spawn(async move {
        heard(&mut server, 1).await;
        let row = row("one");
        let value = &row[5..row.len() - message(b'C', b"SELECT 1\0").len()];
        let rows = [&prepared()[..], &row[..5], &value.repeat(9), &message(b'C', b"SELECT 9\0")];
        let rows = rows.concat();
        server.write_all(&[rows.clone(), rows, ready()].concat()).await.unwrap();
    });
    let batch = [read("SELECT 1"), read("SELECT 2")];
    let has_room = |_| {
        asked.set(asked.get() + 1);
        asked.get() < 3
    };
    let refused = wire.batch::<Row>(Session::Own, Scope::Service, &batch, has_room).await;
    assert!(matches!(refused, Err(DatabaseError::NoRoom)));
    assert!(!wire.is_broken() && !wire.is_busy());
    assert_eq!(asked.get(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Anything that begins as an answer does, or does not.
    #[test]
    fn no_answer_is_too_strange(
        kinds in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..12),
        rest in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let known = *b"123ACDEINSTZnst";
        let mut answer: Vec<u8> = kinds
            .iter()
            .flat_map(|(kind, body, usual)| {
                let kind = if *usual { known[usize::from(*kind) % known.len()] } else { *kind };
                message(kind, body)
            })
            .collect();
        answer.extend(rest);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut wire, mut server) = pair();
            server.write_all(&answer).await.unwrap();
            tokio::spawn(async move {
                let mut all = vec![];
                let _ = timeout(Duration::from_millis(1), server.read_to_end(&mut all)).await;
            });
            let batch = [read("SELECT 1"), write("SELECT 2")];
            let batch = wire.batch::<Row>(Session::Own, USER, &batch, |_| true);
            let answer = timeout(Duration::from_secs(5), batch).await.expect("it ends");
            for row in answer.iter().flatten().flatten() {
                for column in 0..3 {
                    let _ = (row.text(column), row.int(column), row.json(column), row.time(column));
                }
            }
        });
    }
}
