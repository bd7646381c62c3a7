//! `volley nats-config`: prints what a NATS server lets each side of a cluster do.

use std::collections::BTreeSet;

use compiler::exit::Exit;

use super::agent::token;
use super::{complain, say};
use crate::cluster::permissions::{COORDINATOR, broker_config};

/// Flags of `volley nats-config`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  volley nats-config --cluster shop --agents eu-1,eu-2 > nats.conf\n\n\
                  Each agent has a user of its name, and must be started with that --name.\n\n\
                  Exit codes:\n  0   printed\n  2   usage: a bad flag"
)]
pub(super) struct NatsConfigArgs {
    /// The cluster that `volley run` and the agents are started with.
    #[arg(long, value_name = "ID", default_value = "default", value_parser = token)]
    cluster: String,
    /// Names of the agents, with commas.
    #[arg(long, value_name = "NAMES", required = true, value_delimiter = ',', value_parser = token)]
    agents: Vec<String>,
}

/// Prints the configuration.
pub(super) fn run(args: &NatsConfigArgs) -> Exit {
    let names: BTreeSet<&String> = args.agents.iter().collect();
    if names.len() < args.agents.len() {
        complain("--agents names an agent twice");
        return Exit::Usage;
    }
    if args.agents.iter().any(|name| name == COORDINATOR) {
        complain(&format!(
            "--agents: `{COORDINATOR}` is the user that runs plans; name the agent otherwise"
        ));
        return Exit::Usage;
    }
    say(&broker_config(&args.cluster, &args.agents));
    Exit::Passed
}
