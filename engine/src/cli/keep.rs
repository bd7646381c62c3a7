//! `volley keep`: runs a program that ends together with whoever started it, however hard that one was ended.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use compiler::exit::Exit;

use super::complain;

/// How often it is looked whether either has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Options of `volley keep`, which `run --nats local` uses on itself.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct KeepArgs {
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Runs the program until it ends, or until standard input does: that is a pipe whose other end the system closes when
/// its holder dies.
pub(super) fn run(args: &KeepArgs) -> Exit {
    let Some((program, rest)) = args.command.split_first() else { return Exit::Usage };
    let alone = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&alone);
    std::thread::spawn(move || {
        let mut ignored = [0; 64];
        let mut stdin = io::stdin().lock();
        while stdin.read(&mut ignored).is_ok_and(|count| count > 0) {}
        seen.store(true, Ordering::Release);
    });
    let child = Command::new(program).args(rest).stdin(Stdio::null()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            complain(&format!("cannot start `{program}`: {error}"));
            return Exit::Usage;
        }
    };
    loop {
        match child.try_wait() {
            Ok(None) if !alone.load(Ordering::Acquire) => std::thread::sleep(LOOK),
            Ok(Some(status)) => {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                return code.and_then(Exit::from_code).unwrap_or(Exit::Internal);
            }
            // It cannot be told how it is, or nobody wants it any more.
            Ok(None) | Err(_) => {
                child.kill().and_then(|()| child.wait()).ok();
                return Exit::Interrupted;
            }
        }
    }
}
