//! The flags that reach a NATS server, the same for coordinator and agents.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cluster::nats::NatsOptions;

/// Credentials and TLS of the NATS connection.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "NATS connection")]
pub(super) struct NatsArgs {
    /// User name; with --nats-password-file
    #[arg(long, value_name = "USER", env = "VOLLEY_NATS_USER", requires = "nats_password_file")]
    nats_user: Option<String>,
    /// File that holds the user's password
    #[arg(long, value_name = "FILE", env = "VOLLEY_NATS_PASSWORD_FILE", requires = "nats_user")]
    nats_password_file: Option<PathBuf>,
    /// Credentials file (JWT and seed)
    #[arg(long, value_name = "FILE", env = "VOLLEY_NATS_CREDS")]
    nats_creds: Option<PathBuf>,
    /// File that holds an nkey seed
    #[arg(long, value_name = "FILE", env = "VOLLEY_NATS_NKEY")]
    nats_nkey: Option<PathBuf>,
    /// Root certificates to trust, PEM
    #[arg(long, value_name = "FILE", env = "VOLLEY_TLS_CA")]
    tls_ca: Option<PathBuf>,
    /// Client certificate, PEM; with --tls-key
    #[arg(long, value_name = "FILE", env = "VOLLEY_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the client certificate, PEM
    #[arg(long, value_name = "FILE", env = "VOLLEY_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl NatsArgs {
    /// Returns how to reach `url` as `agent`, or as the coordinator; credentials are read from their files here.
    ///
    /// # Errors
    /// A file cannot be read; the message names it.
    pub(super) fn options(
        &self,
        url: &str,
        cluster: &str,
        agent: Option<&str>,
    ) -> Result<NatsOptions, String> {
        let mut options = NatsOptions::new(url, cluster, agent);
        if let (Some(user), Some(file)) = (&self.nats_user, &self.nats_password_file) {
            options.user = Some((user.clone(), read(file)?));
        }
        options.creds = self.nats_creds.as_deref().map(read).transpose()?;
        options.nkey = self.nats_nkey.as_deref().map(read).transpose()?;
        options.tls_ca.clone_from(&self.tls_ca);
        options.tls_client = self.tls_cert.clone().zip(self.tls_key.clone());
        Ok(options)
    }
}

/// Reads a file without the white space at its end.
fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path)
        .map(|text| text.trim_end().to_owned())
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Refuses what no subject can hold.
pub(super) fn token(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("use 1 to 64 letters, digits, `_` and `-`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "s3cret\n").unwrap();
        let args = NatsArgs {
            nats_user: Some("eu-1".to_owned()),
            nats_password_file: Some(file),
            ..NatsArgs::default()
        };
        let options = args.options("nats://127.0.0.1:4222", "default", Some("eu-1")).unwrap();
        assert_eq!(options.user, Some(("eu-1".to_owned(), "s3cret".to_owned())));
        let missing = NatsArgs { nats_creds: Some("no-such".into()), ..NatsArgs::default() };
        assert!(missing.options("nats://x", "default", None).unwrap_err().contains("no-such"));
    }

    #[test]
    fn names_fit_a_subject() {
        assert!(token("eu-1_a").is_ok());
        for bad in ["", "a.b", "a b", "é", ">", &"x".repeat(65)] {
            assert!(token(bad).is_err(), "{bad}");
        }
    }
}
