//! A batch on the wire: one transaction, one round trip.

use std::io;

use bytes::BytesMut;
use postgres_protocol::{
    Oid,
    message::frontend::{self, BindError},
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    BEGIN,
    answers::{Answers, Refusal, Slot},
    row::Row,
    value,
    wire::Wire,
};
use crate::{
    host::Scope,
    sql::{Access, DatabaseError, Statement, Value},
    sqlstate,
};

/// Whose the server's session is.
#[derive(Clone, Copy, Debug)]
pub enum Session<'a> {
    /// Ours alone, with its settings. Statements are prepared, and everything that is sent until
    /// the server is asked whether it is ready (`Sync`) is one transaction.
    Own,
    /// A pooler gives it to others between two transactions. There a prepared statement may be
    /// somebody else's the next time, so text and types are sent each time; and what is to hold
    /// for the transaction is said by the statements that open it.
    Shared(&'a [Statement<'static>]),
}

/// What opens a transaction in a session that is shared.
pub fn opening(statement_timeout_ms: u64) -> [Statement<'static>; 2] {
    let limit = format!("SET LOCAL statement_timeout = {statement_timeout_ms}");
    [Statement::write(BEGIN, vec![]), Statement::write(limit, vec![])]
}

/// Proves that the user's session is alive and takes the user's role until the transaction ends;
/// or fails it.
fn enter(scope: Scope) -> Option<Statement<'static>> {
    let Scope::User { user, session } = scope else { return None };
    Some(Statement::read("SELECT enter_user($1, $2)", vec![user.into(), session.into()]))
}

