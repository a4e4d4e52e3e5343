use std::process::ExitCode;
pub(super) fn run<T>(_: &T) -> ExitCode {
    ExitCode::SUCCESS
}
