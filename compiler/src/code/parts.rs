//! Codes of plans that are made of several files.

use super::Code;

/// The codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::include::content",
        title: "a part of plans holds something that belongs to the plan",
        explanation: r##"A part holds `transactions`, `endpoints`, `data`, `thresholds` and `include`. Scenarios, the cluster and the seed are
the plan's; so are vars and secrets, which are read in its parts too: whoever runs a plan finds in one file everything that can be given.

Wrong:

    version: 1
    fragment: true
    vars: { shop: "http://127.0.0.1:8080" }
    endpoints: { shop: { http: { base_url: "{{ vars.shop }}" } } }

Right:

    version: 1
    fragment: true
    endpoints: { shop: { http: { base_url: "{{ vars.shop }}" } } }   # the plan declares the var `shop`
"##,
    },
    Code {
        code: "plan::include::cycle",
        title: "a file includes itself",
        explanation: r##"Directly, or through a file that it includes. What a plan includes is known in all of its parts, so that no part needs
to include what uses it. Two parts may well include the same third: it is read once.

Wrong:

    # parts/auth.yaml
    include: [users.yaml]
    # parts/users.yaml
    include: [auth.yaml]

Right:

    # parts/auth.yaml
    include: [users.yaml]
"##,
    },
    Code {
        code: "plan::include::not-a-part",
        title: "an included file is not a part of plans",
        explanation: r##"Only files that say so are included: a plan has scenarios of its own, which would run too.

Wrong:

    include: [other-plan.yaml]

Right:

    include: [parts/shop.yaml]     # which begins with `version: 1` and `fragment: true`
"##,
    },
    Code {
        code: "plan::include::unused",
        title: "nothing of an included part is used",
        explanation: r##"A warning. Of a part a plan may use a little; of this one it uses nothing: no endpoint, no data, no transaction, and
it declares no threshold.

Wrong:

    include: [parts/shop.yaml, parts/mail.yaml]     # and no step sends mail

Right:

    include: [parts/shop.yaml]
"##,
    },
];
