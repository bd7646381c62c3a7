//! `plan keygen`: a new key that signs artifacts. The only place that draws random bytes.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{CliError, write_failed};
use crate::exit::Exit;
use crate::signature::SecretKey;

/// Arguments of `plan keygen`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct KeygenArgs {
    /// Where the secret key goes; its public half goes to FILE.pub. Neither may be there yet
    #[arg(short, long, value_name = "FILE", default_value = "volley.key")]
    output: PathBuf,
}

const HELP: &str = "FILE holds a line `ed25519-secret:` and the key's 32 bytes in base64; \
only its owner may read it. FILE.pub holds `ed25519:` and the public half; this is also \
printed, and is what `plan verify --trust` takes.";

pub(super) fn run(args: &KeygenArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(CliError::Random)?;
    let key = SecretKey::from_random(&bytes);
    let public = key.public().to_string();
    let mut public_path = args.output.clone().into_os_string();
    public_path.push(".pub");
    // The secret half first: a public half that is not its own must never lie beside it.
    create(&args.output, &key.to_file_text(), true)?;
    if let Err(error) = create(Path::new(&public_path), &format!("{public}\n"), false) {
        // Made above: nobody knows it yet.
        let _left = std::fs::remove_file(&args.output);
        return Err(error);
    }
    writeln!(out, "{public}")?;
    Ok(Exit::Passed)
}

/// Writes a file that must not be there yet; a secret one can be read by its owner alone.
fn create(path: &Path, text: &str, secret: bool) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let write = || -> io::Result<()> {
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| write_failed(path, source))
}
