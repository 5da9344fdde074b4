//! Interfaces of Spin that the embedder does not have, Redis and MQTT among them: a component may link
//! them and never call one. Whoever calls one traps, and is told which.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};
use wasmtime::{Engine, Result, bail};

/// What is linked for real, whatever its version.
const PRESENT: [&str; 5] =
    ["wasi:", "spin:key-value/", "spin:postgres/", "spin:sqlite/", "spin:variables/"];

pub fn stub<T: 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    component: &Component,
) -> Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        if let ComponentItem::ComponentInstance(interface) = import.ty
            && !PRESENT.iter().any(|it| name.starts_with(it))
        {
            let mut instance = linker.instance(name)?;
            for (function, item) in interface.exports(engine) {
                stub_item(&mut instance, name, function, &item.ty)?;
            }
        }
    }
    Ok(())
}

fn stub_item<T: 'static>(
    instance: &mut LinkerInstance<'_, T>,
    interface: &str,
    name: &str,
    item: &ComponentItem,
) -> Result<()> {
    match item {
        ComponentItem::ComponentFunc(function) => {
            let message = format!("the embedder does not have {interface}#{name}");
            if !function.async_() {
                return instance.func_new(name, move |_, _, _, _| bail!(message.clone()));
            }
            instance.func_new_concurrent(name, move |_, _, _, _| {
                let message = message.clone();
                Box::pin(async move { bail!(message) })
            })
        }
        ComponentItem::Resource(_) => {
            instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))
        }
        _ => Ok(()),
    }
}
