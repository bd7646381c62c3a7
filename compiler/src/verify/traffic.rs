//! (pure) Traffics: the scenarios of one share a schedule, and each arrival of it belongs to one of them.

use std::collections::BTreeMap;

use super::ensure;
use crate::artifact::{Artifact, Load, OpenLoad, Share};
use crate::partition::WEIGHTS_MAX;

/// Checks that the parts of each traffic are parts of one whole.
pub(super) fn check(artifact: &Artifact) -> Result<(), String> {
    let mut parts: BTreeMap<&str, Vec<(&OpenLoad, &Share)>> = BTreeMap::new();
    for scenario in artifact.scenarios.values() {
        if let Load::Open(load) = &scenario.load
            && let Some(share) = &load.share
        {
            parts.entry(share.traffic.as_str()).or_default().push((load, share));
        }
    }
    parts.iter().try_for_each(|(name, parts)| {
        check_parts(parts).map_err(|rule| format!("in traffic `{name}`, {rule}"))
    })
}

fn check_parts(parts: &[(&OpenLoad, &Share)]) -> Result<(), String> {
    let [(first, whole), ..] = parts else { return Ok(()) };
    let of = whole.of;
    ensure((1..=WEIGHTS_MAX).contains(&of), || format!("there are 1 to {WEIGHTS_MAX} stripes"))?;
    let mut stripes = Vec::new();
    for (load, share) in parts {
        let same = share.of == of
            && load.stages == first.stages
            && load.arrivals == first.arrivals
            && load.on_overload == first.on_overload
            && load.late_after_ns == first.late_after_ns;
        ensure(same, || "all scenarios have one load".to_owned())?;
        ensure(!share.offsets.is_empty(), || "each scenario has a stripe".to_owned())?;
        stripes.extend_from_slice(share.offsets.as_slice());
    }
    stripes.sort_unstable();
    let whole = stripes.into_iter().eq(0..of);
    ensure(whole, || "each stripe is one scenario's".to_owned())
}
