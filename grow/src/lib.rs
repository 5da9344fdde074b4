//! What `trireme new` and `trireme add` write: a product, a resource, a field.

mod add;
mod alter;
mod checks;
pub mod commit;
mod field;
mod format;
mod migration;
mod names;
mod new;
mod product;
mod refusal;
mod requests;
mod resource;
mod rust;
mod spec;
mod statement;
mod template;
#[cfg(test)]
mod testing;
mod tree;
mod words;

pub use add::{NewResource, resource as add_resource};
pub use alter::{NewFields, fields as add_fields};
pub use new::{NewProduct, product as new_product};
pub use product::root;
pub use refusal::{Refusal, Result};
pub use tree::{Change, Tree};
