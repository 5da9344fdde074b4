//! Promises that the core's checks and the standard ones of a resource hold a server to alike.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http::Method;

use crate::context::{Account, Context};
use crate::outcome::{Stop, Verdict, expect, failed, not_applicable};
use crate::request::Request;

impl Context {
    /// A body over the limit is refused, unless the limit is a larger one.
    pub(crate) async fn too_large(&self, request: &Request) -> Verdict {
        // A server that stops reading may close the connection before its answer is read.
        let mut last = None;
        for _ in 0..3 {
            match self.send(request.clone()).await {
                Ok(answer) if answer.status.is_success() => {
                    return not_applicable("the body limit is above 1 MiB");
                }
                Ok(answer) => return answer.problem(413).map(drop),
                Err(stop) => last = Some(stop),
            }
        }
        last.map_or(Ok(()), Err::<(), Stop>)
    }

    /// `HEAD` answers as `GET` does, without a body.
    pub(crate) async fn head_like_get(&self, user: &Account, path: &str) -> Verdict {
        let get = self.send(user.get(path)).await?;
        let head = self.send(user.request(Method::HEAD, path)).await?;
        head.is(get.status.as_u16())?.must(head.body.is_empty(), "no body")?;
        for name in ["content-type", "etag", "cache-control", "content-security-policy", "vary"] {
            let (ours, theirs) = (head.header(name), get.header(name));
            head.must(ours == theirs, format!("{name} {theirs:?} like GET, not {ours:?}"))?;
        }
        let length = head.header("content-length");
        let told = length.is_none_or(|length| length == get.body.len().to_string());
        head.must(told, format!("no Content-Length or GET's, not {length:?}")).map(drop)
    }

    /// An answer over 1 KiB is compressed when asked, to the same bytes.
    pub(crate) async fn packs_like_plain(&self, request: &Request) -> Verdict {
        let ask = |coding: &str| self.send(request.clone().header("accept-encoding", coding));
        let plain = self.send(request.clone()).await?;
        plain
            .must(plain.body.len() > 1024, "an answer over 1 KiB")?
            .lacks_header("content-encoding")?;
        let packed = ask("br;q=0, gzip").await?;
        packed.is(plain.status.as_u16())?.has_header("content-encoding", "gzip")?;
        packed.varies_by("accept-encoding")?;
        let mut bytes = Vec::new();
        if let Err(error) = GzDecoder::new(&packed.body[..]).read_to_end(&mut bytes) {
            return failed(&*packed.request, "gzip", error.to_string());
        }
        expect(bytes == plain.body, &*packed.request, "the bytes of the plain answer", "others")?;
        for refusal in ["identity", "gzip;q=0", "nonsense"] {
            ask(refusal).await?.lacks_header("content-encoding")?;
        }
        Ok(())
    }
}
