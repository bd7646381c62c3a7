//! (pure) What endpoints, actions and sinks besides HTTP mention exists, and their numbers can be meant.

use super::ensure;
use super::scope::Scope;
use super::steps;
use crate::artifact::{
    Action, AwaitAction, AwaitSource, BrowserAct, Channel, ElasticAuth, Endpoint, EndpointKind,
    HttpAuth, HttpEndpoint, InfluxStore, Load, Login, Match, NameValue, NatsAuth, PollRequest,
    Sasl, Sink, SinkAuth, SinkTarget, Text, Tls, Tracking, WebsocketAct,
};

/// Longest length that can be meant: 100 years.
const LENGTH_MAX_NS: u64 = 100 * 366 * 24 * 3_600 * 1_000_000_000;

/// Checks the settings of an endpoint; its headers are checked with each step that uses it.
pub(super) fn endpoint(world: Scope<'_>, endpoint: &Endpoint) -> Result<(), String> {
    if let Tracking::Named(names) = endpoint.tracking() {
        for name in [&names.arrival, &names.step] {
            let lower = name.to_ascii_lowercase() == *name && !name.is_empty();
            ensure(lower, || format!("header `{name}` is in lowercase"))?;
        }
    }
    match endpoint {
        Endpoint::Http(http) => self::http(world, http),
        Endpoint::Nats(nats) => {
            texts(world, &nats.servers)?;
            tls(world, nats.tls.as_ref())?;
            match &nats.auth {
                Some(NatsAuth::Login(login)) => self::login(world, Some(login)),
                Some(NatsAuth::Token(text) | NatsAuth::Creds(text) | NatsAuth::Nkey(text)) => {
                    world.text(text)
                }
                None => Ok(()),
            }
        }
        Endpoint::Kafka(kafka) => {
            texts(world, &kafka.brokers)?;
            tls(world, kafka.tls.as_ref())?;
            sasl(world, kafka.sasl.as_ref())
        }
        Endpoint::Amqp(amqp) => {
            world.text(&amqp.url)?;
            tls(world, amqp.tls.as_ref())?;
            login(world, amqp.login.as_ref())
        }
        Endpoint::Mqtt(mqtt) => {
            world.text(&mqtt.url)?;
            option(world, mqtt.client_id.as_ref())?;
            tls(world, mqtt.tls.as_ref())?;
            login(world, mqtt.login.as_ref())
        }
        Endpoint::Redis(redis) => {
            world.text(&redis.url)?;
            tls(world, redis.tls.as_ref())?;
            login(world, redis.login.as_ref())
        }
        Endpoint::Websocket(socket) => {
            world.text(&socket.url)?;
            texts(world, &socket.subprotocols)?;
            tls(world, socket.tls.as_ref())
        }
        Endpoint::Sse(sse) => {
            world.text(&sse.url)?;
            tls(world, sse.tls.as_ref())
        }
        Endpoint::Grpc(grpc) => {
            world.text(&grpc.target)?;
            grpc.protos.iter().try_for_each(|path| world.file(path))?;
            tls(world, grpc.tls.as_ref())
        }
        Endpoint::Sql(sql) => {
            ensure(sql.pool > 0, || "a pool has a connection".to_owned())?;
            world.text(&sql.url)?;
            tls(world, sql.tls.as_ref())
        }
        Endpoint::Tcp(tcp) => {
            world.text(&tcp.address)?;
            tls(world, tcp.tls.as_ref())
        }
    }
}

fn http(world: Scope<'_>, http: &HttpEndpoint) -> Result<(), String> {
    world.text(&http.base_url)?;
    let options = &http.options;
    ensure(options.tracking_names.is_none() || http.tracking, || {
        "an endpoint that names tracking headers sends them".to_owned()
    })?;
    tls(world, options.tls.as_ref())?;
    option(world, options.proxy.as_ref())?;
    match &options.auth {
        Some(HttpAuth::Basic { user, password }) => {
            world.text(user)?;
            world.text(password)
        }
        Some(HttpAuth::Bearer { token }) => world.text(token),
        Some(HttpAuth::Oauth2 { token_url, client_id, client_secret, scopes: _, audience }) => {
            [token_url, client_id, client_secret].into_iter().try_for_each(|t| world.text(t))?;
            option(world, audience.as_ref())
        }
        None => Ok(()),
    }
}

fn texts(world: Scope<'_>, texts: &[Text]) -> Result<(), String> {
    texts.iter().try_for_each(|text| world.text(text))
}

fn option(world: Scope<'_>, text: Option<&Text>) -> Result<(), String> {
    text.map_or(Ok(()), |text| world.text(text))
}

fn tls(world: Scope<'_>, tls: Option<&Tls>) -> Result<(), String> {
    let Some(tls) = tls else { return Ok(()) };
    ensure(tls.cert.is_some() == tls.key.is_some(), || "a certificate has its key".to_owned())?;
    let texts = [&tls.ca, &tls.cert, &tls.key, &tls.server_name];
    texts.into_iter().flatten().try_for_each(|text| world.text(text))
}

