//! (pure) Pass conditions, by what they require and not by how it is spelled.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, values};
use crate::artifact::Threshold;
use crate::explain::condition;

/// Keys that one change in words speaks of.
const OWN: [&str; 6] = ["require", "metric", "bound", "value", "quantity", "select"];

/// Compares all thresholds.
pub(super) fn compare(
    old: &BTreeMap<String, Threshold>,
    new: &BTreeMap<String, Threshold>,
    changes: &mut Vec<Change>,
) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let subject = format!("threshold {name}");
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => threshold(&subject, old, new, changes),
            (None, Some(new)) => changes.push(Change::added(subject, summary(new))),
            (Some(old), None) => changes.push(Change::removed(subject, summary(old))),
            (None, None) => {}
        }
    }
}

fn threshold(subject: &str, old: &Threshold, new: &Threshold, changes: &mut Vec<Change>) {
    let pair = |of: fn(&Threshold) -> String| (of(old), of(new));
    let (old_metric, new_metric) = pair(condition::metric);
    let (old_limit, new_limit) = pair(condition::limit);
    if old_metric != new_metric {
        let said = |metric: &str, limit: &str| Some(format!("{metric} {limit}"));
        let (old, new) = (said(&old_metric, &old_limit), said(&new_metric, &new_limit));
        changes.push(Change::value(subject, "requires", old, new));
    } else if old_limit != new_limit {
        changes.push(Change::value(subject, old_metric, Some(old_limit), Some(new_limit)));
    }
    if old.select != new.select {
        let said = |threshold: &Threshold| Some(condition::selected(&threshold.select));
        changes.push(Change::value(subject, "judges", said(old), said(new)));
    }
    values(subject, old, new, &OWN, changes);
}

fn summary(threshold: &Threshold) -> String {
    let requires = format!("{} {}", condition::metric(threshold), condition::limit(threshold));
    let mut parts = vec![requires, condition::selected(&threshold.select)];
    parts.extend(condition::terms(threshold));
    parts.join(", ")
}
