//! (pure) Channels: subjects, topics, queues, streams, each in the words of its broker.

use crate::artifact::{Channel, EndpointKind, Piece, Text};
use crate::diagnostic::Diagnostic;
use crate::model::lower::{Lower, Site};
use crate::source::Span;
use crate::syntax::Node;

/// Brokers, which have channels.
pub(super) const BROKERS: [EndpointKind; 5] = [
    EndpointKind::Nats,
    EndpointKind::Kafka,
    EndpointKind::Amqp,
    EndpointKind::Mqtt,
    EndpointKind::Redis,
];

/// Every word of a channel.
const WORDS: [&str; 11] = [
    "subject",
    "topic",
    "key",
    "partition",
    "exchange",
    "routing_key",
    "queue",
    "qos",
    "retain",
    "stream",
    "channel",
];

/// Longest name of a Kafka topic.
const TOPIC_MAX: usize = 249;

/// Whether a channel is sent to or listened to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    Sends,
    Awaits,
}

/// Returns whether `key` is a word of a channel.
pub(super) fn is_word(key: &str) -> bool {
    WORDS.contains(&key)
}

/// Lowers the channel of an action that stands at `key` and uses an endpoint of `kind`.
pub(super) fn lower(
    key: Span,
    node: Node<'_>,
    kind: EndpointKind,
    way: Way,
    work: &mut Lower<'_>,
) -> Option<Channel> {
    let words = words(kind, way);
    let mut strange = false;
    for (entry, _) in node.entries().filter(|(_, value)| !value.is_hole()) {
        let word = entry.key.as_str();
        if is_word(word) && !words.contains(&word) {
            strange = true;
            let known: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            let message = format!("`{word}` is no word of {}", place(kind, way));
            let found = Diagnostic::error("plan::channel::kind", entry.key_span, message);
            let help = format!("{} has {}", place(kind, way), known.join(", "));
            work.push(found.label("not of this kind").help(help));
        }
    }
    if strange {
        return None;
    }
    let has = |word: &str| node.entry(word).is_some();
    let alternatives = match kind {
        EndpointKind::Amqp if has("queue") && (has("exchange") || has("routing_key")) => {
            Some(("queue", if has("exchange") { "exchange" } else { "routing_key" }))
        }
        EndpointKind::Redis if has("stream") && has("channel") => Some(("stream", "channel")),
        _ => None,
    };
    if let Some((first, second)) = alternatives {
        let span = node.entry(second).map_or(key, |(entry, _)| entry.key_span);
        let message = format!("the message has both `{first}` and `{second}`");
        let found = Diagnostic::error("plan::channel::kind", span, message);
        work.push(found.label("one too many").help("keep exactly one of them"));
        return None;
    }
    let mut reader = Reader { key, node, kind, way, work };
    Some(match kind {
        EndpointKind::Nats => Channel::Nats { subject: reader.name("subject")? },
        EndpointKind::Kafka => kafka(&mut reader)?,
        EndpointKind::Amqp if has("queue") => Channel::AmqpQueue { queue: reader.name("queue")? },
        EndpointKind::Amqp => {
            if !has("exchange") && !has("routing_key") {
                reader.missing("queue", "or `exchange` with `routing_key`");
                return None;
            }
            let exchange = reader.name("exchange");
            let routing_key = reader.name("routing_key");
            Channel::AmqpExchange { exchange: exchange?, routing_key: routing_key? }
        }
        EndpointKind::Mqtt => mqtt(&mut reader)?,
        EndpointKind::Redis if has("channel") => {
            Channel::RedisChannel { channel: reader.name("channel")? }
        }
        EndpointKind::Redis => {
            if !has("stream") {
                reader.missing("stream", "or `channel`");
                return None;
            }
            Channel::RedisStream { stream: reader.name("stream")? }
        }
        EndpointKind::Http
        | EndpointKind::Websocket
        | EndpointKind::Sse
        | EndpointKind::Grpc
        | EndpointKind::Sql
        | EndpointKind::Tcp => return None,
    })
}

fn kafka(reader: &mut Reader<'_, '_, '_>) -> Option<Channel> {
    let topic = reader.name("topic");
    let node = reader.node;
    let key = match node.get("key") {
        Some(key) => reader.work.text(key, Site::Body).map(Some),
        None => Some(None),
    };
    let partition = match node.get("partition") {
        Some(partition) => {
            let number = reader.work.whole(partition, 0..1 << 31);
            number.map(|number| u32::try_from(number.value).ok())
        }
        None => Some(None),
    };
    Some(Channel::Kafka { topic: topic?, key: key?, partition: partition? })
}

fn mqtt(reader: &mut Reader<'_, '_, '_>) -> Option<Channel> {
    let topic = reader.name("topic");
    let node = reader.node;
    let qos = match node.get("qos") {
        Some(qos) => reader.work.whole(qos, 0..3).and_then(|qos| u8::try_from(qos.value).ok()),
        None => Some(1),
    };
    let retain = node.get("retain").map_or(Some(false), |retain| reader.work.flag(retain));
    Some(Channel::Mqtt { topic: topic?, qos: qos?, retain: retain? })
}

/// The words of a channel of `kind`.
fn words(kind: EndpointKind, way: Way) -> &'static [&'static str] {
    match (kind, way) {
        (EndpointKind::Nats, _) => &["subject"],
        (EndpointKind::Kafka, Way::Sends) => &["topic", "key", "partition"],
        (EndpointKind::Kafka, Way::Awaits) => &["topic"],
        (EndpointKind::Amqp, _) => &["exchange", "routing_key", "queue"],
        (EndpointKind::Mqtt, Way::Sends) => &["topic", "qos", "retain"],
        (EndpointKind::Mqtt, Way::Awaits) => &["topic", "qos"],
        (EndpointKind::Redis, _) => &["stream", "channel"],
        (_, _) => &[],
    }
}

