//! The flags that change a plan before it is compiled; `volley run` has the same.

use std::path::PathBuf;

use super::files::{self, FileError};
use crate::Overrides;

/// Flags that change a plan before it is compiled.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OverrideArgs {
    /// Gives a var of the plan another value; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    pub vars: Vec<(String, String)>,
    /// Gives vars other values from a YAML file; `--var` wins over it
    #[arg(long, value_name = "FILE")]
    pub var_file: Option<PathBuf>,
    /// Lays one of the plan's environments over it
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Replaces the plan's seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

impl OverrideArgs {
    /// Returns whether any of the flags is given.
    pub fn any(&self) -> bool {
        let OverrideArgs { vars, var_file, environment, seed } = self;
        !vars.is_empty() || var_file.is_some() || environment.is_some() || seed.is_some()
    }

    /// Reads the var file, and returns what the compiler takes. Of a var given twice the last value counts.
    ///
    /// # Errors
    /// The var file cannot be read or is no text.
    pub fn load(&self) -> Result<Overrides, FileError> {
        let var_file = self.var_file.as_deref().map(files::load_var_file).transpose()?;
        Ok(Overrides {
            vars: self.vars.iter().cloned().collect(),
            var_file,
            environment: self.environment.clone(),
            seed: self.seed,
        })
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE, such as `--var peak=50/s`".to_owned()),
    }
}
