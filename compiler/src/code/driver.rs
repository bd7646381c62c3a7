//! Codes of endpoints, messages, awaits and sinks.

use super::Code;

/// The codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "plan::answer::kind",
        title: "a check or capture of something that the answer has not",
        explanation: r##"Each action has its own answer: only HTTP has a status, a message that is sent has no answer at all, rows of a database
have no header.

Wrong:

    - { step: created, publish: { use: bus, subject: orders }, expect: { status: 201 } }

Right:

    - { step: created, publish: { use: bus, subject: orders }, expect: { duration: "< 50ms" } }
"##,
    },
    Code {
        code: "plan::await::count",
        title: "`distinct` with too small a `count`",
        explanation: r##"`distinct` says what makes two messages different, so that a repeated one is not counted twice. With one message, or
none, there is nothing to tell apart.

Wrong:

    await: { subject: done, distinct: { json: "$.line" }, within: 2s }

Right:

    await: { subject: done, count: 3, distinct: { json: "$.line" }, within: 2s }
"##,
    },
    Code {
        code: "plan::await::no-sender",
        title: "nothing is sent before an await",
        explanation: r##"An await counts its time from the send of the nearest step before it that sends. Waits are passed over. Without
such a step there is nothing to count from.

Wrong:

    steps:
      - { step: done, await: { subject: done, match: { json: "$.id", equals: "{{ arrival.id }}" }, within: 2s } }

Right:

    steps:
      - { step: order, publish: { subject: orders, json: { id: "{{ arrival.id }}" } } }
      - { step: done, await: { subject: done, match: { json: "$.id", equals: "{{ arrival.id }}" }, within: 2s } }
"##,
    },
    Code {
        code: "plan::await::not-unique",
        title: "all arrivals wait for the same event",
        explanation: r##"Many arrivals run at one time and listen to the same channel. What an event must equal has to be the arrival's own:
a capture, data, `arrival.id`; otherwise one event ends every await that is open.

Wrong:

    match: { json: "$.state", equals: done }

Right:

    match: { json: "$.order_id", equals: "{{ order.id }}" }
"##,
    },
    Code {
        code: "plan::await::poll",
        title: "words of a poll and of messages in one await",
        explanation: r##"An await listens to a channel, or it asks: `get` a path or `query` a database, `every` so often, `until` the answer is
right. The words of one mean nothing in the other.

Wrong:

    await: { use: shop, get: /orders/1, match: { json: "$.state", equals: done }, within: 5s }

Right:

    await: { use: shop, get: /orders/1, every: 200ms, until: { json: { "$.state": done } }, within: 5s }
"##,
    },
    Code {
        code: "plan::await::since",
        title: "it is not clear from which step an await counts",
        explanation: r##"`since` names a step that sends something, or another await, and that is sure to come before. It must be written where
several steps side by side come before the await.

Wrong:

    - { step: order, needs: [], http: { post: /orders } }
    - { step: invoice, needs: [], http: { post: /invoices } }
    - { step: done, await: { subject: "done.{{ order.id }}", within: 2s } }

Right:

    - { step: done, await: { subject: "done.{{ order.id }}", since: order, within: 2s } }
"##,
    },
    Code {
        code: "plan::await::within",
        title: "an await may last longer than its scenario lets it",
        explanation: r##"A transaction is cut at the `timeout` of its scenario, and the last ones at its `graceful_stop`. An await that may last
longer never reaches its own limit there: it counts as unfinished in place of timed out.

Wrong:

    graceful_stop: 5s
    steps:
      - { step: done, await: { subject: "done.{{ order.id }}", within: 1m } }

Right:

    graceful_stop: 1m
    steps:
      - { step: done, await: { subject: "done.{{ order.id }}", within: 1m } }
"##,
    },
    Code {
        code: "plan::channel::kind",
        title: "words of another broker's channels",
        explanation: r##"NATS has a `subject`; Kafka a `topic`, a `key` and a `partition`; AMQP a `queue`, or an `exchange` with a
`routing_key`; MQTT a `topic`, a `qos` and `retain`; Redis a `stream` or a `channel`. An await has no `key`, `partition` and `retain`.

Wrong:

    publish: { use: nats_bus, topic: orders }

Right:

    publish: { use: nats_bus, subject: orders }
"##,
    },
    Code {
        code: "plan::channel::name",
        title: "a name that no channel of the broker has",
        explanation: r##"A message goes to one subject or topic, so wildcards stand in awaits only. Words of a subject are never empty, `>` and
`#` stand at the end.

Wrong:

    publish: { use: bus, subject: "orders.>" }

Right:

    publish: { use: bus, subject: orders.created }
"##,
    },
    Code {
        code: "plan::endpoint::address",
        title: "an address that no connection can be opened to",
        explanation: r##"Each kind of endpoint and sink has its own form of address: a scheme with host and port, or `host:port` alone. Vars are
put in before it is checked, also those of groups.

Wrong:

    bus: { nats: { servers: ["127.0.0.1:4222"] } }

Right:

    bus: { nats: { servers: ["nats://127.0.0.1:4222"] } }
"##,
    },
    Code {
        code: "plan::endpoint::kind",
        title: "an endpoint of the wrong kind for the action",
        explanation: r##"An HTTP request goes to an `http` endpoint, a statement to an `sql` endpoint, a message to a broker: `nats`, `kafka`,
`amqp`, `mqtt` or `redis`.

Wrong:

    endpoints: { shop: { http: { base_url: "http://127.0.0.1:8080" } } }
    publish: { use: shop, subject: orders }

Right:

    endpoints: { bus: { nats: { servers: ["nats://127.0.0.1:4222"] } } }
    publish: { use: bus, subject: orders }
"##,
    },
    Code {
        code: "plan::endpoint::setting",
        title: "settings that contradict each other",
        explanation: r##"Some settings need another or exclude it: a client's certificate needs its key, tracking headers need two names,
MQTT 3.1.1 has no headers, an InfluxDB is of version 1 or 2.

Wrong:

    tls: { cert: /etc/volley/client.pem }

Right:

    tls: { cert: /etc/volley/client.pem, key: "{{ secrets.client_key }}" }
"##,
    },
    Code {
        code: "plan::file::json",
        title: "a file that `json_file` names is not JSON",
        explanation: r##"`json_file` sends a file as `application/json`, so it must be one JSON value. `file` sends bytes as they are. Templates in
files are not read.

Wrong:

    http: { post: /orders, json_file: data/orders.csv }

Right:

    http: { post: /orders, json_file: data/order.json }
"##,
    },
    Code {
        code: "plan::grpc::method",
        title: "not the name of a gRPC method",
        explanation: r##"A method is written as on the wire, without the first `/`: package and service, `/`, method.

Wrong:

    grpc: { method: shop.v1.Stock.Reserve }

Right:

    grpc: { method: shop.v1.Stock/Reserve }
"##,
    },
    Code {
        code: "plan::secret::literal",
        title: "a password or token is written into the plan",
        explanation: r##"Plans are shared, kept in version control and compiled into artifacts. Passwords, tokens and keys are read on each node
when a run starts; the plan has their names only.

Wrong:

    auth: { bearer: "s3cr3t" }

Right:

    secrets: { token: { env: SHOP_TOKEN } }
    auth: { bearer: "{{ secrets.token }}" }
"##,
    },
    Code {
        code: "plan::schema::kind",
        title: "an endpoint or sink is not of exactly one kind",
        explanation: r##"An endpoint is one connection of one kind, a sink one place of one kind. Give the second one a name of its own.

Wrong:

    bus: { nats: { servers: ["nats://127.0.0.1:4222"] }, redis: { url: "redis://127.0.0.1:6379" } }

Right:

    bus: { nats: { servers: ["nats://127.0.0.1:4222"] } }
    cache: { redis: { url: "redis://127.0.0.1:6379" } }
"##,
    },
    Code {
        code: "plan::sql::params",
        title: "a statement has more or fewer placeholders than values",
        explanation: r##"Values are never written into a statement: it has `$1`, `$2` and so on (`?` for MySQL and SQLite), and `params` has one
value for each.

Wrong:

    sql: { query: "select * from orders where id = $1 and state = $2", params: ["{{ order.id }}"] }

Right:

    sql: { query: "select * from orders where id = $1", params: ["{{ order.id }}"] }
"##,
    },
    Code {
        code: "plan::threshold::await",
        title: "a bound that one await alone may exceed",
        explanation: r##"The response of a transaction holds the time of its awaits, also of those that ran out of time. Where `within` is
longer than the bound, the threshold is missed long before the await gives up, and nobody sees which step was late.

Wrong:

    steps:
      - { step: done, await: { subject: "done.{{ order.id }}", within: 30s } }
    thresholds: { fast: { require: p99(response) < 3s } }

Right:

    steps:
      - { step: done, await: { subject: "done.{{ order.id }}", within: 2s } }
    thresholds: { fast: { require: p99(response) < 3s } }
"##,
    },
];
