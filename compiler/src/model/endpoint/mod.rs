//! (pure) `endpoints`: connections of one kind each.

mod broker;
mod http;
mod server;

pub(super) use self::broker::{BROKERS, sasl};
use crate::artifact::{self, EndpointKind, Tracking, TrackingNames};
use crate::diagnostic::Diagnostic;
use crate::model::header::header_name;
use crate::model::lower::{Lower, Use};
use crate::model::name::Section;
use crate::model::settings::{Address, Settings};
use crate::source::Spanned;
use crate::syntax::{Kind, Node};
use crate::unit::SECOND_NS;

/// Longest wait for an answer where neither endpoint nor step says.
const TIMEOUT_NS_DEFAULT: u64 = 30 * SECOND_NS;

/// Longest wait for a connection where the endpoint does not say.
const CONNECT_NS_DEFAULT: u64 = 10 * SECOND_NS;

/// Largest answer that is read where the endpoint does not say.
const BODY_BYTES_DEFAULT: u64 = 10 << 20;

/// An endpoint with what its templates read.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// As the artifact has it.
    pub value: artifact::Endpoint,
    /// Its addresses, to be checked with all vars.
    pub addresses: Vec<Address>,
    /// Files that it names.
    pub files: Vec<Spanned<String>>,
    /// What its templates read.
    pub uses: Vec<Use>,
}

impl Endpoint {
    /// Returns its kind.
    pub fn kind(&self) -> EndpointKind {
        self.value.kind()
    }
}

pub(super) fn lower(top: Node<'_>, work: &mut Lower<'_>) -> Section<Endpoint> {
    Section::lower(top, "endpoints", |_, node| endpoint(node, work))
}

fn endpoint(node: Node<'_>, work: &mut Lower<'_>) -> Option<Endpoint> {
    let kinds = EndpointKind::ALL.iter();
    let (kind, inner) = kinds.filter_map(|(word, kind)| Some((*kind, node.get(word)?))).next()?;
    let mut files = Vec::new();
    let mut settings = Settings::new(inner, work);
    let settings = &mut settings;
    let value = match kind {
        EndpointKind::Http => http::http(settings),
        EndpointKind::Nats => broker::nats(settings),
        EndpointKind::Kafka => broker::kafka(settings),
        EndpointKind::Amqp => broker::amqp(settings),
        EndpointKind::Mqtt => broker::mqtt(settings),
        EndpointKind::Redis => broker::redis(settings),
        EndpointKind::Websocket => server::websocket(settings),
        EndpointKind::Sse => server::sse(settings),
        EndpointKind::Grpc => server::grpc(settings, &mut files),
        EndpointKind::Sql => server::sql(settings),
        EndpointKind::Tcp => server::tcp(settings),
    };
    let (whole, addresses) = (settings.whole, std::mem::take(&mut settings.addresses));
    let uses = work.take_uses();
    let value = value.filter(|_| whole)?;
    Some(Endpoint { value, addresses, files, uses })
}

/// Reads `headers`, `none` or `{ arrival, step }`.
fn tracking(settings: &mut Settings<'_, '_, '_>) -> Tracking {
    let Some((entry, node)) = settings.node.entry("tracking") else { return Tracking::Headers };
    if !matches!(node.kind(), Kind::Map(_)) {
        let words = [("headers", false), ("none", true)];
        return match settings.word("tracking", &words, false) {
            true => Tracking::None,
            false => Tracking::Headers,
        };
    }
    let span = entry.key_span;
    let names = settings.inner("tracking", |names| {
        let mut name = |key: &str, default: &str| match names.literal(key, "the name of a header") {
            Some(name) => header_name(&name.value, name.span, names.work),
            None => Some(default.to_owned()),
        };
        let arrival = name("arrival", "x-volley-arrival");
        let step = name("step", "x-volley-step");
        let names_found = TrackingNames { arrival: arrival?, step: step? };
        if names_found.arrival == names_found.step {
            let message = "`tracking` has one name for both arrival and step";
            let found = Diagnostic::error("plan::endpoint::setting", span, message);
            names.work.push(found.label("the same name twice").help("give each its own header"));
            return None;
        }
        Some(names_found)
    });
    names.map_or(Tracking::Headers, Tracking::Named)
}
