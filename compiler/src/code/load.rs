//! Codes of loads, traffic, and of what thresholds can judge.

use super::Code;

/// The codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::load::connections",
        title: "`connections` where users have their own, or there are none",
        explanation: r##"Each arrival of an open load is a new user, who takes a connection from a pool or, with `per_user`, opens a fresh one. A
user of a closed load lives on and keeps its own; a scenario that observes has no users.

Wrong:

    load: { closed: [ { users: 5, for: 1m } ] }
    connections: per_user

Right:

    load: { open: [ { rate: 5/s, for: 1m } ] }
    connections: per_user
"##,
    },
    Code {
        code: "plan::load::observe",
        title: "a scenario observes and sends, or does not begin with an await",
        explanation: r##"A scenario with `observe` starts nothing: each event that its first step sees is a transaction of traffic that exists.
So it sends nothing itself, and its first step is an `await` without `match`.

Wrong:

    observe: { for: 1m }
    steps: [ { step: home, http: { get: / } } ]

Right:

    load: { open: [ { rate: 5/s, for: 1m } ] }
    steps: [ { step: home, http: { get: / } } ]
"##,
    },
    Code {
        code: "plan::load::pace",
        title: "a pace that waits alone are longer than (warning)",
        explanation: r##"`pace` is the least time from the start of a user's iteration to the start of its next. If the waits of one iteration take
longer than that, it never holds anything back.

Wrong:

    load: { closed: [ { users: 5, for: 1m } ], pace: 1s }
    steps: [ …, { wait: 2s } ]

Right:

    load: { closed: [ { users: 5, for: 1m } ], pace: 5s }
    steps: [ …, { wait: 2s } ]
"##,
    },
    Code {
        code: "plan::traffic::closed",
        title: "a traffic has a closed load",
        explanation: r##"A traffic is a stream of arrivals that are dealt to scenarios one by one. Users of a closed load are no such stream: each
goes on with the scenario that it has begun.

Wrong:

    traffic: { all: { load: { closed: [ { users: 10, for: 1m } ] }, mix: { browse: 6, buy: 4 } } }

Right:

    browse: { load: { closed: [ { users: 6, for: 1m } ] }, … }
    buy: { load: { closed: [ { users: 4, for: 1m } ] }, … }
"##,
    },
    Code {
        code: "plan::traffic::twice",
        title: "a scenario has two loads",
        explanation: r##"A scenario has a `load`, or it observes, or it has a part in one mix. Two of them would say two things about when it starts.

Wrong:

    traffic: { all: { load: …, mix: { browse: 1, buy: 1 } } }
    scenarios: { browse: { load: …, steps: … }, buy: { steps: … } }

Right:

    traffic: { all: { load: …, mix: { browse: 1, buy: 1 } } }
    scenarios: { browse: { steps: … }, buy: { steps: … } }
"##,
    },
    Code {
        code: "plan::traffic::weights",
        title: "the weights of a mix are too odd to be dealt",
        explanation: r##"Arrivals are dealt in stripes: as many as the sum of the weights, after common factors are taken out. There can be 65536.

Wrong:

    mix: { browse: 65537, buy: 3 }

Right:

    mix: { browse: 20000, buy: 1 }
"##,
    },
    Code {
        code: "plan::threshold::always",
        title: "a condition holds, or does not, whatever is measured (warning)",
        explanation: r##"Nothing that is measured lies below 0, and no share above 100%. A limit there judges nothing.

Wrong:

    { require: share(succeeded) <= 100% }

Right:

    { require: share(succeeded) >= 99% }
"##,
    },
];
