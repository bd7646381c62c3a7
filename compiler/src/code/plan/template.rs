//! Codes of single values: templates, conditions, quantities, overrides.

use crate::code::Code;

/// The codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::expression::syntax",
        title: "a condition cannot be read",
        explanation: r##"A threshold requires `AGG(METRIC) OP VALUE`; `expect.duration` is an operator and a duration.

Wrong:

    require: p95 < 500ms

Right:

    require: p95(service) < 500ms
"##,
    },
    Code {
        code: "plan::expression::unit",
        title: "a limit is not in the unit of its metric",
        explanation: r##"Latencies are durations, shares percentages, rates arrivals per time; counts have no unit.

Wrong:

    require: share(failed) < 1

Right:

    require: share(failed) < 1%
"##,
    },
    Code {
        code: "plan::expression::unknown",
        title: "a condition uses a function or metric that does not exist",
        explanation: r##"`p50` to `p99.999`, `min`, `max` and `mean` take `response` or `service`; `share`, `rate` and `count` take `started`,
`succeeded`, `failed` or `dropped`.

Wrong:

    require: avg(service) < 500ms

Right:

    require: mean(service) < 500ms
"##,
    },
    Code {
        code: "plan::limit::exceeded",
        title: "the plan is larger than what is compiled",
        explanation: r##"Steps, stages, scenarios, slots and the values of bodies have limits far above what plans need.

Wrong:

    steps: [ …1001 steps… ]

Right:

    two scenarios with some of the steps each
"##,
    },
    Code {
        code: "plan::override::kind",
        title: "an environment, group or flag gives a var another kind of value",
        explanation: r##"A var keeps the kind that `vars` gives it: text, number, boolean, list or mapping.

Wrong:

    vars: { users: 5 }
    environments: { prod: { vars: { users: many } } }

Right:

    vars: { users: 5 }
    environments: { prod: { vars: { users: 500 } } }
"##,
    },
    Code {
        code: "plan::override::unknown",
        title: "an environment, group or flag names something that the plan does not have",
        explanation: r##"`--var`, `--var-file`, environments and groups give values to vars that `vars` declares; `--environment` chooses
one of `environments`.

Wrong:

    vars: { shop: a }
    environments: { prod: { vars: { shp: b } } }

Right:

    vars: { shop: a }
    environments: { prod: { vars: { shop: b } } }
"##,
    },
    Code {
        code: "plan::pattern::invalid",
        title: "a regular expression or JSONPath does not compile",
        explanation: r##"JSONPaths begin with `$` (RFC 9535). Regular expressions have no look-around and no back-references; in YAML they
stand best in single quotes.

Wrong:

    capture: { id: { regex: 'id=(\d+' } }

Right:

    capture: { id: { regex: 'id=(\d+)' } }
"##,
    },
    Code {
        code: "plan::template::arguments",
        title: "a function or filter is called with the wrong arguments",
        explanation: r##"`rand.int` takes two whole numbers, `rand.pick` a list, `rand.uuid` nothing; `default` takes a value and
`hmac_sha256` a secret. Arguments are decided when compiling: literals and `vars.x`.

Wrong:

    json: { qty: "{{ rand.int(6) }}" }

Right:

    json: { qty: "{{ rand.int(1, 6) }}" }
"##,
    },
    Code {
        code: "plan::template::foreign",
        title: "a placeholder of another tool is sent as text",
        explanation: r##"`${name}` and `#{name}` mean nothing in a plan: they are sent as they are written. Templates have two braces and say
where a value is from. This is a warning, since a service may expect such a text.

Wrong:

    get: "/orders/${id}"

Right:

    get: "/orders/{{ order.id }}"
"##,
    },
    Code {
        code: "plan::template::place",
        title: "a template stands where its value is not known, or not wanted",
        explanation: r##"What shapes the plan (rates, durations, numbers) is decided when compiling and can read `vars` only. The value of
a var, a name, a key and a path of a file hold no templates. An endpoint's `base_url` reads `vars`, its headers no captures.

Wrong:

    wait: "{{ data.users.pause }}"

Right:

    wait: "{{ vars.pause }}"
"##,
    },
    Code {
        code: "plan::template::syntax",
        title: "a template cannot be read",
        explanation: r##"A template is a dotted name, then filters with `|`. It does not compute, and names have no hyphen.

Wrong:

    get: "/page/{{ arrival.number + 1 }}"

Right:

    get: "/page/{{ arrival.number }}"
"##,
    },
    Code {
        code: "plan::template::unclosed",
        title: "a template has no `}}`",
        explanation: r##"Every `{{` needs its `}}` in the same value.

Wrong:

    get: "/user/{{ user.number"

Right:

    get: "/user/{{ user.number }}"
"##,
    },
    Code {
        code: "plan::template::unknown-filter",
        title: "there is no such filter",
        explanation: r##"The filters are `int number bool text json base64 url hmac_sha256(x) default(value) raw`.

Wrong:

    get: "/{{ vars.name | urlencode }}"

Right:

    get: "/{{ vars.name | url }}"
"##,
    },
    Code {
        code: "plan::template::unknown-name",
        title: "a template names nothing that exists",
        explanation: r##"Templates read `vars.x`, `secrets.x`, `data.name.column`, `step.capture`, `arrival.number`, `arrival.id`,
`user.number`, `group.name`, `run.id`, `seed`, `rand.…` and `now.…`. A name alone, other than `seed`, is nothing.

Wrong:

    get: "/{{ shop }}"

Right:

    get: "/{{ vars.shop }}"
"##,
    },
    Code {
        code: "plan::value::kind",
        title: "a value is of another kind than its place needs",
        explanation: r##"A var that is put in has the wrong kind, such as a list where a duration belongs.

Wrong:

    vars: { pause: [1s] }
    … wait: "{{ vars.pause }}"

Right:

    vars: { pause: 1s }
    … wait: "{{ vars.pause }}"
"##,
    },
    Code {
        code: "plan::value::range",
        title: "a quantity is out of its range",
        explanation: r##"Loads last at most 30 days, windows are whole seconds, the shorter wait comes first, and numbers have their limits.

Wrong:

    wait: { uniform: [3s, 1s] }

Right:

    wait: { uniform: [1s, 3s] }
"##,
    },
    Code {
        code: "plan::value::unit",
        title: "a text is not the quantity that is needed",
        explanation: r##"Quantities carry their unit: `250ms`, `1m30s`, `200/s`, `99.9%`, `10MiB`. Often it is a var that holds something else.

Wrong:

    vars: { peak: 200 }
    … rate: "{{ vars.peak }}"

Right:

    vars: { peak: 200/s }
    … rate: "{{ vars.peak }}"
"##,
    },
];
