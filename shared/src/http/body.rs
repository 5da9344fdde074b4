//! Reading a body that arrives in pieces.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::host::BodyError;

/// The whole body, at most `limit` bytes of it. A body whose announced length is greater is
/// refused before a byte of it is read.
pub async fn gather<B>(incoming: &mut B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    if incoming.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    // Nearly every body arrives in one piece, which then needs no copy.
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| BodyError::Aborted)?;
        // Trailers are none of the body.
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + whole.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// Takes a body that nobody wants off the wire, until it ends or more than `limit` bytes of it came.
/// A client that is still sending would miss the answer: its connection is reset.
pub async fn discard<B>(incoming: &mut B, limit: usize)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut read = 0;
    while let Some(Ok(frame)) = incoming.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > limit {
            return;
        }
    }
}
