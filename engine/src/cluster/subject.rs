//! (pure) Subjects of a cluster: everything an agent publishes is under its own name.

/// Longest token of a subject.
const TOKEN_LEN_MAX: usize = 64;

/// Returns whether `text` can be a cluster's or an agent's name: `[A-Za-z0-9_-]{1,64}`.
pub fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=TOKEN_LEN_MAX).contains(&text.len()) && text.bytes().all(fits)
}

/// What an agent says something about.
pub(crate) const TOPICS: [&str; 5] = ["hello", "beat", "get", "delta", "final"];

/// On which topic an agent says who it is, when anybody asks.
pub(crate) const STATUS: &str = "status";

/// Returns where agent `name` speaks about `topic`; `*` for every agent.
pub(crate) fn from_agent(cluster: &str, name: &str, topic: &str) -> String {
    format!("volley.{cluster}.a.{name}.{topic}")
}

/// Returns where the coordinator asks everyone to speak.
pub(crate) fn hint(cluster: &str) -> String {
    format!("volley.{cluster}.c.all.hint")
}

/// Returns where it is asked whether agent `name` listens.
pub(crate) fn ping(cluster: &str, name: &str) -> String {
    format!("volley.{cluster}.c.to.{name}.ping")
}

/// Returns where the name of agent `name` is asked for, and where its holder answers.
pub(crate) fn name_claim(cluster: &str, name: &str) -> (String, String) {
    (from_agent(cluster, name, "claim.ask"), from_agent(cluster, name, "claim.held"))
}

/// Returns where the right to coordinate is asked for, and where its holder answers.
pub(crate) fn lock(cluster: &str) -> (String, String) {
    (format!("volley.{cluster}.c.lock.claim"), format!("volley.{cluster}.c.lock.held"))
}

/// Returns where nobody listens, within what a node may publish to.
pub(crate) fn nobody(cluster: &str, agent: Option<&str>) -> String {
    match agent {
        Some(name) => from_agent(cluster, name, "nobody"),
        None => format!("volley.{cluster}.c.nobody"),
    }
}

/// Returns the prefix of an agent's reply subjects; permissions are bound to it.
pub(crate) fn agent_inbox(cluster: &str, name: &str) -> String {
    format!("_INBOX.volley.{cluster}.a.{name}")
}

/// Returns the prefix of the coordinator's reply subjects.
pub(crate) fn coordinator_inbox(cluster: &str) -> String {
    format!("_INBOX.volley.{cluster}.c")
}

/// Returns the agent and the topic of a subject that an agent speaks on.
pub(crate) fn speaker<'a>(cluster: &str, subject: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = subject.strip_prefix("volley.")?.strip_prefix(cluster)?.strip_prefix(".a.")?;
    rest.split_once('.').filter(|(name, _)| is_token(name))
}

/// Returns whether `subject` is one of `pattern`, in which `*` stands for one token and `>` for the rest.
pub(crate) fn matches(pattern: &str, subject: &str) -> bool {
    let mut subject = subject.split('.');
    for token in pattern.split('.') {
        match (token, subject.next()) {
            (">", Some(_)) => return true,
            (_, None) => return false,
            ("*", Some(_)) => {}
            (token, Some(other)) if token == other => {}
            (_, Some(_)) => return false,
        }
    }
    subject.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nobody_speaks_for_another(
            cluster in "[A-Za-z0-9_.*>-]{1,8}", name in ".{0,70}", topic in "[a-z.]{0,8}",
        ) {
            let subject = from_agent(&cluster, &name, &topic);
            if let Some((speaker, _)) = speaker(&cluster, &subject) {
                prop_assert!(is_token(speaker));
                prop_assert!(subject.starts_with(&from_agent(&cluster, speaker, "")));
                prop_assert!(!is_token(&name) || speaker == name);
            } else {
                prop_assert!(!is_token(&name), "{subject}");
            }
        }

        #[test]
        fn a_speaker_of_any_subject_is_its_own(subject in ".{0,100}") {
            let speaks = speaker("C", &subject);
            if let Some((name, _)) = speaks {
                let own = subject.starts_with(&from_agent("C", name, ""));
                prop_assert!(own && is_token(name));
            }
            prop_assert!(!matches(&from_agent("C", "eu-1", "*"), &subject)
                || speaks.is_some_and(|(name, _)| name == "eu-1"));
        }
    }

    #[test]
    fn a_speaker_is_named_by_its_subject() {
        let subject = from_agent("c-1", "eu_1", "beat");
        assert_eq!(speaker("c-1", &subject), Some(("eu_1", "beat")));
        assert_eq!(speaker("c", &subject), None);
        assert!(matches(&from_agent("c-1", "*", "beat"), &subject));
        assert!(matches("volley.>", &subject) && !matches("volley.c-1", &subject));
        assert!(!matches(&subject, "volley.c-1") && !matches("a.>", "a"));
        for bad in ["", "a.b", "a b", "ä", ">", "*", &"x".repeat(65)] {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
