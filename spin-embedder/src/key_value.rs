//! `spin:key-value` in memory. Spin keeps the store `default` in a file, so there values outlive the
//! process; nothing expires, here or there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, FutureReader, HasData, Resource, StreamReader};
use wasmtime::{Result, ensure};

use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::store::State;
use crate::streams::FromChannel;

/// A store for each label that the component may open.
pub struct Stores(BTreeMap<String, Store>);

#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Stores {
    pub fn new(labels: &[String]) -> Result<Self> {
        for label in labels {
            ensure!(
                label == "default",
                "the key-value store {label:?} is not defined, only \"default\" is"
            );
        }
        Ok(Self(labels.iter().map(|it| (it.clone(), Store::default())).collect()))
    }
}

impl Store {
    fn values(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Interface;

impl HasData for Interface {
    type Data<'a> = &'a mut State;
}

impl Host for State {}

impl HostStore for State {
    async fn drop(&mut self, store: Resource<Store>) -> Result<()> {
        self.key_value.delete(store)?;
        Ok(())
    }
}

fn store<T: Send>(accessor: &Accessor<T, Interface>, handle: &Resource<Store>) -> Result<Store> {
    accessor.with(|mut it| Ok(it.get().key_value.get(handle)?.clone()))
}

type Keys = (StreamReader<String>, FutureReader<Result<(), Error>>);

impl<T: Send> HostStoreWithStore<T> for Interface {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> Result<Result<Resource<Store>, Error>> {
        Ok(accessor.with(|mut it| {
            let state = it.get();
            let store = state.app.key_value.0.get(&label).ok_or(Error::AccessDenied)?.clone();
            state.key_value.push(store).map_err(|_| Error::StoreTableFull)
        }))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
    ) -> Result<Result<Option<Vec<u8>>, Error>> {
        Ok(Ok(store(accessor, &handle)?.values().get(&key).cloned()))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> Result<Result<(), Error>> {
        store(accessor, &handle)?.values().insert(key, value);
        Ok(Ok(()))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
    ) -> Result<Result<(), Error>> {
        store(accessor, &handle)?.values().remove(&key);
        Ok(Ok(()))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        handle: Resource<Store>,
        key: String,
    ) -> Result<Result<bool, Error>> {
        Ok(Ok(store(accessor, &handle)?.values().contains_key(&key)))
    }

    async fn get_keys(accessor: &Accessor<T, Self>, handle: Resource<Store>) -> Result<Keys> {
        let keys: Vec<_> = store(accessor, &handle)?.values().keys().cloned().collect();
        let (sender, receiver) = mpsc::channel(keys.len().max(1));
        for key in keys {
            // There is room for all of them.
            let _ = sender.try_send(key);
        }
        let (done, outcome) = oneshot::channel();
        let _ = done.send(Ok(()));
        accessor.with(|mut it| {
            let keys = StreamReader::new(&mut it, FromChannel(receiver))?;
            Ok((keys, FutureReader::new(&mut it, outcome)?))
        })
    }
}
