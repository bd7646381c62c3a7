//! Codes of the schema: keys, types, names, quantities, and what this version cannot do.

use super::Code;

/// What the schema finds.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::schema::action",
        title: "a step has not exactly one action",
        explanation: r##"A step does one thing: `http` or `wait`. A wait sends nothing, so it has no `expect`,
`capture` or `timeout`.

Wrong:

    - { step: pay, http: { post: /pay }, wait: 1s }

Right:

    - { step: pay, http: { post: /pay } }
    - wait: 1s
"##,
    },
    Code {
        code: "plan::schema::body",
        title: "a request has two bodies",
        explanation: r##"A request has at most one of `json`, `form`, `text` and `file`.

Wrong:

    http: { post: /, json: { a: 1 }, text: hello }

Right:

    http: { post: /, json: { a: 1 } }
"##,
    },
    Code {
        code: "plan::schema::empty",
        title: "something is empty that must not be",
        explanation: r##"A list of stages, steps or groups, a mapping of checks, or a name has nothing in it.

Wrong:

    steps: []

Right:

    steps: [ { step: home, http: { get: / } } ]
"##,
    },
    Code {
        code: "plan::schema::length",
        title: "a list has the wrong number of entries",
        explanation: r##"The list needs an exact number of entries: `uniform` takes the shortest and the longest.

Wrong:

    wait: { uniform: [1s] }

Right:

    wait: { uniform: [1s, 3s] }
"##,
    },
    Code {
        code: "plan::schema::load",
        title: "a load is not exactly one of open and closed",
        explanation: r##"`open` stages set when transactions start, `closed` stages how many users are active. A
scenario has one of them; `max_in_flight` and `late_after` belong to open loads.

Wrong:

    load: { closed: [ { users: 5, for: 1m } ], max_in_flight: 10 }

Right:

    load: { closed: [ { users: 5, for: 1m } ] }
"##,
    },
    Code {
        code: "plan::schema::method",
        title: "a request has not exactly one method",
        explanation: r##"The method is the key of the path: one of `get post put patch delete head options`.

Wrong:

    http: { get: /a, post: /b }

Right:

    http: { get: /a }
"##,
    },
    Code {
        code: "plan::schema::missing-key",
        title: "a key is missing",
        explanation: r##"The mapping cannot do without this key.

Wrong:

    endpoints: { shop: { http: { timeout: 5s } } }

Right:

    endpoints: { shop: { http: { base_url: "http://127.0.0.1:8080" } } }
"##,
    },
    Code {
        code: "plan::schema::name",
        title: "a name has the wrong form",
        explanation: r##"Names begin with a lower-case letter and go on with letters, digits or `_`, at most 63
characters. Names of plans, scenarios, groups, thresholds and environments may hold `-`
too; names that templates use may not.

Wrong:

    step: Log-In

Right:

    step: log_in
"##,
    },
    Code {
        code: "plan::schema::quantity",
        title: "a quantity has no unit, or a wrong one",
        explanation: r##"Quantities carry their unit: `200/s`, `30s`, `10MiB`, `95%`. There is no default unit.

Wrong:

    timeout: 5

Right:

    timeout: 5s
"##,
    },
    Code {
        code: "plan::schema::range",
        title: "a number is out of range",
        explanation: r##"The number is smaller or larger than what makes sense here.

Wrong:

    agents: 0

Right:

    agents: 1
"##,
    },
    Code {
        code: "plan::schema::repeated",
        title: "a list names something twice",
        explanation: r##"Each entry of this list may stand in it once.

Wrong:

    runs_on: [eu, eu]

Right:

    runs_on: [eu]
"##,
    },
    Code {
        code: "plan::schema::source",
        title: "something has not exactly one source",
        explanation: r##"A capture comes from one of `json`, `header`, `regex` and `status`; a secret from one of
`env` and `file`.

Wrong:

    capture: { id: { json: "$.id", header: x-id } }

Right:

    capture: { id: { json: "$.id" } }
"##,
    },
    Code {
        code: "plan::schema::stage",
        title: "a stage has the wrong keys",
        explanation: r##"Open stages are `{ rate, for }`, `{ rate, count }` or `{ pause }`; closed ones `{ users,
for }`, `{ users, count, within }` (which is the only stage) or `{ pause }`. A ramp is
`{ from, to }` in place of the number and needs `for`.

Wrong:

    open: [ { rate: 10/s } ]

Right:

    open: [ { rate: 10/s, for: 2m } ]
"##,
    },
    Code {
        code: "plan::schema::status",
        title: "a text is no status",
        explanation: r##"A status is a number such as `201`, a class such as `2xx`, or a list of them.

Wrong:

    expect: { status: 20x }

Right:

    expect: { status: 2xx }
"##,
    },
    Code {
        code: "plan::schema::type",
        title: "a value has the wrong type",
        explanation: r##"A list stands where a mapping belongs, a text where a number belongs, or nothing where
something belongs.

Wrong:

    steps: { step: home, http: { get: / } }

Right:

    steps: [ { step: home, http: { get: / } } ]
"##,
    },
    Code {
        code: "plan::schema::unknown-key",
        title: "a key is not known here",
        explanation: r##"Every mapping is closed, so that a misspelt key cannot be ignored. The help names the
key that is probably meant; words of other load-testing tools are translated.

Wrong:

    load: { stages: [ … ] }

Right:

    load: { open: [ { rate: { to: 50/s }, for: 30s } ] }
"##,
    },
    Code {
        code: "plan::schema::value",
        title: "a word is none of those that there are",
        explanation: r##"The key takes one of a few words.

Wrong:

    data: { users: { file: users.csv, take: unqiue } }

Right:

    data: { users: { file: users.csv, take: unique } }
"##,
    },
    Code {
        code: "plan::schema::version",
        title: "the version of the plan language is not known",
        explanation: r##"`version` is the version of the language, not of the plan. There is only 1.

Wrong:

    version: 2

Right:

    version: 1
"##,
    },
];
