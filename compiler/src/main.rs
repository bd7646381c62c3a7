//! The `plan` program: checks, compiles and explains plans, offline.

fn main() -> std::process::ExitCode {
    compiler::cli::main()
}
