//! (pure) A mapping of settings, read key by key: what is missing gets its default, what is broken is remembered.

use std::ops::RangeInclusive;

use crate::artifact::{Login, NameValue, Piece, SlotSource, Text, Tls};
use crate::diagnostic::Diagnostic;
use crate::model::header::headers;
use crate::model::lower::{Lower, Site};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, Node};

/// An address in the settings, to be checked once all vars are known.
#[derive(Clone, Debug)]
pub struct Address {
    /// As it is sealed.
    pub text: Text,
    /// Where it stands.
    pub span: Span,
    /// How it may begin, such as `nats://`; none for `host:port`, an empty one where that may stand too.
    pub schemes: &'static [&'static str],
    /// An example of a good one.
    pub example: &'static str,
    /// Whether it is an HTTP endpoint's `base_url`, which has a code of its own.
    pub base_url: bool,
}

/// How an address is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// How it may begin; none for `host:port`, an empty one where that may stand too.
    pub(super) schemes: &'static [&'static str],
    /// An example.
    pub(super) example: &'static str,
}

/// The settings of one mapping.
pub(super) struct Settings<'n, 'w, 'l> {
    pub(super) node: Node<'n>,
    pub(super) work: &'w mut Lower<'l>,
    /// Whether nothing was broken so far.
    pub(super) whole: bool,
    /// Addresses that were read.
    pub(super) addresses: Vec<Address>,
}

impl<'n, 'l> Settings<'n, '_, 'l> {
    pub(super) fn new<'w>(node: Node<'n>, work: &'w mut Lower<'l>) -> Settings<'n, 'w, 'l> {
        Settings { node, work, whole: !node.is_hole(), addresses: Vec::new() }
    }

    /// Returns what `read` makes of the value at `key`; `None` if there is none.
    fn read<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(Node<'n>, &mut Lower<'l>) -> Option<T>,
    ) -> Option<T> {
        let (_, node) = self.node.entry(key)?;
        let value = if node.is_hole() { None } else { read(node, self.work) };
        self.whole &= value.is_some();
        value
    }

    /// Returns what `read` makes of the mapping at `key`.
    pub(super) fn inner<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Settings<'n, '_, 'l>) -> Option<T>,
    ) -> Option<T> {
        let (_, node) = self.node.entry(key)?;
        let mut inner = Settings::new(node, self.work);
        let value = if inner.whole { read(&mut inner) } else { None };
        let (whole, addresses) = (inner.whole, inner.addresses);
        self.whole &= whole && value.is_some();
        self.addresses.extend(addresses);
        value
    }

    /// Returns a text that must be there, which the schema checks.
    pub(super) fn must(&mut self, text: Option<Text>) -> Text {
        self.whole &= text.is_some();
        text.unwrap_or_default()
    }

    /// Returns a text that is rendered once on each node.
    pub(super) fn text(&mut self, key: &str) -> Option<Text> {
        self.read(key, |node, work| work.text(node, Site::Setting))
    }

    /// Returns a list of such texts, or one alone.
    pub(super) fn texts(&mut self, key: &str) -> Vec<Text> {
        let texts = self.read(key, |node, work| {
            let items: Vec<_> = node.items().map(|item| work.text(item, Site::Setting)).collect();
            items.into_iter().collect::<Option<Vec<_>>>()
        });
        texts.unwrap_or_default()
    }

    /// Returns a text that only a secret may give.
    pub(super) fn credential(&mut self, key: &str) -> Option<Text> {
        self.read(key, |node, work| {
            let text = work.text(node, Site::Setting)?;
            credential(key, node, &text, work).then_some(text)
        })
    }

    /// Returns an address; the analysis checks it.
    pub(super) fn address(&mut self, key: &str, site: Site, form: Form) -> Text {
        let found = self.read(key, |node, work| {
            let text = work.text(node, site)?;
            Some((text, node.span()))
        });
        let Some((text, span)) = found else {
            self.whole = false;
            return Text::default();
        };
        self.addresses.push(address(text.clone(), span, form));
        text
    }

    /// Returns a list of addresses.
    pub(super) fn address_list(&mut self, key: &str, form: Form) -> Vec<Text> {
        let found = self.read(key, |node, work| {
            let items = node.items().map(|item| {
                let text = work.text(item, Site::Setting)?;
                Some(address(text, item.span(), form))
            });
            items.collect::<Vec<_>>().into_iter().collect::<Option<Vec<Address>>>()
        });
        self.whole &= found.is_some();
        let found = found.unwrap_or_default();
        let texts = found.iter().map(|address| address.text.clone()).collect();
        self.addresses.extend(found);
        texts
    }

    /// Returns a text without templates.
    pub(super) fn literal(&mut self, key: &str, what: &str) -> Option<Spanned<String>> {
        self.read(key, |node, work| work.literal(node, what))
    }

    /// Returns a list of texts without templates.
    pub(super) fn literals(&mut self, key: &str, what: &str) -> Vec<Spanned<String>> {
        let found = self.read(key, |node, work| {
            let items: Vec<_> = node.items().map(|item| work.literal(item, what)).collect();
            items.into_iter().collect::<Option<Vec<_>>>()
        });
        found.unwrap_or_default()
    }

    /// Returns a length above 0, in nanoseconds.
    pub(super) fn length(&mut self, key: &str, default_ns: u64) -> u64 {
        let length = self.read(key, |node, work| work.positive_length(node));
        length.map_or(default_ns, |length| length.value)
    }

    /// Returns a length that may be 0, in nanoseconds.
    pub(super) fn length_or_none(&mut self, key: &str, default_ns: u64) -> u64 {
        self.read(key, |node, work| work.length(node)).map_or(default_ns, |length| length.value)
    }

    /// Returns a size above 0, in bytes.
    pub(super) fn size(&mut self, key: &str, default: u64) -> u64 {
        let size = self.read(key, |node, work| {
            let bytes = work.bytes(node)?;
            if bytes.value == 0 {
                let what = key.strip_prefix("max_").unwrap_or(key);
                let message = format!("a {what} of 0 bytes holds nothing");
                work.out_of_range(bytes.span, message, "write a size above `0B`");
                return None;
            }
            Some(bytes.value)
        });
        size.unwrap_or(default)
    }

    /// Returns a whole number.
    pub(super) fn number(&mut self, key: &str, default: u32, range: RangeInclusive<u32>) -> u32 {
        let range = u64::from(*range.start())..u64::from(*range.end()) + 1;
        let number = self.read(key, |node, work| work.whole(node, range));
        number.and_then(|number| u32::try_from(number.value).ok()).unwrap_or(default)
    }

    /// Returns `true` or `false`.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        self.read(key, |node, work| work.flag(node)).unwrap_or(default)
    }

    /// Returns one of a few words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)], default: T) -> T {
        self.read(key, |node, work| work.one_of(node, words)).unwrap_or(default)
    }

    /// Returns a mapping of headers.
    pub(super) fn headers(&mut self, site: Site) -> Vec<NameValue> {
        self.read("headers", |node, work| headers(node, site, work)).unwrap_or_default()
    }

    /// Returns a mapping of names to texts.
    pub(super) fn pairs(&mut self, key: &str, site: Site) -> Vec<NameValue> {
        self.read(key, |node, work| pairs(node, site, work)).unwrap_or_default()
    }

    /// Returns a name and its password from `user` and `password`.
    pub(super) fn login(&mut self, key: &str) -> Option<Login> {
        self.inner(key, |login| {
            let user = login.text("user").unwrap_or_default();
            let password = login.credential("password");
            Some(Login { user, password: login.must(password) })
        })
    }

    /// Returns how the connection is encrypted; `tls: true` is the default way.
    pub(super) fn tls(&mut self) -> Option<Tls> {
        let (entry, node) = self.node.entry("tls")?;
        if let Kind::Bool(wanted) = node.kind() {
            return wanted.then(Tls::default);
        }
        let span = entry.key_span;
        self.inner("tls", |tls| {
            let found = Tls {
                ca: tls.text("ca"),
                cert: tls.text("cert"),
                key: tls.credential("key"),
                verify: tls.flag("verify", true),
                server_name: tls.text("server_name"),
                resumption: tls.flag("resumption", true),
            };
            let (there, missing) = match (&found.cert, &found.key) {
                (Some(_), None) if tls.node.entry("key").is_none() => ("cert", "key"),
                (None, Some(_)) if tls.node.entry("cert").is_none() => ("key", "cert"),
                _ => return Some(found),
            };
            let message = format!("`tls` has a `{there}` and no `{missing}`");
            let problem = Diagnostic::error("plan::endpoint::setting", span, message);
            tls.work.push(problem.label("one without the other").help(
                "a certificate needs its key: `tls: { cert: /etc/volley/client.pem, key: \"{{ secrets.client_key }}\" }`",
            ));
            None
        })
    }
}

