//! What the server answers to a batch.

use std::{io, sync::Arc};

use bytes::{Buf as _, Bytes};
use postgres_protocol::{
    Oid,
    message::backend::{
        COMMAND_COMPLETE_TAG, EMPTY_QUERY_RESPONSE_TAG, ERROR_RESPONSE_TAG, NO_DATA_TAG,
        PARAMETER_DESCRIPTION_TAG, ROW_DESCRIPTION_TAG,
    },
};

use super::{prepared::Shape, row::Row, wire::Reader};

/// For the answer to one statement.
pub struct Slot<R> {
    /// Under which it is being prepared.
    name: Option<String>,
    /// The types of its arguments and of its columns, once the server has told them.
    due: Option<Vec<Oid>>,
    columns: Option<Arc<[Oid]>>,
    pub rows: Vec<R>,
}

impl<R> Slot<R> {
    /// Of a statement that was prepared before.
    pub fn known(columns: &Arc<[Oid]>) -> Self {
        Self { columns: Some(Arc::clone(columns)), ..Self::unknown() }
    }

    /// Of one that is being prepared.
    pub fn fresh(name: String) -> Self {
        Self { name: Some(name), ..Self::unknown() }
    }

    pub const fn unknown() -> Self {
        Self { name: None, due: None, columns: None, rows: Vec::new() }
    }

    /// What has been prepared for it.
    pub fn shape(&mut self) -> Option<Shape> {
        let columns = self.columns.as_ref()?;
        let (name, due) = (self.name.take()?, self.due.take()?);
        Some(Shape { name, due, columns: Arc::clone(columns) })
    }
}

/// An error of the server's.
pub struct Refusal {
    /// SQLSTATE.
    pub code: String,
    pub message: String,
    pub constraint: Option<String>,
}

/// Reads the answers in the order of the statements.
pub struct Answers<R, F> {
    pub slots: Vec<Slot<R>>,
    /// How many of the first give rows that nobody asked for.
    silent: usize,
    /// The statement that is being answered.
    pub at: usize,
    /// The first error; others are its consequences.
    pub refusal: Option<Refusal>,
    has_room: F,
    /// There was no room for a row: none is kept.
    pub is_full: bool,
}

impl<R, F> Answers<R, F> {
    pub const fn new(slots: Vec<Slot<R>>, silent: usize, has_room: F) -> Self {
        Self { slots, silent, at: 0, refusal: None, has_room, is_full: false }
    }
}

impl<R: From<Row>, F: Fn(usize) -> bool> Reader for Answers<R, F> {
    fn row(&mut self, row: Bytes) {
        if self.at < self.silent || self.is_full {
            return;
        }
        let Some(Slot { columns: Some(columns), rows, .. }) = self.slots.get_mut(self.at) else {
            return;
        };
        if (self.has_room)(row.len()) {
            rows.push(Row::new(columns, row).into());
        } else {
            self.is_full = true;
            self.slots.iter_mut().for_each(|slot| slot.rows = Vec::new());
        }
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        match (kind, self.slots.get_mut(self.at)) {
            (ERROR_RESPONSE_TAG, _) if self.refusal.is_none() => {
                self.refusal = Some(refusal(body)?);
            }
            (COMMAND_COMPLETE_TAG | EMPTY_QUERY_RESPONSE_TAG, _) => self.at += 1,
            (PARAMETER_DESCRIPTION_TAG, Some(slot)) => slot.due = Some(arguments(body)?),
            (ROW_DESCRIPTION_TAG, Some(slot)) => slot.columns = Some(columns(body)?),
            (NO_DATA_TAG, Some(slot)) => slot.columns = Some(Arc::default()),
            // That something is parsed, bound or closed; notices, and settings that changed.
            _ => {}
        }
        Ok(())
    }
}

/// A count, and so many types.
fn arguments(mut body: &[u8]) -> io::Result<Vec<Oid>> {
    (0..body.try_get_u16()?).map(|_| Ok(body.try_get_u32()?)).collect()
}

/// A count, and of each column: its name, table, number, type, size, modifier and format.
fn columns(mut body: &[u8]) -> io::Result<Arc<[Oid]>> {
    let count = body.try_get_u16()?;
    let column = |_| {
        text(&mut body)?;
        let (_table, _number, of) = (body.try_get_u32()?, body.try_get_u16()?, body.try_get_u32()?);
        let (_size, _modifier) = (body.try_get_u16()?, body.try_get_u32()?);
        let _format = body.try_get_u16()?;
        Ok(of)
    };
    (0..count).map(column).collect()
}

/// Fields of a kind and a text each; the last has the kind 0.
fn refusal(mut body: &[u8]) -> io::Result<Refusal> {
    let mut refusal = Refusal { code: String::new(), message: String::new(), constraint: None };
    loop {
        let kind = body.try_get_u8()?;
        if kind == 0 {
            return Ok(refusal);
        }
        let text = text(&mut body)?;
        match kind {
            b'C' => refusal.code = text,
            b'M' => refusal.message = text,
            b'n' => refusal.constraint = Some(text),
            _ => {}
        }
    }
}

/// A text that ends with a zero.
fn text(body: &mut &[u8]) -> io::Result<String> {
    let end = body.iter().position(|byte| *byte == 0).ok_or(io::ErrorKind::InvalidData)?;
    let text = String::from_utf8_lossy(&body[..end]).into_owned();
    body.advance(end + 1);
    Ok(text)
}
