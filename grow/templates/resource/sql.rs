use trireme::{
    Timestamp, Uuid, if_match, sql,
    sql::{Statement, Value},
};

use super::{@supers@};

@list@

pub fn get(user: Uuid, id: Uuid) -> Statement<'static> {
    Statement::read(
        sql!(
            "-- get_@singular@\nSELECT {} FROM @plural@ WHERE user_id = $1 AND id = $2",
            @Record@::COLUMNS
        ),
        vec![user.into(), id.into()],
    )
}

/// @owned@
pub fn create<'a>(user: Uuid, @singular@: &@Record@@life@, key: Option<String>) -> Statement<'a> {
    Statement::write(
        "-- create_@singular@
         INSERT INTO @plural@ (@columns@)
         SELECT @values@
         WHERE @guards@(CAST($@key@ AS text) IS NULL OR EXISTS (
             SELECT 1 FROM idempotency_keys WHERE user_id = $1 AND key = $@key@ AND record_id = $2
         ))
         RETURNING id",
        vec![
            user.into(),
            @singular@.id.into(),
            @singular@.created_at.into(),
            key.into(),
@create_arguments@
        ],
    )
}

/// Changes what is given.
pub fn update<'a>(
    user: Uuid,
    id: Uuid,
    change: &'a update::Input,
    demanded: Value<'a>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        sql!(
            "-- update_@singular@
             UPDATE @plural@ SET
@changes@
                 updated_at = $4, version = version + 1
             WHERE user_id = $1 AND id = $2 AND {}@change_guards@
             RETURNING id",
            if_match!("$3", @Record@::TAG)
        ),
        vec![
            user.into(),
            id.into(),
            demanded,
            now.into(),
@change_arguments@
        ],
    )
}

pub fn delete(user: Uuid, id: Uuid, demanded: Value<'_>) -> Statement<'_> {
    Statement::write(
        sql!(
            "-- delete_@singular@
             DELETE FROM @plural@ WHERE user_id = $1 AND id = $2 AND {}
             RETURNING id",
            if_match!("$3", @Record@::TAG)
        ),
        vec![user.into(), id.into(), demanded],
    )
}
