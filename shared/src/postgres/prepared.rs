//! What is prepared on one connection.

use std::{collections::HashMap, io, sync::Arc};

use bytes::BytesMut;
use postgres_protocol::{Oid, message::frontend};

use super::value;
use crate::sql::Value;

/// Statements that a server holds for us at most; lists have a text for each choice of filters.
const AT_MOST: u64 = 512;

/// Prepared statements by their texts.
#[derive(Default)]
pub struct Prepared {
    known: HashMap<Box<str>, Shape>,
    /// How many were named. No name is used again: whether a statement that failed, or that
    /// nobody waited for, is there is not known.
    named: u64,
    /// How many of them, the first, are closed.
    closed: u64,
}

/// A prepared statement.
pub struct Shape {
    pub name: String,
    /// The types of its arguments.
    pub due: Vec<Oid>,
    /// The types of the columns that it gives.
    pub columns: Arc<[Oid]>,
}

impl Prepared {
    /// What is prepared for a text, if these arguments can be given to it.
    pub fn get(&self, text: &str, arguments: &[Value<'_>]) -> Option<&Shape> {
        let shape = self.known.get(text)?;
        let fit = shape.due.len() == arguments.len()
            && arguments.iter().zip(&shape.due).all(|(value, due)| value::fits(value, *due));
        fit.then_some(shape)
    }

    /// A name for one more.
    pub fn name(&mut self) -> String {
        self.named += 1;
        name(self.named)
    }

    /// In place of one, perhaps, that other arguments had to be given to.
    pub fn keep(&mut self, text: &str, shape: Shape) {
        self.known.insert(text.into(), shape);
    }

    pub const fn is_full(&self) -> bool {
        self.named - self.closed >= AT_MOST
    }

    /// Forgets all, and writes to the server that it may as well. Whether there was anything.
    pub fn forget(&mut self, out: &mut BytesMut) -> io::Result<bool> {
        // It takes no offence at a name that it does not know.
        (self.closed + 1..=self.named)
            .try_for_each(|number| frontend::close(b'S', &name(number), out))?;
        self.closed = self.named;
        let any = !self.known.is_empty();
        self.known.clear();
        Ok(any)
    }
}

fn name(number: u64) -> String {
    format!("s{number}")
}
