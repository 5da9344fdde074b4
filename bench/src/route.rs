use uuid::Uuid;

/// How a request's statements are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As Trireme does: a transaction that enters the user's role, in one round trip.
    Entered,
    /// A transaction that looks at session and account, and keeps its own role.
    Checked,
    /// The statements alone.
    Plain,
}

/// `/tasks/MANNER/USER/SESSION`, and `/TASK` behind it for one of them. Who calls stands in the path:
/// no token is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub manner: Manner,
    pub user: Uuid,
    pub session: Uuid,
    pub task: Option<Uuid>,
}

impl Route {
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix("/tasks/")?.split('/');
        let manner = match parts.next()? {
            "entered" => Manner::Entered,
            "checked" => Manner::Checked,
            "plain" => Manner::Plain,
            _ => return None,
        };
        let mut id = || parts.next()?.parse().ok();
        Some(Self { manner, user: id()?, session: id()?, task: id() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_manner_and_ids() {
        let id = "0191f0a0-0000-7000-8000-000000000000";
        let route = Route::parse(&format!("/tasks/checked/{id}/{id}/{id}")).unwrap();
        assert_eq!(route.manner, Manner::Checked);
        assert_eq!(route.task.unwrap().to_string(), id);
        assert_eq!(Route::parse(&format!("/tasks/plain/{id}/{id}")).unwrap().task, None);
        assert_eq!(Route::parse(&format!("/tasks/quietly/{id}/{id}/{id}")), None);
        assert_eq!(Route::parse("/health/live"), None);
    }
}
