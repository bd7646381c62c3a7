//! Conditions: what decides whether a step runs, which branch is taken and when a loop ends.

use serde::{Deserialize, Serialize};

use super::{Bound, Json};

/// Something that is true or false when it is reached; names are slots without filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// Every part holds; the rest is not read after the first that does not.
    All(Vec<Condition>),
    /// Some part holds; the rest is not read after the first that does.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// Two values compare so.
    ///
    /// `==` and `!=` are by value, numbers by amount. The others compare numbers; a text that spells a JSON number
    /// counts as that number, anything else fails the step.
    Compare {
        /// What is compared.
        left: Json,
        /// `== != < <= > >=`
        bound: Bound,
        /// With what.
        right: Json,
    },
    /// A value is one of a list, as `==` has it.
    In {
        /// The value.
        value: Json,
        /// The list.
        list: Json,
    },
    /// A value that is itself a boolean; any other fails the step.
    Is(Json),
}
