//! Codes of what one part of a plan says of another: names, captures, needs, endpoints.

use super::Code;

/// The codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::capture::unknown",
        title: "a template reads a capture that no step makes",
        explanation: r##"`{{ login.token }}` is the capture `token` of the step `login` of the same scenario.

Wrong:

    capture: { token: { json: "$.token" } }
    … "{{ login.tokn }}"

Right:

    capture: { token: { json: "$.token" } }
    … "{{ login.token }}"
"##,
    },
    Code {
        code: "plan::capture::unused",
        title: "a capture is never read (warning)",
        explanation: r##"A capture that finds nothing fails its step, so one that nothing reads costs and can fail for nothing.

Wrong:

    capture: { token: { json: "$.token" } }   # and no {{ login.token }}

Right:

    expect: { json: { "$.state": ok } }   # checks without keeping
"##,
    },
    Code {
        code: "plan::endpoint::ambiguous",
        title: "a request does not say which endpoint it uses",
        explanation: r##"`use` may be left out only where the plan has one endpoint.

Wrong:

    http: { get: / }

Right:

    http: { use: shop, get: / }
"##,
    },
    Code {
        code: "plan::endpoint::base-url",
        title: "an endpoint has no proper address",
        explanation: r##"`base_url` is scheme, host and port, and the start of every path: no query, no user name.

Wrong:

    base_url: 127.0.0.1:8080

Right:

    base_url: http://127.0.0.1:8080
"##,
    },
    Code {
        code: "plan::endpoint::none",
        title: "a request has no endpoint to go to",
        explanation: r##"A request goes to an endpoint, which is declared once and used by name.

Wrong:

    steps: [ { step: home, http: { get: / } } ]   # and no endpoints

Right:

    endpoints: { shop: { http: { base_url: http://127.0.0.1:8080 } } }
"##,
    },
    Code {
        code: "plan::endpoint::unknown",
        title: "an endpoint is not declared",
        explanation: r##"`use` names an entry of `endpoints`.

Wrong:

    http: { use: shpo, get: / }

Right:

    http: { use: shop, get: / }
"##,
    },
    Code {
        code: "plan::endpoint::unused",
        title: "an endpoint is never used (warning)",
        explanation: r##"No step sends anything to it.

Wrong:

    endpoints: { shop: …, admin: … }   # and no use: admin

Right:

    leave it out
"##,
    },
    Code {
        code: "plan::http::header",
        title: "a header cannot be sent",
        explanation: r##"Header names are letters, digits and `-`, values are one line, and a name is given once whatever its case. `host`,
`content-length` and the like are set for you.

Wrong:

    headers: { "x session": a }

Right:

    headers: { x-session: a }
"##,
    },
    Code {
        code: "plan::http::path",
        title: "a path cannot be sent",
        explanation: r##"A path begins with `/` and is put after the endpoint's `base_url`; what is not plain ASCII is percent-encoded, which
templates do by themselves.

Wrong:

    get: products

Right:

    get: /products
"##,
    },
    Code {
        code: "plan::name::duplicate",
        title: "a name is declared twice",
        explanation: r##"A step's name is the name of its metric and of its captures. What parts declare and what the plan declares share their
names too: two parts cannot both have an endpoint `shop`.

Wrong:

    - { step: home, http: { get: / } }
    - { step: home, http: { get: /again } }

Right:

    - { step: home, http: { get: / } }
    - { step: again, http: { get: /again } }
"##,
    },
    Code {
        code: "plan::name::reserved",
        title: "a step is named like something that templates read",
        explanation: r##"`{{ data.x }}` must mean one thing, so no step is named `vars secrets data before user let params item arrival group
run seed rand now`.

Wrong:

    - { step: data, http: { get: /data } }

Right:

    - { step: read_data, http: { get: /data } }
"##,
    },
    Code {
        code: "plan::needs::cycle",
        title: "steps need each other",
        explanation: r##"A step without `needs` needs everything above it. Following the needs must never lead back.

Wrong:

    - { step: a, needs: [b], http: { get: /a } }
    - { step: b, http: { get: /b } }      # needs everything above: a

Right:

    - { step: a, http: { get: /a } }
    - { step: b, needs: [a], http: { get: /b } }
"##,
    },
    Code {
        code: "plan::needs::jumps-wait",
        title: "a step does not wait for the `wait` above it (warning)",
        explanation: r##"`needs` replaces everything above, the wait too. Give the wait a name to need it.

Wrong:

    - { step: a, http: { get: /a } }
    - { wait: 1s }
    - { step: b, needs: [a], http: { get: /b } }

Right:

    - { step: a, http: { get: /a } }
    - { step: think, wait: 1s }
    - { step: b, needs: [think], http: { get: /b } }
"##,
    },
    Code {
        code: "plan::needs::unknown",
        title: "a step needs one that does not exist",
        explanation: r##"`needs` names steps of the same list.

Wrong:

    needs: [logn]

Right:

    needs: [login]
"##,
    },
    Code {
        code: "plan::secret::exposed",
        title: "a secret stands in a URL",
        explanation: r##"Paths, queries and addresses end in the logs of proxies and servers. Send a secret in a header or a body, or send only
what it signs.

Wrong:

    get: "/?key={{ secrets.key }}"

Right:

    headers: { authorization: "Bearer {{ secrets.key }}" }
"##,
    },
    Code {
        code: "plan::secret::source",
        title: "a secret is not named by an environment variable",
        explanation: r##"`env` is the name of a variable, which each node reads when a run starts. The secret itself never stands in a plan.

Wrong:

    secrets: { key: { env: "abc-123$" } }

Right:

    secrets: { key: { env: SHOP_KEY } }
"##,
    },
    Code {
        code: "plan::secret::unknown",
        title: "a secret is not declared",
        explanation: r##"Secrets are declared under `secrets` by where each node reads them.

Wrong:

    headers: { key: "{{ secrets.key }}" }

Right:

    secrets: { key: { env: SHOP_KEY } }
    … headers: { key: "{{ secrets.key }}" }
"##,
    },
    Code {
        code: "plan::secret::unused",
        title: "a secret is never used (warning)",
        explanation: r##"Every node must have it when a run starts, for nothing.

Wrong:

    secrets: { key: { env: SHOP_KEY } }   # and no {{ secrets.key }}

Right:

    leave it out
"##,
    },
    Code {
        code: "plan::variable::fixed",
        title: "a group changes a var that shapes the plan",
        explanation: r##"A rate, a duration or a number of users is decided when compiling, for the whole cluster; groups can change only what
is filled in for each arrival.

Wrong:

    vars: { peak: 10/s }
    nodes: { groups: { eu: { vars: { peak: 5/s } } } }

Right:

    nodes: { groups: { eu: { weight: 1 }, us: { weight: 2 } } }
"##,
    },
    Code {
        code: "plan::variable::unbound",
        title: "a capture is read before it is sure to be there",
        explanation: r##"What counts is `needs`, not the order in the text: a step can read a capture only if the step that makes it has ended
on every path.

Wrong:

    - { step: order, needs: [], http: { get: "/{{ login.id }}" } }

Right:

    - { step: order, needs: [login], http: { get: "/{{ login.id }}" } }
"##,
    },
    Code {
        code: "plan::variable::unknown",
        title: "a var is not declared",
        explanation: r##"Vars are declared under `vars`, with the value that holds unless a flag or environment gives another.

Wrong:

    get: "/{{ vars.shp }}"

Right:

    vars: { shop: a }
    … get: "/{{ vars.shop }}"
"##,
    },
    Code {
        code: "plan::variable::unused",
        title: "a var is never used (warning)",
        explanation: r##"Setting it has no effect, which is a surprise for whoever does.

Wrong:

    vars: { shop: a }   # and no {{ vars.shop }}

Right:

    leave it out
"##,
    },
    Code {
        code: "plan::variable::user",
        title: "an open scenario reads the number of a user",
        explanation: r##"In an open scenario every arrival is a new user; only closed scenarios number users that live on.

Wrong:

    load: { open: […] }
    … "{{ user.number }}"

Right:

    load: { open: […] }
    … "{{ arrival.number }}"
"##,
    },
];
