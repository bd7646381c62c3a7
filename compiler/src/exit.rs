//! The exit codes of both programs, and what each stands for.

use std::process::ExitCode;

/// Why a program ended; the numbers are part of the public contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Everything held.
    Passed = 0,
    /// The plan was rejected, or a comparison found something.
    Rejected = 1,
    /// The command line, or a file it names, cannot be used.
    Usage = 2,
    /// A bug of ours.
    Internal = 70,
    /// A node refused the artifact: digest, format version, signature or a data file's digest.
    ArtifactRefused = 95,
    /// The cluster was not formed, or lost more than the policy allows.
    ClusterFailed = 96,
    /// A threshold had no data.
    NoData = 97,
    /// The planned load was not delivered.
    NotDelivered = 98,
    /// A threshold was missed, or the plan aborted the run.
    ThresholdMissed = 99,
    /// SIGINT or SIGTERM.
    Interrupted = 130,
}

impl Exit {
    /// The order in which the reasons of a run win when several hold, strongest first.
    const STRENGTH: [Exit; 8] = [
        Exit::Interrupted,
        Exit::Internal,
        Exit::ArtifactRefused,
        Exit::ClusterFailed,
        Exit::NotDelivered,
        Exit::ThresholdMissed,
        Exit::NoData,
        Exit::Passed,
    ];

    /// Returns the number that the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Returns the reason behind a number that a result holds; `None` if no run ends so.
    pub fn from_code(code: u8) -> Option<Exit> {
        Exit::STRENGTH.into_iter().find(|exit| exit.code() == code)
    }

    /// Returns the name of this end as `run.outcome` of a result spells it; `None` for ends that leave no result.
    pub fn outcome(self) -> Option<&'static str> {
        match self {
            Exit::Passed => Some("passed"),
            Exit::Internal => Some("internal_error"),
            Exit::ArtifactRefused => Some("artifact_refused"),
            Exit::ClusterFailed => Some("cluster_failed"),
            Exit::NoData => Some("no_data"),
            Exit::NotDelivered => Some("not_delivered"),
            Exit::ThresholdMissed => Some("threshold_missed"),
            Exit::Interrupted => Some("interrupted"),
            Exit::Rejected | Exit::Usage => None,
        }
    }

    /// Returns the strongest of `reasons`; [`Exit::Passed`] when there is none.
    pub fn strongest(reasons: &[Exit]) -> Exit {
        Exit::STRENGTH.into_iter().find(|exit| reasons.contains(exit)).unwrap_or(Exit::Passed)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_first_of_the_contract_wins() {
        let all = [Exit::NoData, Exit::ThresholdMissed, Exit::NotDelivered, Exit::Interrupted];
        assert_eq!(Exit::strongest(&all), Exit::Interrupted);
        assert_eq!(Exit::strongest(&all[..3]), Exit::NotDelivered);
        assert_eq!(Exit::strongest(&all[..2]), Exit::ThresholdMissed);
        assert_eq!(Exit::strongest(&[]), Exit::Passed);
    }
}