/// Why an attempt failed.
pub(super) enum Failure {
    /// Nothing has happened, and what was prepared may be older than the schema.
    Stale(DatabaseError),
    Final(DatabaseError),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Runs a batch in one transaction and one round trip: everything is sent before the first
    /// answer is awaited. The server passes over what follows a statement that fails, and keeps
    /// nothing; so a caller that stops waiting leaves nothing open either.
    ///
    /// `has_room` is asked for each row, by its length in bytes, where nothing is written; where
    /// there is none, the batch is read to its end and given up.
    ///
    /// A statement that was prepared before somebody changed the schema, or whose name is no
    /// longer the server's, fails before anything is kept: the batch is then prepared anew, once.
    pub async fn batch<R: From<Row>>(
        &mut self,
        session: Session<'_>,
        scope: Scope,
        statements: &[Statement<'_>],
        has_room: impl Fn(usize) -> bool + Copy,
    ) -> Result<Vec<Vec<R>>, DatabaseError> {
        let mut result = self.attempt(session, scope, statements, has_room).await;
        if matches!(result, Err(Failure::Stale(_))) && self.forget()? {
            result = self.attempt(session, scope, statements, has_room).await;
        }
        result.map_err(|failure| match failure {
            Failure::Stale(error) | Failure::Final(error) => error,
        })
    }

    async fn attempt<R: From<Row>>(
        &mut self,
        session: Session<'_>,
        scope: Scope,
        statements: &[Statement<'_>],
        has_room: impl Fn(usize) -> bool,
    ) -> Result<Vec<Vec<R>>, Failure> {
        let writes = statements.iter().any(|statement| statement.access == Access::Write);
        let entering = enter(scope);
        let opening = if let Session::Shared(opening) = session { opening } else { &[] };
        let before = opening.iter().chain(&entering);
        let silent = before.clone().count();
        let all = before.chain(statements);

        let slots = match self.write(session, all.clone()) {
            Ok(slots) => slots,
            // An argument that can't be sent is found before anything is.
            Err(error) => return Err(Failure::Final(unwritable(&error))),
        };
        let mut answers = Answers::new(slots, silent, |row| writes || has_room(row));
        let ended = self.exchange(&mut answers).await;
        let Answers { mut slots, at, refusal, is_full, .. } = answers;
        for (statement, slot) in all.zip(&mut slots) {
            if let Some(shape) = slot.shape() {
                self.prepared.keep(&statement.text, shape);
            }
        }
        let ended = match (refusal, ended) {
            // Of one that left when each statement was answered, it may have kept them or not.
            (Some(refusal), ended) if ended.is_ok() || at < silent + statements.len() => {
                return Err(refusal.into());
            }
            (Some(refusal), _) => Err(format!("{} {}", refusal.code, refusal.message)),
            // One answer too many or too few, and each would be taken for another's.
            (None, Ok(())) if at != slots.len() => {
                self.broken = true;
                Err("the answers are not those to the statements".to_owned())
            }
            (None, ended) => ended.map_err(|error| error.to_string()),
        };
        ended.map_err(|cause| {
            // How far it came, nobody knows.
            let unknown =
                if writes { DatabaseError::OutcomeUnknown } else { DatabaseError::Unavailable };
            Failure::Final(unknown(cause))
        })?;
        if is_full {
            return Err(Failure::Final(DatabaseError::NoRoom));
        }
        Ok(slots.into_iter().skip(silent).take(statements.len()).map(|slot| slot.rows).collect())
    }
}

impl From<Refusal> for Failure {
    fn from(Refusal { code, message, constraint }: Refusal) -> Self {
        let meaning = sqlstate::error(&code, &message, constraint.as_deref());
        if sqlstate::is_of_the_schema(&code) { Self::Stale(meaning) } else { Self::Final(meaning) }
    }
}

/// Writes the message that binds a statement's arguments.
fn bind<'a>(
    name: &str,
    arguments: impl Iterator<Item = (&'a Value<'a>, Oid)>,
    out: &mut BytesMut,
) -> io::Result<()> {
    const BINARY: [i16; 1] = [1];
    let encode = |(value, due): (&Value<'_>, _), out: &mut _| Ok(value::encode(value, due, out));
    frontend::bind("", name, BINARY, arguments, encode, BINARY, out).map_err(|error| match error {
        BindError::Conversion(error) => io::Error::other(error),
        BindError::Serialization(error) => error,
    })
}

impl<S> Wire<S> {
    /// Forgets what is prepared; whether anything was.
    fn forget(&mut self) -> Result<bool, DatabaseError> {
        self.prepared.forget(&mut self.output).map_err(|error| unwritable(&error))
    }

    /// Writes everything, or nothing. The slots wait for the answers.
    fn write<'a, R>(
        &mut self,
        session: Session<'_>,
        statements: impl Iterator<Item = &'a Statement<'a>>,
    ) -> io::Result<Vec<Slot<R>>> {
        if self.prepared.is_full() {
            self.prepared.forget(&mut self.output)?;
        }
        let begin = self.output.len();
        let written = self.write_all(session, statements);
        match &written {
            Ok(_) => self.due += if matches!(session, Session::Own) { 1 } else { 2 },
            Err(_) => self.output.truncate(begin),
        }
        written
    }

    fn write_all<'a, R>(
        &mut self,
        session: Session<'_>,
        statements: impl Iterator<Item = &'a Statement<'a>>,
    ) -> io::Result<Vec<Slot<R>>> {
        let mut slots = Vec::with_capacity(statements.size_hint().0 + 1);
        for statement in statements {
            slots.push(match session {
                Session::Own => self.write_prepared(statement)?,
                Session::Shared(_) => self.write_unprepared(statement)?,
            });
        }
        frontend::sync(&mut self.output);
        if let Session::Shared(_) = session {
            // It follows by itself: where something failed before, it ends the transaction too.
            slots.push(self.write_unprepared(&Statement::write("COMMIT", vec![]))?);
            frontend::sync(&mut self.output);
        }
        Ok(slots)
    }

    fn write_prepared<R>(&mut self, statement: &Statement<'_>) -> io::Result<Slot<R>> {
        let Self { prepared, output, .. } = self;
        let Statement { text, arguments, .. } = statement;
        if let Some(shape) = prepared.get(text, arguments) {
            let due = shape.due.iter().copied();
            bind(&shape.name, arguments.iter().zip(due), output)?;
            frontend::execute("", 0, output)?;
            return Ok(Slot::known(&shape.columns));
        }
        let name = prepared.name();
        let due: Vec<_> = arguments.iter().map(value::type_of).collect();
        frontend::parse(&name, text, due.iter().copied(), output)?;
        frontend::describe(b'S', &name, output)?;
        bind(&name, arguments.iter().zip(due), output)?;
        frontend::execute("", 0, output)?;
        Ok(Slot::fresh(name))
    }

    fn write_unprepared<R>(&mut self, statement: &Statement<'_>) -> io::Result<Slot<R>> {
        let Statement { text, arguments, .. } = statement;
        let due = arguments.iter().map(value::type_of);
        frontend::parse("", text, due.clone(), &mut self.output)?;
        bind("", arguments.iter().zip(due), &mut self.output)?;
        frontend::describe(b'P', "", &mut self.output)?;
        frontend::execute("", 0, &mut self.output)?;
        Ok(Slot::unknown())
    }
}

fn unwritable(error: &io::Error) -> DatabaseError {
    DatabaseError::Failed(format!("a batch can't be sent: {error}"))
}
