//! (pure) What each side of a cluster may say and hear, as configuration of a `nats-server`.
//!
//! Everything an agent publishes is under its own name, so the list is short, and needs no `allow_responses`.

use std::fmt::Write as _;

/// Name of the user that coordinates runs.
pub const COORDINATOR: &str = "coordinator";

/// Subjects that a user may publish to and subscribe to.
struct Rights {
    publish: Vec<String>,
    subscribe: Vec<String>,
}

fn coordinator(cluster: &str) -> Rights {
    Rights {
        publish: vec![format!("volley.{cluster}.c.>"), format!("_INBOX.volley.{cluster}.a.>")],
        subscribe: vec![
            format!("volley.{cluster}.c.lock.>"),
            format!("volley.{cluster}.a.>"),
            format!("_INBOX.volley.{cluster}.c.>"),
        ],
    }
}

fn agent(cluster: &str, name: &str) -> Rights {
    Rights {
        publish: vec![format!("volley.{cluster}.a.{name}.>")],
        subscribe: vec![
            format!("volley.{cluster}.c.all.>"),
            format!("volley.{cluster}.c.to.{name}.>"),
            format!("volley.{cluster}.a.{name}.claim.>"),
            format!("_INBOX.volley.{cluster}.a.{name}.>"),
        ],
    }
}

/// Returns a configuration in which `agents` and the coordinator of `cluster` may do what the protocol takes, and
/// nobody anything else. Passwords are placeholders.
pub fn broker_config(cluster: &str, agents: &[String]) -> String {
    let mut text = format!(
        "# nats-server configuration for the Volley cluster `{cluster}`, as `volley nats-config` prints it.\n\
         #\n\
         # Replace each password, by itself or by its bcrypt hash (`nats server passwd`); the user has it in a file:\n\
         #   volley run PLAN --nats URL --cluster {cluster} --nats-user {COORDINATOR} --nats-password-file FILE\n\
         #   volley agent --nats URL --cluster {cluster} --name NAME --nats-user NAME --nats-password-file FILE\n\
         # Passwords cross the network as they are: add a `tls` block, and start both sides with --tls-ca.\n\
         \n\
         accounts {{\n  VOLLEY {{\n    users = [\n"
    );
    push_user(&mut text, COORDINATOR, &coordinator(cluster));
    for name in agents {
        push_user(&mut text, name, &agent(cluster, name));
    }
    text.push_str("    ]\n  }\n}\n\n");
    text.push_str("# Finds connections that are half open within 15 s instead of 6 min.\n");
    text.push_str("ping_interval: \"5s\"\nping_max: 2\n");
    text
}

fn push_user(text: &mut String, name: &str, rights: &Rights) {
    let list = |subjects: &[String]| {
        subjects.iter().map(|subject| format!("\"{subject}\"")).collect::<Vec<_>>().join(", ")
    };
    let (publish, subscribe) = (list(&rights.publish), list(&rights.subscribe));
    let user = format!(
        "      {{ user: \"{name}\", password: \"PASSWORD-OF-{name}\", permissions: {{\n          \
         publish:   {{ allow: [{publish}] }}\n          \
         subscribe: {{ allow: [{subscribe}] }} }} }}\n"
    );
    // Writing to a text cannot fail.
    text.write_str(&user).unwrap_or_default();
}
