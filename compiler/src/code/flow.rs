//! Codes of flow: conditions, loops, branches, calls, and what they leave unknown.

use super::Code;

/// The codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::expression::kind",
        title: "a condition compares what cannot be compared so",
        explanation: r##"`<` and `>` compare numbers, `in` asks for a list, and a value alone is a condition only if it is a boolean.

Wrong:

    when: list.code > "200"

Right:

    when: list.code > 200
"##,
    },
    Code {
        code: "plan::expression::never",
        title: "a condition is the same in every run (warning)",
        explanation: r##"A number is never equal to a text, even if it looks the same; what a header, a pattern or CSV gives is text, a status is a
number. A condition of literals alone decides nothing.

Wrong:

    when: list.code == "200"   # a captured status is a number

Right:

    when: list.code == 200
"##,
    },
    Code {
        code: "plan::flow::branches",
        title: "a `choose` has nothing to choose from",
        explanation: r##"The first branch whose `when` holds is taken, else one of those with a `weight` is drawn. So there are two branches at
least, those with `when` come first, and some weight is above 0.

Wrong:

    choose:
      - { weight: 70, steps: [ … ] }
      - { when: list.total > 100, steps: [ … ] }

Right:

    choose:
      - { when: list.total > 100, steps: [ … ] }
      - { weight: 70, steps: [ … ] }
"##,
    },
    Code {
        code: "plan::flow::list",
        title: "`for_each` has no list",
        explanation: r##"`for_each` takes the name of a list: a var that is one, or a capture with `all: true`. A list may also be written out.

Wrong:

    for_each: vars.colour     # a text

Right:

    for_each: vars.colours    # a list
"##,
    },
    Code {
        code: "plan::flow::timeout",
        title: "a step may take longer than its transaction (warning)",
        explanation: r##"The `timeout` of a scenario ends the whole transaction, so a longer one on a step is never reached.

Wrong:

    timeout: 5s      # of the scenario; and 10s on a step

Right:

    timeout: 15s     # of the scenario; and 10s on a step
"##,
    },
    Code {
        code: "plan::flow::unreachable",
        title: "a branch is never taken (warning)",
        explanation: r##"A branch is never taken if its `when` never holds, or if a `when` above it always does.

Wrong:

    choose:
      - { when: true, steps: [ … ] }
      - { weight: 1, steps: [ … ] }

Right:

    choose:
      - { when: list.total > 100, steps: [ … ] }
      - { weight: 1, steps: [ … ] }
"##,
    },
    Code {
        code: "plan::metric::kind",
        title: "one name is two kinds of metric",
        explanation: r##"The name of a metric stands for one thing in the whole plan: steps that measure the same may share it.

Wrong:

    metrics: { cart: { trend: { json: "$.total" } } }
    metrics: { cart: { counter: { value: 1 } } }     # in another step

Right:

    metrics: { cart: { trend: { json: "$.total" } } }
    metrics: { carts: { counter: { value: 1 } } }
"##,
    },
    Code {
        code: "plan::schema::branch",
        title: "a branch is not taken by exactly one of `when`, `weight`",
        explanation: r##"A branch of a `choose` is asked for by `when`, or drawn by `weight`.

Wrong:

    { when: list.total > 100, weight: 30, steps: [ … ] }

Right:

    { when: list.total > 100, steps: [ … ] }
"##,
    },
    Code {
        code: "plan::transaction::arguments",
        title: "a call hands over too much or too little",
        explanation: r##"`with` gives a value to each of the `params` of the transaction, and to nothing else.

Wrong:

    { step: signed, call: sign_in }

Right:

    { step: signed, call: sign_in, with: { name: ada } }
"##,
    },
    Code {
        code: "plan::transaction::cycle",
        title: "transactions call each other in a circle",
        explanation: r##"A transaction that calls itself, directly or over others, would never end. To do something several times write `repeat`.

Wrong:

    a: { steps: [ { step: one, call: b } ] }
    b: { steps: [ { step: two, call: a } ] }

Right:

    a: { steps: [ { step: one, call: b } ] }
    b: { steps: [ { step: two, http: { get: / } } ] }
"##,
    },
    Code {
        code: "plan::transaction::parameter",
        title: "a param is never read (warning)",
        explanation: r##"What a call hands over is read as `{{ params.x }}` in the steps and `returns` of the transaction.

Wrong:

    params: [name, password]      # and no {{ params.password }}

Right:

    params: [name]
"##,
    },
    Code {
        code: "plan::transaction::unknown",
        title: "a step calls a transaction that the plan does not declare",
        explanation: r##"`call` names a transaction of the plan, or of a part that it includes.

Wrong:

    { step: signed, call: sing_in }

Right:

    { step: signed, call: sign_in }
"##,
    },
    Code {
        code: "plan::transaction::unused",
        title: "nothing calls a transaction (warning)",
        explanation: r##"A transaction runs only where a step calls it.

Wrong:

    transactions: { sign_in: { … } }      # and no call: sign_in

Right:

    { step: signed, call: sign_in }
"##,
    },
    Code {
        code: "plan::user::open",
        title: "an open scenario has steps for each user",
        explanation: r##"In an open scenario every arrival is a new user, so `before_each_user` would run for every arrival: those steps are the
start of its transaction.

Wrong:

    load: { open: [ … ] }
    before_each_user: [ { step: login, … } ]
    steps: [ { step: home, … } ]

Right:

    load: { open: [ … ] }
    steps: [ { step: login, … }, { step: home, … } ]
"##,
    },
    Code {
        code: "plan::variable::maybe-unbound",
        title: "a capture is read that may not have been made",
        explanation: r##"A step that a `when` skips captures nothing, nor does one that fails and goes on (`on_fail: continue`), one in a branch that is
not taken, or one in a `for_each` over an empty list. Who reads its capture later says what to send then.

Wrong:

    { step: read, when: list.total > 0, …, capture: { price: { json: "$.price" } } }
    … "{{ read.price }}"

Right:

    { step: read, when: list.total > 0, …, capture: { price: { json: "$.price", default: 0 } } }
    … "{{ read.price }}"
"##,
    },
];
