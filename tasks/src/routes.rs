use crate::{contexts, tasks};

trireme::routes! {
    ListContexts GET "/api/v1/contexts" User(query) contexts::list, "List contexts";
    CreateContext POST "/api/v1/contexts" User contexts::create, "Create a context";
    GetContext GET "/api/v1/contexts/{id}" User contexts::get, "Read a context";
    UpdateContext PATCH "/api/v1/contexts/{id}" User contexts::update, "Change a context";
    DeleteContext DELETE "/api/v1/contexts/{id}" User contexts::delete, "Delete a context; its tasks stay";

    ListTasks GET "/api/v1/tasks" User(query) tasks::list, "List tasks";
    CreateTask POST "/api/v1/tasks" User tasks::create, "Create a task";
    GetTask GET "/api/v1/tasks/{id}" User tasks::get, "Read a task";
    UpdateTask PATCH "/api/v1/tasks/{id}" User tasks::update, "Change a task";
    DeleteTask DELETE "/api/v1/tasks/{id}" User tasks::delete, "Delete a task";
}
