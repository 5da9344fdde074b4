//! Records of a resource, for checks to work with.

use serde_json::{Map, Value, json};

use super::Resource;
use super::kind::{Field, Kind};
use crate::context::{Account, Context};
use crate::outcome::{Verdict, text};
use crate::response::Response;

impl Resource {
    /// Creates a record of the fields that have to be there, with these members besides or instead.
    pub async fn create(
        &'static self,
        cx: &Context,
        user: &Account,
        members: &Value,
    ) -> Verdict<Value> {
        let mut body = self.minimal(cx, user, 0).await?;
        for (name, value) in members.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        cx.create(user, self.path, body).await
    }

    /// Where a record is.
    pub fn at(&self, record: &Value) -> Verdict<String> {
        Ok(format!("{}/{}", self.path, text(record, "/id")?))
    }

    /// A body with the fields that have to be there, of their n-th values.
    pub(super) async fn minimal(&self, cx: &Context, user: &Account, n: usize) -> Verdict<Value> {
        self.body(cx, user, n, |field| field.required).await
    }

    /// A body with every field.
    pub(super) async fn full(&self, cx: &Context, user: &Account, n: usize) -> Verdict<Value> {
        self.body(cx, user, n, |_| true).await
    }

    async fn body(
        &self,
        cx: &Context,
        user: &Account,
        n: usize,
        with: fn(&Field) -> bool,
    ) -> Verdict<Value> {
        let mut body = Map::new();
        for field in self.fields.iter().filter(|field| with(field)) {
            body.insert(field.name.to_owned(), field.sample(cx, user, n).await?);
        }
        Ok(body.into())
    }

    /// Creates a record of the fields that have to be there, and hands out its path.
    pub(super) async fn made(&'static self, cx: &Context, user: &Account) -> Verdict<String> {
        self.at(&self.create(cx, user, &json!({})).await?)
    }

    /// Posts a minimal body with one member of another value.
    pub(super) async fn post_with(
        &self,
        cx: &Context,
        user: &Account,
        name: &str,
        value: Value,
    ) -> Verdict<Response> {
        let mut body = self.minimal(cx, user, 0).await?;
        body[name] = value;
        cx.send(user.post(self.path).json(&body)).await
    }

    /// The field that checks change: the first text, or what there is.
    pub(super) fn changed(&self) -> &Field {
        let plain = |field: &&Field| !matches!(field.kind, Kind::Reference(_));
        let text = |field: &&Field| matches!(field.kind, Kind::Text { .. });
        let found = self.fields.iter().find(text).or_else(|| self.fields.iter().find(plain));
        found.or(self.fields.first()).expect("a resource has a field")
    }

    /// A patch of that field to its n-th value. New records have the first, number 0.
    pub(super) async fn change(&self, cx: &Context, user: &Account, n: usize) -> Verdict<Value> {
        let field = self.changed();
        Ok(json!({ field.name: field.sample(cx, user, n).await? }))
    }

    /// The path of the list with these parameters.
    pub(super) fn list(&self, query: &str) -> String {
        format!("{}?{query}", self.path)
    }

    /// The ids of all of a user's records, a hundred at a time.
    pub(super) async fn ids(&self, cx: &Context, user: &Account) -> Verdict<Vec<String>> {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let page =
                cx.send(user.get(self.list(&format!("limit=100{cursor}"))).unrecorded()).await?;
            ids.extend(page.column("/id")?);
            let Some(next) = page.at("/next_cursor")?.as_str() else { return Ok(ids) };
            cursor = format!("&cursor={next}");
            page.must(ids.len() < 10_000, "a last page")?;
        }
    }
}

impl Context {
    /// One of two records of a user that others refer to. They stay, whatever a check does to its own.
    pub(super) async fn referred(
        &self,
        user: &Account,
        resource: &'static Resource,
        n: usize,
    ) -> Verdict<Value> {
        let key = (user.id.clone(), resource.path, n);
        if let Some(id) = self.referred_known(&key) {
            return Ok(id.into());
        }
        let body = resource.minimal(self, user, n).await?;
        // Whichever check comes first makes it, so it belongs to none.
        let made = self.send(user.post(resource.path).json(&body).unrecorded()).await?;
        let id = made.is(201)?.text("/id")?.to_owned();
        self.remember_referred(key, &id);
        Ok(id.into())
    }
}