fn login(world: Scope<'_>, login: Option<&Login>) -> Result<(), String> {
    let Some(login) = login else { return Ok(()) };
    world.text(&login.user)?;
    world.text(&login.password)
}

fn sasl(world: Scope<'_>, sasl: Option<&Sasl>) -> Result<(), String> {
    let Some(sasl) = sasl else { return Ok(()) };
    world.text(&sasl.user)?;
    world.text(&sasl.password)
}

/// Checks what an action mentions, and that its endpoint is of the right kind; HTTP and waits are checked elsewhere.
pub(super) fn action(scope: Scope<'_>, action: &Action) -> Result<(), String> {
    if let Some(name) = action.endpoint() {
        let endpoint = scope.endpoint(name)?;
        scope.pairs(endpoint.headers())?;
        ensure(fits(action, endpoint.kind()), || {
            format!("endpoint `{name}` is of a kind that can `{}`", action.word())
        })?;
    }
    match action {
        Action::Publish(publish) => {
            channel(scope, &publish.channel)?;
            scope.pairs(&publish.headers)?;
            scope.body(&publish.body)
        }
        Action::Await(wait) => awaited(scope, wait),
        Action::Browser(browser) => browser.actions.iter().try_for_each(|act| match act {
            BrowserAct::Goto(text)
            | BrowserAct::Click(text)
            | BrowserAct::WaitFor(text)
            | BrowserAct::Evaluate(text) => scope.text(text),
            BrowserAct::Fill { selector, value } | BrowserAct::Select { selector, value } => {
                scope.text(selector)?;
                scope.text(value)
            }
            BrowserAct::Press { selector, key: _ } => option(scope, selector.as_ref()),
            BrowserAct::Wait { length_ns } => limited(*length_ns),
            BrowserAct::Screenshot(_) => Ok(()),
        }),
        Action::Websocket(socket) => {
            scope.text(&socket.path)?;
            scope.pairs(&socket.headers)?;
            socket.actions.iter().try_for_each(|act| match act {
                WebsocketAct::Send(body) => scope.body(body),
                WebsocketAct::Await { matching: which, count: _, within_ns } => {
                    matching(scope, which.as_ref())?;
                    limited(*within_ns)
                }
                WebsocketAct::Wait { length_ns } => limited(*length_ns),
                WebsocketAct::Close => Ok(()),
            })
        }
        Action::Sse(sse) => {
            scope.text(&sse.path)?;
            scope.pairs(&sse.headers)?;
            option(scope, sse.event.as_ref())?;
            matching(scope, sse.matching.as_ref())?;
            limited(sse.within_ns)
        }
        Action::Grpc(grpc) => {
            scope.pairs(&grpc.headers)?;
            scope.json(&grpc.json)
        }
        Action::Sql(sql) => {
            scope.text(&sql.query)?;
            sql.params.iter().try_for_each(|param| scope.json(param))
        }
        Action::Tcp(tcp) => scope.body(&tcp.body),
        Action::Exec(exec) => {
            ensure(!exec.command.is_empty(), || "a program has a name".to_owned())?;
            texts(scope, &exec.command)?;
            scope.pairs(&exec.env)?;
            scope.body(&exec.body)
        }
        Action::Wasm(wasm) => {
            scope.file(&wasm.file)?;
            scope.json(&wasm.input)
        }
        _ => Ok(()),
    }
}

/// Returns whether an endpoint of `kind` can do `action`.
fn fits(action: &Action, kind: EndpointKind) -> bool {
    match action {
        Action::Http(_) => kind == EndpointKind::Http,
        Action::Publish(publish) => kind == kind_of(&publish.channel),
        Action::Await(wait) => match &wait.source {
            AwaitSource::Message { channel, .. } => kind == kind_of(channel),
            AwaitSource::Poll { request: PollRequest::Get { .. }, .. } => {
                kind == EndpointKind::Http
            }
            AwaitSource::Poll { request: PollRequest::Query { .. }, .. } => {
                kind == EndpointKind::Sql
            }
        },
        Action::Websocket(_) => kind == EndpointKind::Websocket,
        Action::Sse(_) => kind == EndpointKind::Sse,
        Action::Grpc(_) => kind == EndpointKind::Grpc,
        Action::Sql(_) => kind == EndpointKind::Sql,
        Action::Tcp(_) => kind == EndpointKind::Tcp,
        _ => true,
    }
}

fn kind_of(channel: &Channel) -> EndpointKind {
    match channel {
        Channel::Nats { .. } => EndpointKind::Nats,
        Channel::Kafka { .. } => EndpointKind::Kafka,
        Channel::AmqpExchange { .. } | Channel::AmqpQueue { .. } => EndpointKind::Amqp,
        Channel::Mqtt { .. } => EndpointKind::Mqtt,
        Channel::RedisStream { .. } | Channel::RedisChannel { .. } => EndpointKind::Redis,
    }
}

fn limited(length_ns: u64) -> Result<(), String> {
    ensure(length_ns <= LENGTH_MAX_NS, || "a length is at most 100 years".to_owned())
}

