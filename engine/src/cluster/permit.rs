//! (pure) What an operator lets the nodes of a process do: whose artifacts they run, and where these may send.

use bytes::Bytes;
use compiler::signature::{self, PublicKey};

use super::load::LoadError;
use crate::user::{AllowedTargets, Program};

/// What nodes may do; by default everything.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    /// One of these keys must have signed an artifact; none for any artifact.
    pub trusted: Vec<PublicKey>,
    /// Servers that requests may go to.
    pub targets: AllowedTargets,
}

impl Permit {
    /// Checks who vouches for an artifact, before anything of it is read.
    ///
    /// # Errors
    /// [`LoadError::Refused`]: it must be signed and is not, or by nobody who is trusted.
    pub(super) fn check_signatures(
        &self,
        artifact: &[u8],
        signatures: Option<&Bytes>,
    ) -> Result<(), LoadError> {
        if self.trusted.is_empty() {
            return Ok(());
        }
        let refused = |why: &str| LoadError::Refused(format!("the artifact is not trusted: {why}"));
        let Some(text) = signatures else { return Err(refused("it is not signed")) };
        if text.len() as u64 > signature::BYTES_MAX {
            return Err(refused("its signatures are too large"));
        }
        let text = std::str::from_utf8(text).map_err(|_| refused("its signatures are no text"))?;
        let verified = signature::verify(artifact, text, &self.trusted);
        verified.map(|_| ()).map_err(|error| refused(&error.to_string()))
    }

    /// Checks where a program sends from the groups of `seats`; redirects are checked when they come.
    ///
    /// # Errors
    /// [`LoadError::Failed`]: an endpoint is not among the allowed targets.
    pub(super) fn check_targets(
        &self,
        program: &Program,
        seats: &[String],
    ) -> Result<(), LoadError> {
        let is_ours = |group: &str| {
            seats.iter().any(|seat| seat.rsplit_once('/').is_some_and(|(own, _)| own == group))
        };
        let targets = program.targets();
        let wrong = targets.iter().find(|target| {
            is_ours(&target.group) && !self.targets.allow(&target.host, target.port)
        });
        match wrong {
            None => Ok(()),
            Some(target) => {
                let address = program.shown(&format!("{}:{}", target.host, target.port));
                Err(LoadError::Failed(format!(
                    "endpoint `{}` leads to {address}, which is not among the allowed targets here",
                    target.endpoint
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use compiler::signature::SecretKey;

    use super::*;

    #[test]
    fn only_a_trusted_signature_over_these_bytes_will_do() {
        let key = |byte| SecretKey::from_random(&[byte; 32]);
        let (ours, theirs) = (key(1), key(2));
        let permit = Permit { trusted: vec![key(3).public(), ours.public()], ..Permit::default() };
        let signed = |key| Bytes::from(format!("{}\n", signature::sign(b"bytes", key)));
        let check =
            |bytes: &[u8], text: Option<Bytes>| permit.check_signatures(bytes, text.as_ref());
        assert_eq!(check(b"bytes", Some(signed(&ours))), Ok(()));
        for (bytes, text, why) in [
            (&b"bytes"[..], None, "it is not signed"),
            (b"bytes", Some(signed(&theirs)), "no trusted key signed it"),
            (b"other", Some(signed(&ours)), "does not hold"),
            (b"bytes", Some(Bytes::from_static(b"\xff")), "no text"),
            (b"bytes", Some(Bytes::new()), "0 signatures"),
            (b"bytes", Some(Bytes::from(vec![b'\n'; 70_000])), "too large"),
        ] {
            let Err(LoadError::Refused(found)) = check(bytes, text) else { panic!("{why}") };
            assert!(found.contains(why), "{found}");
        }
        assert_eq!(Permit::default().check_signatures(b"bytes", None), Ok(()));
    }
}
