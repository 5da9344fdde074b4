use std::process::ExitCode;

fn main() -> ExitCode {
    trireme_native::main::<trireme::reference::Tasks>(trireme_tasks_checks::CHECKS)
}
