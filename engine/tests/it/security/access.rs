//! Ways into a broker: who gets in runs a load, who does not is told why at once, with exit 96.

use nkeys::KeyPair;

use super::certificate::Identity;
use super::jwt::Operator;
use super::{Broker, Stage, file};
use crate::stage::{Said, Shop, finish, result, volley};

/// Flags of a run and of an agent.
type Flags = Vec<String>;

fn flags(all: &[&str]) -> Flags {
    all.iter().map(|flag| (*flag).to_owned()).collect()
}

fn strs(flags: &Flags) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

/// Runs a load with these flags on both sides; it must pass.
#[track_caller]
fn passes(broker: &Broker, coordinator: &Flags, agent: &Flags) {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::start(folder.path(), &[]);
    let stage = Stage::new(&shop.url);
    let (run, agent) =
        stage.run_on_agent(&broker.url, &stage.plan, &strs(coordinator), &strs(agent));
    run.exits(0);
    agent.exits(0);
    let result = result(&stage.out());
    assert_eq!(result.arrivals.succeeded, 10);
    let denied = result.warnings.iter().find(|warning| warning.code == "broker-denied");
    assert!(denied.is_none(), "{denied:?}");
    assert_eq!(shop.requests().len(), 10);
}

/// Starts both sides with these flags; neither gets in, and each names one of the reasons and no secret.
#[track_caller]
fn stays_out(broker: &Broker, flags: &Flags, reasons: &[&str], secrets: &[&str]) {
    let stage = Stage::new("http://127.0.0.1:1");
    let out = stage.out();
    let run = ["run", &stage.plan, "--cluster", "C", "--out", out.to_str().unwrap()];
    let agent = ["agent", "--once", "--cluster", "C", "--name", "eu-1"];
    for side in [&run[..], &agent] {
        let mut command = volley();
        command.args(side).args(["--nats", &broker.url]).args(flags);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let said: Said = finish(command.spawn().unwrap()).exits(96);
        let err = said.err.to_lowercase();
        assert!(reasons.iter().any(|why| err.contains(why)), "{reasons:?}: {err}");
        for secret in secrets {
            assert!(!said.err.contains(secret) && !said.out.contains(secret), "a secret is shown");
        }
    }
}

#[test]
fn a_user_with_a_password_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (word(), word());
    let configuration =
        format!(r#"authorization {{ users = [ {{ user: "eu-1", password: "{right}" }} ] }}"#);
    let Some(broker) = Broker::start(folder.path(), &configuration) else { return };
    let as_user = |name: &str, password: &str| {
        let password = file(folder.path(), name, &format!("{password}\n"));
        flags(&["--nats-user", "eu-1", "--nats-password-file", &password])
    };
    passes(&broker, &as_user("right", &right), &as_user("right", &right));
    let why = ["cannot enter nats://127.0.0.1"];
    let violation = ["authorization violation"];
    stays_out(&broker, &as_user("wrong", &wrong), &why, &[&wrong]);
    stays_out(&broker, &as_user("wrong", &wrong), &violation, &[&wrong]);
    stays_out(&broker, &Flags::new(), &violation, &[]);
}

#[test]
fn a_user_with_an_nkey() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (KeyPair::new_user(), KeyPair::new_user());
    let configuration =
        format!("authorization {{ users = [ {{ nkey: {} }} ] }}", ours.public_key());
    let Some(broker) = Broker::start(folder.path(), &configuration) else { return };
    let as_user = |name: &str, key: &KeyPair| {
        flags(&["--nats-nkey", &file(folder.path(), name, &key.seed().unwrap())])
    };
    passes(&broker, &as_user("ours", &ours), &as_user("ours", &ours));
    let seed = other.seed().unwrap();
    stays_out(&broker, &as_user("other", &other), &["authorization violation"], &[&seed]);
}

#[test]
fn a_user_with_credentials_of_an_operator() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::new();
    let Some(broker) = Broker::start(folder.path(), &operator.configuration()) else { return };
    let credentials = |name: &str, text: &str| {
        flags(&["--nats-creds", &file(folder.path(), &format!("{name}.creds"), text)])
    };
    let coordinator = operator.user(
        "coordinator",
        &["volley.C.c.>", "_INBOX.volley.C.a.>"],
        &["volley.C.c.lock.>", "volley.C.a.>", "_INBOX.volley.C.c.>"],
    );
    let eu_1 = operator.user(
        "eu-1",
        &["volley.C.a.eu-1.>"],
        &[
            "volley.C.c.all.>",
            "volley.C.c.to.eu-1.>",
            "volley.C.a.eu-1.claim.>",
            "_INBOX.volley.C.a.eu-1.>",
        ],
    );
    let eu_2 = operator.user("eu-2", &["volley.C.a.eu-2.>"], &["volley.C.c.all.>"]);
    passes(&broker, &credentials("coordinator", &coordinator), &credentials("eu-1", &eu_1));
    let stranger = Operator::new().user("eu-1", &[">"], &[">"]);
    let why = ["authorization violation"];
    stays_out(&broker, &credentials("stranger", &stranger), &why, &[]);
    // Credentials of another agent do not do: it names what is denied, and ends.
    let denied = ["permissions violation"];
    stays_out(&broker, &credentials("eu-2", &eu_2), &denied, &[]);
}

#[test]
fn tls_with_an_authority_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Identity::authority("ca");
    let (ca, _) = authority.write(folder.path());
    let (certificate, key) = authority.sign("server").write(folder.path());
    let tls = format!(r#"tls {{ cert_file: "{certificate}", key_file: "{key}" }}"#);
    let Some(broker) = Broker::start(folder.path(), &tls) else { return };
    let trusting = flags(&["--tls-ca", &ca]);
    passes(&broker, &trusting, &trusting);
    stays_out(&broker, &Flags::new(), &["unknownissuer"], &[]);
    let (other, _) = Identity::authority("other").write(folder.path());
    stays_out(&broker, &flags(&["--tls-ca", &other]), &["certificate"], &[]);
}

#[test]
fn tls_in_which_the_broker_asks_for_a_certificate_too() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Identity::authority("ca");
    let (ca, _) = authority.write(folder.path());
    let (certificate, key) = authority.sign("server").write(folder.path());
    let tls = format!(
        r#"tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{ca}", verify: true }}"#
    );
    let Some(broker) = Broker::start(folder.path(), &tls) else { return };
    let with = |identity: &Identity| {
        let (certificate, key) = identity.write(folder.path());
        flags(&["--tls-ca", &ca, "--tls-cert", &certificate, "--tls-key", &key])
    };
    let client = with(&authority.sign("client"));
    passes(&broker, &client, &client);
    let why = ["certificate"];
    stays_out(&broker, &flags(&["--tls-ca", &ca]), &why, &[]);
    let stranger = with(&Identity::authority("stranger").sign("foreign"));
    stays_out(&broker, &stranger, &why, &[]);
}

/// Returns a password that no other test has.
fn word() -> String {
    format!("{:032x}", rand::random::<u128>())
}
