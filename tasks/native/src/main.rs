use std::process::ExitCode;

fn main() -> ExitCode {
    trireme_native::main::<trireme_tasks::Tasks>(trireme_tasks_checks::CHECKS)
}
