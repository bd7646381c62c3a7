//! Codes of the plan as a whole: data, groups, loads, thresholds.

use super::Code;

/// The codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::data::column",
        title: "a data file has no such column",
        explanation: r##"Columns are named by the first line of the file.

Wrong:

    {{ data.users.nam }}

Right:

    {{ data.users.name }}
"##,
    },
    Code {
        code: "plan::data::csv",
        title: "a data file of CSV is not a table",
        explanation: r##"A CSV file is UTF-8 text with a header line, a name for every column, each once, and as many fields in every row.

Wrong:

    name,email
    ann

Right:

    name,email
    ann,ann@example.com
"##,
    },
    Code {
        code: "plan::data::format",
        title: "a data file is of a kind that is not read",
        explanation: r##"The ending of its name says what a data file is: `.csv` with a header line, whose values are text; `.jsonl` or `.ndjson`
with one JSON value a line; `.json` with one list. Values of JSON keep their kinds.

Wrong:

    users: { file: users.xlsx, take: circular }

Right:

    users: { file: users.csv, take: circular }
"##,
    },
    Code {
        code: "plan::data::from",
        title: "data is from something that is no list of the run's start",
        explanation: r##"`from` names a list that a step of the plan's `before` captures with `all: true`; its length is known when the run starts.

Wrong:

    tokens: { from: "{{ login.tokens }}", take: circular }

Right:

    tokens: { from: before.login.tokens, take: circular }
"##,
    },
    Code {
        code: "plan::data::json",
        title: "a data file of JSON is not a table",
        explanation: r##"A `.jsonl` file has one JSON value a line, a `.json` file is one list of values. All are objects with the same keys, which
are the columns (write `null` where a row has no value), or none is, and the one column is called `value`.

Wrong:

    {"sku": "tea", "price": 3}
    {"sku": "cup"}

Right:

    {"sku": "tea", "price": 3}
    {"sku": "cup", "price": null}
"##,
    },
    Code {
        code: "plan::data::per-user",
        title: "an open scenario takes data by user",
        explanation: r##"In an open scenario every arrival is a new user, so `per: user` would mean `per: arrival`: say that.

Wrong:

    users: { file: users.csv, take: circular, per: user }

Right:

    users: { file: users.csv, take: circular }
"##,
    },
    Code {
        code: "plan::data::rows",
        title: "there are not enough rows for `take: unique`",
        explanation: r##"A unique row is taken at most once in a run. Scenarios that share a file get consecutive ranges, in the order of the
plan; together they must fit.

Wrong:

    users: { file: four_rows.csv, take: unique }   # and 100 arrivals

Right:

    users: { file: four_rows.csv, take: circular }
"##,
    },
    Code {
        code: "plan::data::unbounded",
        title: "nothing bounds how many unique rows are taken",
        explanation: r##"Users of a timed closed load start again as often as they can, so no number of rows is sure to be enough.

Wrong:

    users: { file: users.csv, take: unique }

Right:

    users: { file: users.csv, take: unique, per: user }
"##,
    },
    Code {
        code: "plan::data::unknown",
        title: "data is not declared",
        explanation: r##"`{{ data.users.name }}` is the column `name` of the entry `users` of `data`.

Wrong:

    {{ data.user.name }}

Right:

    data: { users: { file: users.csv, take: circular } }
    … {{ data.users.name }}
"##,
    },
    Code {
        code: "plan::data::unused",
        title: "data is never used (warning)",
        explanation: r##"Every node fetches the file, for nothing.

Wrong:

    data: { users: … }   # and no {{ data.users.… }}

Right:

    leave it out
"##,
    },
    Code {
        code: "plan::file::missing",
        title: "a file that the plan names cannot be read",
        explanation: r##"Paths are relative to the folder of the plan.

Wrong:

    users: { file: user.csv, take: unique }

Right:

    users: { file: data/users.csv, take: unique }
"##,
    },
    Code {
        code: "plan::file::path",
        title: "a path is not relative",
        explanation: r##"A plan compiles to the same bytes on any machine, so its files are named relative to it, with `/`.

Wrong:

    file: /home/me/users.csv

Right:

    file: data/users.csv
"##,
    },
    Code {
        code: "plan::group::unknown",
        title: "a group is not declared",
        explanation: r##"`runs_on` names groups of `nodes.groups`; without `nodes` there is one, `default`.

Wrong:

    runs_on: [ue]

Right:

    nodes: { groups: { eu: { agents: 2 } } }
    … runs_on: [eu]
"##,
    },
    Code {
        code: "plan::group::reserved",
        title: "the coordinator's group is declared",
        explanation: r##"The group `coordinator` is the one node inside `volley run`; it is there in every run, and a scenario is placed on it by
name. Its number of agents is always one.

Wrong:

    nodes: { groups: { coordinator: { agents: 1 } } }

Right:

    scenarios: { watch: { runs_on: [coordinator], … } }
"##,
    },
    Code {
        code: "plan::group::unused",
        title: "no scenario runs on a group",
        explanation: r##"A warning. A run waits until every seat of every group is taken, also of those that have nothing to do.

Wrong:

    nodes: { groups: { eu: { agents: 2 }, us: { agents: 2 } } }     # and every scenario says `runs_on: [eu]`

Right:

    nodes: { groups: { eu: { agents: 2 } } }
"##,
    },
    Code {
        code: "plan::group::weights",
        title: "the shares of the groups are too odd to be dealt exactly",
        explanation: r##"Arrivals are dealt in slots, and every seat gets its exact share. Weights and numbers of agents without common factors
need more than 65536 slots.

Wrong:

    groups: { eu: { agents: 997, weight: 1000 }, us: { agents: 991, weight: 1001 } }

Right:

    groups: { eu: { agents: 1000 }, us: { agents: 1000 } }
"##,
    },
    Code {
        code: "plan::load::empty",
        title: "a load or one of its stages starts nothing",
        explanation: r##"A stage whose rate is too small for its length has no arrival. For a stretch without load there is `pause`.

Wrong:

    open: [ { rate: 10/s, for: 10s }, { rate: 1/h, for: 1s } ]

Right:

    open: [ { rate: 10/s, for: 10s }, { pause: 1s } ]
"##,
    },
    Code {
        code: "plan::load::in-flight",
        title: "more transactions are sure to run at one time than `max_in_flight` allows",
        explanation: r##"By Little's law a rate times the time that each transaction takes is how many run at one time. The waits alone make
it more than `max_in_flight`, so arrivals would be dropped.

Wrong:

    load: { open: [ { rate: 100/s, for: 60s } ], max_in_flight: 100 }
    steps: [ …, { wait: 10s } ]

Right:

    load: { open: [ { rate: 100/s, for: 60s } ], max_in_flight: 2000 }
"##,
    },
    Code {
        code: "plan::load::warm-up",
        title: "all of a load is warm-up",
        explanation: r##"Latencies of the warm-up stand apart; if it is as long as the load, nothing is measured.

Wrong:

    load: { open: [ { rate: 10/s, for: 10s } ] }
    warm_up: 10s

Right:

    load: { open: [ { rate: 10/s, for: 40s } ] }
    warm_up: 10s
"##,
    },
    Code {
        code: "plan::load::zero",
        title: "a rate or number of users is always 0",
        explanation: r##"For a stretch without load there is `pause`.

Wrong:

    open: [ { rate: 0/s, for: 10s } ]

Right:

    open: [ { pause: 10s } ]
"##,
    },
    Code {
        code: "plan::scenario::cycle",
        title: "scenarios start after each other",
        explanation: r##"Following `start_after` must never lead back.

Wrong:

    a: { start_after: [ { scenario: b, state: finished } ] }
    b: { start_after: [ { scenario: a, state: finished } ] }

Right:

    b: { start_after: [ { scenario: a, state: finished } ] }
"##,
    },
    Code {
        code: "plan::scenario::unknown",
        title: "a scenario does not exist",
        explanation: r##"`start_after` and thresholds name scenarios of the same plan.

Wrong:

    start_after: [ { scenario: brows, state: started } ]

Right:

    start_after: [ { scenario: browse, state: started } ]
"##,
    },
    Code {
        code: "plan::threshold::grace",
        title: "a ramp can stop the run at once (warning)",
        explanation: r##"At the foot of a ramp there are few samples, and the first bad one may be beyond the limit. `grace` leaves the start out.

Wrong:

    { require: share(failed) < 1%, abort: true }

Right:

    { require: share(failed) < 1%, abort: true, grace: 30s, min_samples: 100 }
"##,
    },
    Code {
        code: "plan::threshold::no-data",
        title: "a threshold can never have data",
        explanation: r##"Closed scenarios and steps have no `response` time, because nothing is due at a time of its own; steps are neither
started nor dropped; waits are not measured; and `window` and `grace` must leave something of the load.

Wrong:

    { require: p95(response) < 1s, scenario: browse, step: home }

Right:

    { require: p95(service) < 1s, scenario: browse, step: home }
"##,
    },
    Code {
        code: "plan::threshold::selector",
        title: "a threshold selects a step that is not there",
        explanation: r##"`step` names a step of `scenario`, or is `"*"` for all of its steps together.

Wrong:

    { require: p95(service) < 1s, step: home }

Right:

    { require: p95(service) < 1s, scenario: browse, step: home }
"##,
    },
];
