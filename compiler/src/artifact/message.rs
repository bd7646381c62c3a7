//! Messages: what `publish` sends, and what `await` waits for.

use serde::{Deserialize, Serialize};

use super::{Body, Expect, Json, NameValue, Pointer, Text};

/// Sends a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishAction {
    /// Name of the endpoint, a broker.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// Where to.
    pub channel: Channel,
    /// Headers of the message.
    pub headers: Vec<NameValue>,
    /// What it carries.
    pub body: Body,
}

/// A place of a broker that messages go to and come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Of NATS.
    Nats {
        /// Subject; one that is awaited may hold `*` and `>`.
        subject: Text,
    },
    /// Of Kafka.
    Kafka {
        /// Topic.
        topic: Text,
        /// Key of a message that is sent.
        key: Option<Text>,
        /// Partition; the key's, or any, where there is none.
        partition: Option<u32>,
    },
    /// Of AMQP, by way of an exchange.
    AmqpExchange {
        /// Exchange.
        exchange: Text,
        /// Routing key; of an await, the binding key of a queue of its own.
        routing_key: Text,
    },
    /// Of AMQP, a queue.
    AmqpQueue {
        /// Queue.
        queue: Text,
    },
    /// Of MQTT.
    Mqtt {
        /// Topic; one that is awaited may hold `+` and `#`.
        topic: Text,
        /// Quality of service, 0 to 2.
        qos: u8,
        /// Whether the broker keeps a message that is sent for later subscribers.
        retain: bool,
    },
    /// Of Redis, a stream.
    RedisStream {
        /// Stream.
        stream: Text,
    },
    /// Of Redis, publish and subscribe.
    RedisChannel {
        /// Channel.
        channel: Text,
    },
}

/// Waits for messages, or asks until the answer is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwaitAction {
    /// Name of the endpoint.
    #[serde(rename = "use")]
    pub endpoint: String,
    /// What ends it.
    pub source: AwaitSource,
    /// Longest wait, counted from `since`.
    pub within_ns: u64,
    /// The step whose send (for an await, whose match) it counts from; it always comes before.
    pub since: String,
}

/// What ends an await.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AwaitSource {
    /// Messages.
    Message {
        /// Where from.
        channel: Channel,
        /// Which; all of the channel where there is none.
        matching: Option<Match>,
        /// How many; 0: none must come in all of the time.
        count: u32,
        /// Messages that are equal in this count once.
        distinct: Option<MatchPart>,
    },
    /// Answers.
    Poll {
        /// What is asked.
        request: PollRequest,
        /// Time between two requests.
        every_ns: u64,
        /// What must hold of an answer.
        until: Expect,
    },
}

/// What a poll asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PollRequest {
    /// An HTTP GET.
    Get {
        /// Path after the endpoint's `base_url`.
        path: Text,
        /// Headers besides the endpoint's.
        headers: Vec<NameValue>,
    },
    /// A query of a database.
    Query {
        /// The statement.
        query: Text,
        /// Values of its placeholders.
        params: Vec<Json>,
    },
}

/// Which message is the right one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// What is read of a message.
    pub part: MatchPart,
    /// The text that it must be equal to.
    pub equals: Text,
}

/// What is read of a message, as text.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MatchPart {
    /// A JSONPath into the body.
    Json(Pointer),
    /// A header, by lowercase name.
    Header(String),
    /// Its key.
    Key,
    /// A regular expression over the body: its first group, else the whole match.
    Regex(String),
    /// A regular expression over its subject, topic or routing key: its first group, else the whole match.
    Subject(String),
}
