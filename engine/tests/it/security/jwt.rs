//! A NATS operator with one account, as `nsc` would make them: claims in JSON, signed with ed25519-nkey.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::clock::Clock;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// An operator and an account.
pub(super) struct Operator {
    key: KeyPair,
    account: KeyPair,
}

/// Returns claims about `subject` as a token that `issuer` signs.
fn token(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: Value) -> String {
    let now = Clock::real().unix_ms() / 1_000;
    let claims = json!({
        "jti": name, "iat": now, "iss": issuer.public_key(), "name": name,
        "sub": subject.public_key(), "nats": nats,
    });
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl Operator {
    pub(super) fn new() -> Operator {
        Operator { key: KeyPair::new_operator(), account: KeyPair::new_account() }
    }

    /// Returns the broker's configuration.
    pub(super) fn configuration(&self) -> String {
        let operator = json!({ "type": "operator", "version": 2 });
        let operator = token(&self.key, &self.key, "O", operator);
        let account = json!({
            "type": "account", "version": 2,
            "limits": {
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
                "wildcards": true, "conn": -1, "leaf": -1,
            },
        });
        let account = token(&self.key, &self.account, "VOLLEY", account);
        let id = self.account.public_key();
        format!("operator: {operator}\nresolver: MEMORY\nresolver_preload: {{ {id}: {account} }}\n")
    }

    /// Returns the text of a credentials file of a user that may publish and subscribe to these subjects.
    pub(super) fn user(&self, name: &str, publish: &[&str], subscribe: &[&str]) -> String {
        let user = KeyPair::new_user();
        let rights = json!({
            "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1,
            "pub": { "allow": publish }, "sub": { "allow": subscribe },
        });
        let token = token(&self.account, &user, name, rights);
        let seed = user.seed().unwrap();
        format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}
