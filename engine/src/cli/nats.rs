//! Flags that say how to reach a NATS server, and as whom; the same for every subcommand that does.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cluster::nats::NatsOptions;

/// Credentials and trust. Files are read when the program starts.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct NatsArgs {
    /// User name.
    #[arg(
        long,
        value_name = "NAME",
        env = "VOLLEY_NATS_USER",
        hide_env_values = true,
        help_heading = "Connection",
        requires = "nats_password_file"
    )]
    pub(super) nats_user: Option<String>,
    /// File with the user's password; its last line end is left out.
    #[arg(
        long,
        value_name = "FILE",
        env = "VOLLEY_NATS_PASSWORD_FILE",
        hide_env_values = true,
        help_heading = "Connection",
        requires = "nats_user"
    )]
    pub(super) nats_password_file: Option<PathBuf>,
    /// Credentials file, as `nsc` writes it.
    #[arg(
        long,
        value_name = "FILE",
        env = "VOLLEY_NATS_CREDS",
        hide_env_values = true,
        help_heading = "Connection"
    )]
    pub(super) nats_creds: Option<PathBuf>,
    /// File with the seed of an nkey.
    #[arg(
        long,
        value_name = "FILE",
        env = "VOLLEY_NATS_NKEY",
        hide_env_values = true,
        help_heading = "Connection"
    )]
    pub(super) nats_nkey: Option<PathBuf>,
    /// PEM file with root certificates that are trusted beside the system's.
    #[arg(
        long,
        value_name = "FILE",
        env = "VOLLEY_TLS_CA",
        hide_env_values = true,
        help_heading = "Connection"
    )]
    pub(super) tls_ca: Option<PathBuf>,
    /// PEM file with the client's certificate.
    #[arg(
        long,
        value_name = "FILE",
        env = "VOLLEY_TLS_CERT",
        hide_env_values = true,
        help_heading = "Connection",
        requires = "tls_key"
    )]
    pub(super) tls_cert: Option<PathBuf>,
    /// PEM file with the key of the client's certificate.
    #[arg(
        long,
        value_name = "FILE",
        env = "VOLLEY_TLS_KEY",
        hide_env_values = true,
        help_heading = "Connection",
        requires = "tls_cert"
    )]
    pub(super) tls_key: Option<PathBuf>,
}

impl NatsArgs {
    /// Returns how to connect to `url`, as the agent of this name or as the coordinator.
    ///
    /// # Errors
    /// A file cannot be read; a sentence for the operator.
    pub(super) fn options(
        &self,
        url: &str,
        cluster: &str,
        agent: Option<&str>,
    ) -> Result<NatsOptions, String> {
        let password = self.nats_password_file.as_deref().map(read).transpose()?;
        let client = self.tls_cert.clone().zip(self.tls_key.clone());
        let named = [&self.tls_ca, &self.tls_cert, &self.tls_key];
        for file in named.into_iter().flatten() {
            // The client says only that TLS failed.
            fs::File::open(file).map_err(|error| unreadable(file, &error))?;
        }
        Ok(NatsOptions {
            user: self.nats_user.clone().zip(password),
            // The client finds the last line of a credentials file by its end.
            creds: self.nats_creds.as_deref().map(read).transpose()?.map(|text| text + "\n"),
            nkey: self.nats_nkey.as_deref().map(read).transpose()?,
            tls_ca: self.tls_ca.clone(),
            tls_client: client,
            ..NatsOptions::new(url, cluster, agent)
        })
    }
}

fn read(file: &Path) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn unreadable(file: &Path, error: &std::io::Error) -> String {
    format!("`{}` cannot be read: {error}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_missing_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        fs::write(&password, " p w \r\n").unwrap();
        let args = NatsArgs {
            nats_user: Some("u".to_owned()),
            nats_password_file: Some(password),
            ..NatsArgs::default()
        };
        let options = args.options("nats://h", "c", Some("a")).unwrap();
        assert_eq!(options.user, Some(("u".to_owned(), " p w ".to_owned())));
        let missing = folder.path().join("none");
        for args in [
            NatsArgs { nats_creds: Some(missing.clone()), ..NatsArgs::default() },
            NatsArgs { tls_ca: Some(missing.clone()), ..NatsArgs::default() },
        ] {
            let error = args.options("nats://h", "c", None).unwrap_err();
            assert!(error.contains(&missing.display().to_string()), "{error}");
        }
    }
}
