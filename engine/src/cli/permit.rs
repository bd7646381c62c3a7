//! Flags that say what nodes may do; the same for agents and embedded runs.

use compiler::cli::CliError;
use compiler::cli::trust::TrustArgs;

use crate::cluster::permit::Permit;
use crate::user::{AllowedTarget, AllowedTargets};

/// What nodes may do.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct PermitArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// Send to this server alone, a whole name or an address; several times for several [default: anywhere].
    #[arg(long = "allow-target", value_name = "HOST[:PORT]")]
    allowed: Vec<AllowedTarget>,
}

impl PermitArgs {
    /// Returns what nodes may do.
    ///
    /// # Errors
    /// A trusted key cannot be read.
    pub(super) fn permit(&self) -> Result<Permit, CliError> {
        let targets = AllowedTargets::only(self.allowed.clone());
        Ok(Permit { trusted: self.trust.keys()?, targets })
    }

    /// Returns whether `--allow-target` is given.
    pub(super) fn bounds_targets(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// Returns the flags with which another process may do no more than `permit`.
    pub(super) fn flags(&self, permit: &Permit) -> Vec<String> {
        let keys = permit.trusted.iter().map(|key| ("--trust", key.to_string()));
        let allowed = self.allowed.iter().map(|target| ("--allow-target", target.to_string()));
        keys.chain(allowed).flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }
}
