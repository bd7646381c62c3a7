//! (pure) `traffic`: one load for several scenarios, dealt to them by weight.

use crate::artifact::{Load, Share, SlotSet};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::model::load::{self, LoadPlan};
use crate::model::lower::Lower;
use crate::model::name::Section;
use crate::model::scenario::ScenarioPlan;
use crate::partition::{WEIGHTS_MAX, deal};
use crate::schedule::owned_below;
use crate::source::Span;
use crate::syntax::Node;
use crate::unit::gcd;

/// Largest weight, exclusive; the weights that can be dealt are far smaller once reduced.
const WEIGHT_MAX: u64 = 1 << 32;

/// A load and its mix.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// The whole load; `None` when it is broken.
    pub load: Option<LoadPlan>,
    /// Scenarios of the mix, by name.
    pub mix: Vec<Portion>,
    /// Where the mix stands.
    pub span: Span,
}

/// A scenario of a mix.
#[derive(Clone, Debug)]
pub struct Portion {
    /// Name of the scenario.
    pub scenario: String,
    /// Where that stands.
    pub span: Span,
    /// Its weight; `None` when it is broken.
    pub weight: Option<u64>,
}

pub(super) fn lower(top: Node<'_>, work: &mut Lower<'_>) -> Section<Traffic> {
    Section::lower(top, "traffic", |_, node| {
        let load = node.entry("load").filter(|(_, load)| !load.is_hole());
        let load = load.and_then(|(entry, load)| load::lower(entry.key_span, load, work));
        let (entry, mix) = node.entry("mix")?;
        let mut portions: Vec<Portion> = mix
            .entries()
            .map(|(entry, node)| {
                let weight = if node.is_hole() { None } else { work.whole(node, 1..WEIGHT_MAX) };
                Portion {
                    scenario: entry.key.clone(),
                    span: entry.key_span,
                    weight: weight.map(|weight| weight.value),
                }
            })
            .collect();
        // By name, so that the order in the text is no input.
        portions.sort_by(|a, b| a.scenario.cmp(&b.scenario));
        Some(Traffic {
            load: load.and_then(|load| only_open(load, work)),
            mix: portions,
            span: entry.key_span,
        })
    })
}

fn only_open(load: LoadPlan, work: &mut Lower<'_>) -> Option<LoadPlan> {
    match &load.load {
        Load::Open(_) => Some(load),
        Load::Closed(_) | Load::Observe { .. } => {
            work.push(
                Diagnostic::error(
                    "plan::traffic::closed",
                    load.span,
                    "a traffic has a closed load",
                )
                .label("users cannot be dealt like arrivals")
                .help("write `open` stages here, or give each scenario a closed load of its own"),
            );
            None
        }
    }
}

/// Gives each scenario of a mix its part of the traffic's load; what cannot have one is reported.
pub(super) fn attach(
    traffic: &Section<Traffic>,
    scenarios: &mut Section<ScenarioPlan>,
    work: &mut Lower<'_>,
) {
    let mut taken: Vec<(&str, Span)> = Vec::new();
    for (item, whole) in traffic.whole() {
        let stripes = stripes(whole, work);
        for (at, portion) in whole.mix.iter().enumerate() {
            let Some(place) = find(portion, scenarios, work) else { continue };
            if let Some((_, first)) = taken.iter().find(|(name, _)| *name == portion.scenario) {
                twice(portion, *first, "in a mix here", work);
                continue;
            }
            taken.push((&portion.scenario, portion.span));
            let Some(scenario) = scenarios.items[place].value.as_mut() else { continue };
            if let Some(own) = scenario.own_load {
                twice(portion, own, "has a load of its own", work);
                continue;
            }
            let offsets = stripes.as_ref().map(|stripes| &stripes[at]);
            scenario.load = whole.load.as_ref().zip(offsets).and_then(|(load, offsets)| {
                part(
                    load,
                    (&item.name, portion),
                    offsets,
                    stripes.iter().flatten().map(Vec::len).sum(),
                )
            });
        }
    }
}

/// Returns the place of a portion's scenario; an unknown one is reported.
fn find(
    portion: &Portion,
    scenarios: &Section<ScenarioPlan>,
    work: &mut Lower<'_>,
) -> Option<usize> {
    let found = scenarios.items.iter().position(|item| item.name == portion.scenario);
    if found.is_none() && scenarios.complete {
        let help = match did_you_mean(&portion.scenario, scenarios.names()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "name one of the plan's scenarios".to_owned(),
        };
        let message = format!("the plan declares no scenario `{}`", portion.scenario);
        let found = Diagnostic::error("plan::scenario::unknown", portion.span, message);
        work.push(found.label("unknown scenario").help(help));
    }
    found
}

fn twice(portion: &Portion, first: Span, label: &str, work: &mut Lower<'_>) {
    let message = format!("`{}` has two loads", portion.scenario);
    work.push(
        Diagnostic::error("plan::traffic::twice", portion.span, message)
            .label("part of this mix")
            .also(first, label)
            .help("take it out of one; a scenario has one load, or a part in one mix"),
    );
}

/// Deals the numbers below the sum of the weights in lowest terms; `None` if a weight is broken or there are too many.
fn stripes(traffic: &Traffic, work: &mut Lower<'_>) -> Option<Vec<Vec<u32>>> {
    let weights: Vec<u64> =
        traffic.mix.iter().map(|portion| portion.weight).collect::<Option<Vec<_>>>()?;
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let sum: u64 = weights.iter().map(|weight| weight / divisor).sum();
    let Some(of) = u32::try_from(sum).ok().filter(|sum| *sum <= WEIGHTS_MAX) else {
        let message = format!("the shares of the mix need {sum} stripes");
        work.push(
            Diagnostic::error("plan::traffic::weights", traffic.span, message)
                .label("these weights have no common factor")
                .help(format!("choose rounder weights, such as per cent; at most {WEIGHTS_MAX} stripes can be dealt")),
        );
        return None;
    };
    let narrow = |weight: &u64| u32::try_from(weight / divisor).unwrap_or(WEIGHTS_MAX);
    let weights: Vec<u32> = weights.iter().map(narrow).collect();
    let mut stripes = vec![Vec::new(); weights.len()];
    for (stripe, owner) in (0..).zip(deal(of, &weights)) {
        stripes[owner as usize].push(stripe);
    }
    Some(stripes)
}

/// Returns a scenario's part of a load: its stripes, and its part of `max_in_flight`, dealt like them, at least 1.
fn part(
    load: &LoadPlan,
    (traffic, portion): (&str, &Portion),
    offsets: &[u32],
    of: usize,
) -> Option<LoadPlan> {
    let Load::Open(open) = &load.load else { return None };
    let of = u32::try_from(of).ok()?;
    let mut own = open.clone();
    own.max_in_flight = owned_below(offsets, of, open.max_in_flight).max(1);
    let offsets = SlotSet::new(offsets.to_vec());
    own.share = Some(Share { traffic: traffic.to_owned(), of, offsets });
    Some(LoadPlan { load: Load::Open(own), portion: Some(portion.span), ..load.clone() })
}
