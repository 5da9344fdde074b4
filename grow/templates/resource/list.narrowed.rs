/// Each filter that is given narrows the list; cursor, order and limit are added by the page.
pub fn list@life@(user: Uuid, filter: @borrowed@list::Filter) -> Statement<@told@> {
    let mut statement = Statement::read(
        sql!("-- list_@plural@\nSELECT {} FROM @plural@ WHERE user_id = $1", @Record@::COLUMNS),
        vec![user.into()],
    );
    let mut narrow = |condition: &str, value: Option<Value<@told@>>| {
        if let Some(value) = value {
            let number = statement.bind(value);
            statement.text.to_mut().push_str(&format!("\nAND {condition} ${number}"));
        }
    };
@narrows@
    statement
}
