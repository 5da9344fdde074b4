//! Methods and paths that lead nowhere, `HEAD`, `OPTIONS`, and who may keep an answer.

use http::Method;

use super::Resource;
use crate::context::{ABSENT, Context};
use crate::outcome::Verdict;

const COLLECTION: &[&str] = &["get", "head", "post"];
const RECORD: &[&str] = &["get", "head", "patch", "delete"];

pub async fn not_allowed(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let record = format!("{}/{ABSENT}", resource.path);
    for (path, allowed, wrong) in [
        (resource.path, COLLECTION, &[Method::PATCH, Method::DELETE][..]),
        (&*record, RECORD, &[Method::POST]),
    ] {
        for method in wrong {
            cx.send(alice.request(method.clone(), path)).await?.not_allowed(allowed)?;
        }
        let options = cx.send(alice.request(Method::OPTIONS, path)).await?;
        options.is(204)?.allows(allowed)?;
    }
    Ok(())
}

pub async fn head(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    for path in [resource.path, &made, &format!("{}/{ABSENT}", resource.path)] {
        cx.head_like_get(alice, path).await?;
    }
    Ok(())
}

/// A path is what it says: no slash is added, dropped or merged, and what is no id is no record.
pub async fn odd_paths(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let path = resource.path;
    for path in [
        format!("{path}/"),
        format!("/{path}"),
        format!("{path}/not-an-id"),
        format!("{path}/%00"),
        format!("{path}/%zz"),
        format!("{path}/%"),
        format!("{path}/%ff%fe"),
        format!("{path}/..%2f..%2fusers%2fme"),
        format!("{path}%2f"),
        format!("{path}/%5c..%5c"),
        format!("{path}/..;/users/me"),
        format!("{path}/{ABSENT}/"),
        path.to_uppercase(),
    ] {
        let answer = cx.send(alice.get(path)).await?;
        answer.is_one_of(&[400, 404])?.problem(answer.status.as_u16())?;
    }
    Ok(())
}

/// Answers to a known caller stay out of shared caches, errors included.
pub async fn caching(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let made = resource.made(cx, alice).await?;
    for path in [resource.path, &made, &format!("{}/{ABSENT}", resource.path)] {
        cx.send(alice.get(path)).await?.is_private()?;
    }
    Ok(())
}