/// Returns an address that is to be checked.
fn address(text: Text, span: Span, form: Form) -> Address {
    Address { text, span, schemes: form.schemes, example: form.example, base_url: false }
}

/// Returns whether `text` comes from a secret, and reports it otherwise; what is written is not repeated.
pub(super) fn credential(key: &str, node: Node<'_>, text: &Text, work: &mut Lower<'_>) -> bool {
    let secret = |piece: &Piece| match piece {
        Piece::Slot(slot) => matches!(slot.from, SlotSource::Secret(_)),
        Piece::Literal(_) => false,
    };
    // A name that is no secret but may become one is reported as unknown already.
    if text.0.iter().any(secret) {
        return true;
    }
    let message = format!("`{key}` is written into the plan");
    let found = Diagnostic::error("plan::secret::literal", node.span(), message);
    work.push(found.label("everybody who has the plan can read it").help(format!(
        "declare it under `secrets`, and write `{key}: \"{{{{ secrets.{key} }}}}\"`"
    )));
    false
}

/// Lowers a mapping of names to texts.
pub(super) fn pairs(node: Node<'_>, site: Site, work: &mut Lower<'_>) -> Option<Vec<NameValue>> {
    let mut pairs = Vec::new();
    let mut whole = !node.is_hole();
    for (entry, value) in node.entries() {
        whole &= work.plain_key(&entry.key, entry.key_span);
        match work.text(value, site) {
            Some(value) => pairs.push(NameValue { name: entry.key.clone(), value }),
            None => whole = false,
        }
    }
    whole.then_some(pairs)
}