fn awaited(scope: Scope<'_>, wait: &AwaitAction) -> Result<(), String> {
    let observes = scope.scenario.is_some_and(|s| matches!(s.load, Load::Observe { .. }));
    let known = match wait.since.as_str() {
        "" => observes,
        name => steps::find(scope.steps, name).is_some(),
    };
    ensure(known, || format!("step `{}` that is counted from exists", wait.since))?;
    ensure(wait.within_ns > 0, || "an await has a limit above 0".to_owned())?;
    limited(wait.within_ns)?;
    match &wait.source {
        AwaitSource::Message { channel: from, matching: which, count, distinct } => {
            ensure(distinct.is_none() || *count > 1, || {
                "messages that must differ are at least 2".to_owned()
            })?;
            channel(scope, from)?;
            matching(scope, which.as_ref())
        }
        AwaitSource::Poll { request, every_ns, until } => {
            ensure(*every_ns > 0, || "a poll has a pause above 0".to_owned())?;
            scope.expect(until)?;
            match request {
                PollRequest::Get { path, headers } => {
                    scope.text(path)?;
                    scope.pairs(headers)
                }
                PollRequest::Query { query, params } => {
                    scope.text(query)?;
                    params.iter().try_for_each(|param| scope.json(param))
                }
            }
        }
    }
}

fn matching(scope: Scope<'_>, matching: Option<&Match>) -> Result<(), String> {
    matching.map_or(Ok(()), |matching| scope.text(&matching.equals))
}

fn channel(scope: Scope<'_>, channel: &Channel) -> Result<(), String> {
    match channel {
        Channel::Nats { subject: name }
        | Channel::AmqpQueue { queue: name }
        | Channel::RedisStream { stream: name }
        | Channel::RedisChannel { channel: name } => scope.text(name),
        Channel::Kafka { topic, key, partition: _ } => {
            scope.text(topic)?;
            option(scope, key.as_ref())
        }
        Channel::AmqpExchange { exchange, routing_key } => {
            scope.text(exchange)?;
            scope.text(routing_key)
        }
        Channel::Mqtt { topic, qos, retain: _ } => {
            ensure(*qos <= 2, || "a quality of service is 0, 1 or 2".to_owned())?;
            scope.text(topic)
        }
    }
}

/// Checks what a sink mentions.
pub(super) fn sink(world: Scope<'_>, sink: &Sink) -> Result<(), String> {
    ensure(sink.interval_ns > 0, || "a sink has an interval above 0".to_owned())?;
    world.pairs(&sink.labels)?;
    let auth = |auth: Option<&SinkAuth>| match auth {
        Some(SinkAuth::Login(found)) => login(world, Some(found)),
        Some(SinkAuth::Token(token)) => world.text(token),
        None => Ok(()),
    };
    let web = |url: &Text, headers: &[NameValue]| {
        world.text(url)?;
        world.pairs(headers)
    };
    match &sink.to {
        SinkTarget::Timescale(to) | SinkTarget::Postgres(to) => world.text(&to.url),
        SinkTarget::Influx(to) => {
            world.text(&to.url)?;
            match &to.store {
                InfluxStore::Database { database, login: who } => {
                    world.text(database)?;
                    login(world, who.as_ref())
                }
                InfluxStore::Bucket { org, bucket, token } => {
                    [org, bucket, token].into_iter().try_for_each(|text| world.text(text))
                }
            }
        }
        SinkTarget::Prometheus(to) => {
            web(&to.url, &to.headers)?;
            auth(to.auth.as_ref())
        }
        SinkTarget::Otlp(to) => web(&to.url, &to.headers),
        SinkTarget::Loki(to) => {
            world.text(&to.url)?;
            option(world, to.tenant.as_ref())?;
            auth(to.auth.as_ref())
        }
        SinkTarget::Datadog(to) => {
            world.text(&to.site)?;
            world.text(&to.api_key)
        }
        SinkTarget::Splunk(to) => {
            world.text(&to.url)?;
            world.text(&to.token)?;
            option(world, to.index.as_ref())
        }
        SinkTarget::Statsd(to) => world.text(&to.address),
        SinkTarget::Jsonl(to) | SinkTarget::Csv(to) => {
            let plain = !to.path.is_empty() && !to.path.contains(['/', '\\']);
            ensure(plain, || format!("`{}` is the name of a file", to.path))
        }
        SinkTarget::Webhook(to) => web(&to.url, &to.headers),
        SinkTarget::Kafka(to) => {
            texts(world, &to.brokers)?;
            world.text(&to.topic)?;
            tls(world, to.tls.as_ref())?;
            sasl(world, to.sasl.as_ref())
        }
        SinkTarget::Elastic(to) => {
            world.text(&to.url)?;
            world.text(&to.index)?;
            match &to.auth {
                Some(ElasticAuth::Login(found)) => login(world, Some(found)),
                Some(ElasticAuth::ApiKey(key)) => world.text(key),
                None => Ok(()),
            }
        }
    }
}
