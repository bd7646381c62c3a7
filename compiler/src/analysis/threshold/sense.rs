//! (pure) Whether judging makes sense: long enough, not at the foot of a ramp, and able to go either way.

use super::{NO_DATA, Selected};
use crate::analysis::{load, whole};
use crate::artifact::{Bound, Load, OpenStage, Quantity};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Plan, Threshold};
use crate::unit::{Length, SECOND_NS};

/// Checks window and grace against how long the selected scenarios last.
pub(super) fn times(plan: &Plan, threshold: &Threshold, sink: &mut Diagnostics) {
    let span = threshold.text.span;
    if !threshold.window_ns.is_multiple_of(SECOND_NS) {
        let message = format!("the window {} is not whole seconds", Length(threshold.window_ns));
        let place = threshold.window.unwrap_or(span);
        let found = Diagnostic::error("plan::value::range", place, message);
        sink.push(found.label("out of range").help("windows are whole seconds, such as `30s`"));
        return;
    }
    let only = threshold.scenario.as_ref().map(|s| s.value.as_str()).filter(|name| *name != "*");
    // Without a scenario, grace counts from each one's start, and later ones last longer.
    let known = only.is_some() || whole(plan).all(|(_, scenario)| scenario.start_after.is_empty());
    let Some(length) = load::longest_ns(plan, only).filter(|_| known) else { return };
    let grace = threshold.grace_ns.unwrap_or(0);
    if grace.saturating_add(threshold.window_ns) < length {
        return;
    }
    let message =
        format!("nothing lasts long enough to be judged: it ends after {}", Length(length));
    sink.push(
        Diagnostic::error(NO_DATA, span, message)
            .label("`window` and `grace` leave nothing")
            .help("shorten the window or the grace"),
    );
}

/// Warns of an abort that a ramp's first moments could trigger.
pub(super) fn ramp(threshold: &Threshold, selected: &Selected<'_>, sink: &mut Diagnostics) {
    let Some(abort) = threshold.abort.filter(|_| threshold.grace_ns.is_none()) else { return };
    let ramp = selected.iter().find_map(|(_, scenario)| {
        let load = scenario.load.as_ref()?;
        let Load::Open(open) = &load.load else { return None };
        let rises =
            |stage: &OpenStage| matches!(stage, OpenStage::Rate { from, to, .. } if from != to);
        open.stages.first().filter(|stage| rises(stage)).and(load.stages.first())
    });
    let Some(ramp) = ramp else { return };
    sink.push(
        Diagnostic::warning(
            "plan::threshold::grace",
            abort,
            "the first moments of a ramp can stop the run",
        )
        .label("stops the run from the first sample on")
        .also(*ramp, "the load begins with a ramp")
        .help("add `grace: 30s`, or `min_samples`"),
    );
}

/// Warns of a condition that holds, or does not, whatever is measured.
pub(super) fn always(threshold: &Threshold, sink: &mut Diagnostics) {
    let require = &threshold.require;
    // Nothing that is measured lies below 0, and no share above the whole.
    let top = matches!(require.quantity, Quantity::Share).then_some(1_000_000);
    let (at_bottom, at_top) = (require.value == 0, top == Some(require.value));
    let holds = match require.bound {
        Bound::Less if at_bottom => false,
        Bound::AtLeast if at_bottom => true,
        Bound::Greater if at_top => false,
        Bound::AtMost if at_top => true,
        Bound::Less | Bound::AtLeast | Bound::Greater | Bound::AtMost => return,
        Bound::Equal | Bound::NotEqual => return,
    };
    let (message, label) = if holds {
        ("this condition always holds", "nothing can miss it")
    } else {
        ("this condition never holds", "nothing can meet it")
    };
    let text = threshold.text.value.trim();
    sink.push(
        Diagnostic::warning("plan::threshold::always", threshold.text.span, message)
            .label(label)
            .help(format!("choose a limit that `{text}` can be on both sides of")),
    );
}
