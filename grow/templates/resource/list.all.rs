/// Cursor, order and limit are added by the page.
pub fn list(user: Uuid) -> Statement<'static> {
    Statement::read(
        sql!("-- list_@plural@\nSELECT {} FROM @plural@ WHERE user_id = $1", @Record@::COLUMNS),
        vec![user.into()],
    )
}