fn place(kind: EndpointKind, way: Way) -> String {
    match way {
        Way::Sends => format!("a message to `{}`", kind.word()),
        Way::Awaits => format!("an await of `{}`", kind.word()),
    }
}

struct Reader<'n, 'w, 'l> {
    key: Span,
    node: Node<'n>,
    kind: EndpointKind,
    way: Way,
    work: &'w mut Lower<'l>,
}

impl Reader<'_, '_, '_> {
    fn missing(&mut self, word: &str, or: &str) {
        let message = format!("`{word}` is missing in {}", place(self.kind, self.way));
        let found = Diagnostic::error("plan::schema::missing-key", self.key, message);
        let or = if or.is_empty() { String::new() } else { format!(", {or}") };
        self.work.push(found.label(format!("has no `{word}`")).help(format!("add `{word}:`{or}")));
    }

    /// Returns the name at `word`, checked as its broker would.
    fn name(&mut self, word: &str) -> Option<Text> {
        let Some((_, node)) = self.node.entry(word) else {
            self.missing(word, "");
            return None;
        };
        if node.is_hole() {
            return None;
        }
        let text = self.work.text(node, Site::Channel)?;
        let Err(what) = check(self.kind, self.way, word, &sample(&text)) else { return Some(text) };
        let message = format!(
            "`{}` is no {word} for `{}`: {what}",
            node.as_str().unwrap_or(""),
            self.kind.word()
        );
        let found = Diagnostic::error("plan::channel::name", node.span(), message);
        let help = match self.kind {
            EndpointKind::Nats => {
                "write words with dots between them, such as `orders.created`; an await may hold `*` for a word and `>` at the end"
            }
            EndpointKind::Mqtt => {
                "write levels with `/` between them, such as `orders/created`; an await may hold `+` for a level and `#` at the end"
            }
            EndpointKind::Kafka => "write letters, digits, `.`, `_` and `-`, at most 249",
            _ => "write the name as the broker knows it",
        };
        self.work.push(found.label("no such name").help(help));
        None
    }
}

/// Returns a name as it could be: what templates put in is taken for a letter.
fn sample(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Slot(_) => "x".to_owned(),
    };
    text.0.iter().map(piece).collect()
}

fn check(kind: EndpointKind, way: Way, word: &str, name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        // The default exchange of AMQP has no name; an exchange that sends to all queues reads no key.
        let fits = matches!(word, "exchange" | "routing_key");
        return if fits { Ok(()) } else { Err("it is empty") };
    }
    match kind {
        EndpointKind::Nats => subject(way, name),
        EndpointKind::Mqtt => mqtt_topic(way, name),
        EndpointKind::Kafka => {
            let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !name.chars().all(good) {
                Err("it holds a character that no topic can")
            } else if name.len() > TOPIC_MAX || name == "." || name == ".." {
                Err("no broker takes it")
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    }
}

fn subject(way: Way, name: &str) -> Result<(), &'static str> {
    if name.contains(char::is_whitespace) {
        return Err("it holds a space");
    }
    let words: Vec<&str> = name.split('.').collect();
    if words.iter().any(|word| word.is_empty()) {
        return Err("a word between two dots is empty");
    }
    let wild = |word: &&str| matches!(*word, "*" | ">");
    if way == Way::Sends && words.iter().any(wild) {
        return Err("a message goes to one subject, without `*` and `>`");
    }
    match words.iter().position(|word| *word == ">") {
        Some(at) if at + 1 < words.len() => Err("`>` stands at the end only"),
        _ => Ok(()),
    }
}

fn mqtt_topic(way: Way, name: &str) -> Result<(), &'static str> {
    let levels: Vec<&str> = name.split('/').collect();
    if way == Way::Sends && name.contains(['+', '#']) {
        return Err("a message goes to one topic, without `+` and `#`");
    }
    if levels.iter().any(|level| level.len() > 1 && level.contains(['+', '#'])) {
        return Err("`+` and `#` stand for a whole level");
    }
    match levels.iter().position(|level| *level == "#") {
        Some(at) if at + 1 < levels.len() => Err("`#` stands at the end only"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_a_broker_takes() {
        use EndpointKind::{Kafka, Mqtt, Nats};
        use Way::{Awaits, Sends};
        for (kind, way, name) in [
            (Nats, Sends, "orders.created"),
            (Nats, Awaits, "orders.*.>"),
            (Mqtt, Sends, "/orders/created"),
            (Mqtt, Awaits, "orders/+/#"),
            (Kafka, Sends, "orders.v1_a-b"),
        ] {
            assert_eq!(check(kind, way, "topic", name), Ok(()), "{name}");
        }
        for (kind, way, name) in [
            (Nats, Sends, "orders.>"),
            (Nats, Sends, "orders..x"),
            (Nats, Sends, "a b"),
            (Nats, Awaits, "a.>.b"),
            (Mqtt, Sends, "orders/#"),
            (Mqtt, Awaits, "orders/#/a"),
            (Mqtt, Awaits, "orders/a+"),
            (Kafka, Awaits, "orders/v1"),
            (Kafka, Sends, ""),
        ] {
            assert!(check(kind, way, "topic", name).is_err(), "{name}");
        }
    }
}
