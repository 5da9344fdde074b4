//! Records and lists as they are compressed.

use http::Method;
use serde_json::json;

use super::Resource;
use super::kind::Kind;
use super::pages::staged;
use crate::context::{Account, Context};
use crate::outcome::{Verdict, expect, not_applicable};

/// Creates a record that is worth compressing, where there is a field for so much text.
async fn large(cx: &Context, resource: &'static Resource, user: &Account) -> Verdict<String> {
    for field in resource.fields.iter().filter(|field| field.unique.is_none()) {
        if let Kind::Text { max: 1200.., min } = field.kind {
            let text: String = "narwhal ".chars().cycle().take(min.max(1200)).collect();
            let record = resource.create(cx, user, &json!({field.name: text})).await?;
            return resource.at(&record);
        }
    }
    not_applicable("no record is long enough to be compressed")
}

/// A long list, and a record if one can be long.
pub async fn compression(cx: &Context, resource: &'static Resource) -> Verdict {
    let carol = staged(cx, resource).await?;
    cx.packs_like_plain(&carol.get(resource.list("limit=100"))).await?;
    if let Ok(path) = large(cx, resource, carol).await {
        cx.packs_like_plain(&carol.get(&path)).await?;
        cx.send(carol.delete(path)).await?.is(204)?;
    }
    Ok(())
}

/// The tag of a compressed answer is as good as that of a plain one.
pub async fn compressed_etags(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let path = large(cx, resource, alice).await?;
    let get = || alice.get(&path).header("accept-encoding", "gzip");
    let packed = cx.send(get()).await?;
    let etag = packed.is(200)?.has_header("content-encoding", "gzip")?.need_header("etag")?;
    cx.send(get().header("if-none-match", etag)).await?.is(304)?;
    let record = packed.headers.get("etag").cloned();
    let change = json!({resource.changed().name: resource.changed().sample(cx, alice, 1).await?});
    cx.send(alice.patch(&path, &change).header("if-match", etag)).await?.is(200)?;
    let after = cx.send(get().header("if-none-match", etag)).await?;
    after
        .is(200)?
        .must(after.headers.get("etag") != record.as_ref(), "another ETag after a change")
        .map(drop)
}

/// A 304 tells what the 200 to the same request would have told (RFC 9110, section 15.4.5), or a
/// cache would give one caller's coding to another.
pub async fn not_modified_in_each_coding(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let path = large(cx, resource, alice).await?;
    for method in [Method::GET, Method::HEAD] {
        let ask = |coding| alice.request(method.clone(), &path).header("accept-encoding", coding);
        let (plain, packed) = (cx.send(ask("identity")).await?, cx.send(ask("gzip")).await?);
        let tags = [plain.is(200)?.need_header("etag")?, packed.is(200)?.need_header("etag")?];
        expect(tags[0] != tags[1], &*packed.request, "a tag for each coding", tags[0])?;
        for (coding, whole) in [("identity", &plain), ("gzip", &packed)] {
            whole.varies_by("accept-encoding")?;
            for tag in tags {
                let answer = cx.send(ask(coding).header("if-none-match", tag)).await?;
                answer.is(304)?.has_header("etag", whole.need_header("etag")?)?;
                answer.varies_by("accept-encoding")?;
            }
        }
    }
    Ok(())
}
