//! (pure) Short words for messages, calls, statements and programs.

use super::{length, template};
use crate::artifact::{Action, AwaitAction, AwaitSource, BrowserAct, Channel, PollRequest, Text};

/// Returns what an action other than HTTP and waits does, such as `publish bus orders.created`.
pub(super) fn action(action: &Action) -> String {
    match action {
        Action::Publish(publish) => {
            format!("publish {} {}", publish.endpoint, channel(&publish.channel))
        }
        Action::Await(wait) => awaited(wait),
        Action::Browser(browser) => {
            let first = browser.actions.iter().find_map(|act| match act {
                BrowserAct::Goto(page) => Some(format!(" {}", template(page))),
                BrowserAct::Click(_)
                | BrowserAct::Fill { .. }
                | BrowserAct::Press { .. }
                | BrowserAct::Select { .. }
                | BrowserAct::Wait { .. }
                | BrowserAct::WaitFor(_)
                | BrowserAct::Screenshot(_)
                | BrowserAct::Evaluate(_) => None,
            });
            let count = browser.actions.len();
            let actions = if count == 1 { "action" } else { "actions" };
            format!("browser{}, {count} {actions}", first.unwrap_or_default())
        }
        Action::Websocket(socket) => {
            format!("websocket {} {}", socket.endpoint, template(&socket.path))
        }
        Action::Sse(sse) => {
            let within = length(sse.within_ns);
            let count = counted(sse.count);
            format!("sse {} {}{count} within {within}", sse.endpoint, template(&sse.path))
        }
        Action::Grpc(grpc) => format!("grpc {} {}/{}", grpc.endpoint, grpc.service, grpc.method),
        Action::Sql(sql) => format!("sql {} {}", sql.endpoint, statement(&sql.query)),
        Action::Tcp(tcp) => format!("tcp {}", tcp.endpoint),
        Action::Exec(exec) => {
            let words: Vec<String> = exec.command.iter().map(template).collect();
            format!("exec {}", words.join(" "))
        }
        Action::Wasm(wasm) => format!("wasm {} {}", wasm.file, wasm.function),
        Action::Http(_)
        | Action::Wait(_)
        | Action::ForEach(_)
        | Action::Repeat(_)
        | Action::Choose(_)
        | Action::Call(_) => action.word().to_owned(),
    }
}

fn awaited(wait: &AwaitAction) -> String {
    let within = length(wait.within_ns);
    match &wait.source {
        AwaitSource::Message { channel: from, matching: _, count, distinct } => {
            let differing = if distinct.is_some() { " distinct" } else { "" };
            let count = match count {
                0 => " none".to_owned(),
                count => counted(*count),
            };
            let from = channel(from);
            format!("await {} {from}{count}{differing} within {within}", wait.endpoint)
        }
        AwaitSource::Poll { request, every_ns, until: _ } => {
            let asked = match request {
                PollRequest::Get { path, headers: _ } => format!("GET {}", template(path)),
                PollRequest::Query { query, params: _ } => statement(query),
            };
            let every = length(*every_ns);
            format!("await {} {asked} every {every} within {within}", wait.endpoint)
        }
    }
}

fn counted(count: u32) -> String {
    if count == 1 { String::new() } else { format!(" {count} times") }
}

fn channel(channel: &Channel) -> String {
    match channel {
        Channel::Nats { subject } => template(subject),
        Channel::Kafka { topic, key: _, partition: _ } => template(topic),
        Channel::AmqpExchange { exchange, routing_key } => {
            format!("{} {}", template(exchange), template(routing_key))
        }
        Channel::AmqpQueue { queue } => template(queue),
        Channel::Mqtt { topic, qos: _, retain: _ } => template(topic),
        Channel::RedisStream { stream } => template(stream),
        Channel::RedisChannel { channel } => template(channel),
    }
}

/// Returns a statement in one line.
fn statement(query: &Text) -> String {
    template(query).split_whitespace().collect::<Vec<_>>().join(" ")
}
