/// Cursor, order and limit are added by the page.
pub fn list(user: Uuid) -> Statement<'static> {
    Statement::read(
        sql!("-- list_@plural@\nSELECT ", @Record@::COLUMNS, " FROM @plural@ WHERE user_id = $1"),
        vec![user.into()],
    )
}
