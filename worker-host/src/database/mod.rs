//! The way to D1 and to PostgreSQL.

mod d1;
mod postgres;
mod socket;

use std::rc::Rc;

use trireme_core::{
    config::{self, DatabaseUrl},
    host::{self, Backend, Scope},
    migrations::Schema,
    sql::{DatabaseError, Either, Statement},
};
use worker::{Context, Env};

use self::{d1::D1, postgres::Postgres, socket::Target};

/// What the server shows as the origin of our connections.
const APPLICATION_NAME: &str = "trireme";

/// Where DATABASE_URL leads, found once an isolate.
pub enum Way {
    D1 { binding: String },
    Postgres(Box<postgres::Way>),
}

impl Way {
    /// An error is a fault of the configuration.
    pub fn find(config: &config::Database, env: &Env) -> Result<Self, String> {
        let target = match &config.url {
            DatabaseUrl::Binding("d1", name) => {
                env.d1(name).map_err(|_| absent("D1 database"))?;
                return Ok(Self::D1 { binding: name.clone() });
            }
            DatabaseUrl::Binding(_, name) => {
                env.hyperdrive(name).map_err(|_| absent("Hyperdrive"))?;
                Target::Hyperdrive { binding: name.clone() }
            }
            DatabaseUrl::Postgres(url) => {
                Target::new(url).map_err(|fault| format!("DATABASE_URL: {fault}."))?
            }
            DatabaseUrl::Sqlite(_) => return Err("DATABASE_URL: there are no files here.".into()),
        };
        Ok(Self::Postgres(Box::new(postgres::Way::new(target, config))))
    }
}

fn absent(kind: &str) -> String {
    format!("DATABASE_URL names a binding, but this Worker has no {kind} of that name.")
}

/// One request's way to the database.
pub enum Database {
    D1(D1),
    Postgres(Postgres),
}

impl Database {
    pub fn new(way: &'static Way, env: Env, context: Rc<Context>) -> Self {
        match way {
            Way::D1 { binding } => Self::D1(D1::new(env, binding)),
            Way::Postgres(way) => Self::Postgres(Postgres::new(way, env, context)),
        }
    }
}

impl host::Database for Database {
    type Row = Either<trireme_core::postgres::Row>;

    fn backend(&self) -> Backend {
        match self {
            Self::D1(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    fn applied(&self, schema: Schema) -> Statement<'static> {
        match self {
            Self::D1(_) => d1::applied(schema),
            Self::Postgres(_) => schema.applied(),
        }
    }

    async fn batch(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Self::Row>>, DatabaseError> {
        match self {
            Self::D1(d1) => d1.batch(scope, statements).await,
            Self::Postgres(postgres) => postgres.batch(scope, statements).await,
        }
    }
}
