//! What the shop answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use compiler::seed::Seed;
use compiler::unit::SECOND_NS;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::DemoOptions;
use super::log::Log;
use crate::clock::{Clock, Ticks};

/// Orders that are remembered; older ones are forgotten.
const ORDERS_MAX: usize = 1_000_000;

/// How long an order is `accepted` before it is `completed`, in nanoseconds.
const FULFILMENT_NS: u64 = SECOND_NS / 2;

/// Largest request body in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Products are `sku-000` to `sku-049`.
const PRODUCTS: u64 = 50;
const PRODUCTS_A_PAGE: u64 = 10;

/// The shop. Nothing in it grows without a bound.
pub(super) struct Shop {
    clock: Clock,
    started: Ticks,
    faults: Faults,
    sessions: Seed,
    logins: AtomicU64,
    carts: AtomicU64,
    orders: Mutex<Orders>,
    log: Option<Arc<Log>>,
}

/// What goes wrong, by the number of the request.
struct Faults {
    requests: AtomicU64,
    latency: Seed,
    latency_ns: u64,
    errors: Seed,
    errors_millionths: u64,
    /// From and to, in ticks.
    stall: Option<(Ticks, Ticks)>,
}

#[derive(Default)]
struct Orders {
    /// Number of the oldest one that is remembered.
    first: u64,
    kept: VecDeque<Order>,
}

#[derive(Clone, Copy)]
struct Order {
    at: Ticks,
    sku: u64,
    qty: u64,
}

type Answer = (StatusCode, Value);

impl Shop {
    pub(super) fn new(options: &DemoOptions, clock: Clock, log: Option<Arc<Log>>) -> Shop {
        let started = clock.now();
        let seed = Seed::root(options.seed).child("demo");
        let stall = options.stall.map(|stall| {
            let from = started.saturating_add(stall.at_ns);
            (from, from.saturating_add(stall.length_ns))
        });
        Shop {
            clock,
            started,
            faults: Faults {
                requests: AtomicU64::new(0),
                latency: seed.child("latency"),
                latency_ns: options.latency_ns,
                errors: seed.child("errors"),
                errors_millionths: options.errors.0,
                stall,
            },
            sessions: seed.child("sessions"),
            logins: AtomicU64::new(0),
            carts: AtomicU64::new(0),
            orders: Mutex::new(Orders::default()),
            log,
        }
    }

    fn write_line(&self, request: &Request) {
        let Some(log) = &self.log else { return };
        let header =
            |name: &str| request.headers().get(name).map_or(&b"-"[..], HeaderValue::as_bytes);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let (arrival, step) = (header("x-volley-arrival"), header("x-volley-step"));
        log.line(self.clock.now(), request.method().as_str(), path, arrival, step);
    }

    /// Waits as long as request `number` takes, and through a stall.
    async fn delay(&self, number: u64) {
        let latency_ns = self.faults.latency_of(number);
        if latency_ns > 0 {
            tokio::time::sleep(Duration::from_nanos(latency_ns)).await;
        }
        if let Some((from, to)) = self.faults.stall {
            let now = self.clock.now();
            if (from..to).contains(&now) {
                tokio::time::sleep(Duration::from_nanos(to - now)).await;
            }
        }
    }

    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
        let mut segments = path.trim_matches('/').split('/');
        let place = (segments.next().unwrap_or(""), segments.next(), segments.next());
        let known = matches!(
            place,
            ("health" | "login" | "products" | "recommendations" | "orders" | "cart", _, None)
        );
        match (method.as_str(), place) {
            ("OPTIONS", _) if known => (StatusCode::NO_CONTENT, Value::Null),
            ("GET" | "HEAD", ("health", None, None)) => {
                let up_ms = self.clock.now().saturating_sub(self.started) / 1_000_000;
                ok(json!({ "status": "up", "up_ms": up_ms }))
            }
            ("POST", ("login", None, None)) => self.login(body),
            ("GET" | "HEAD", ("products", Some(sku), None)) => match product_number(sku) {
                Some(number) => ok(product(number)),
                None => error(StatusCode::NOT_FOUND, "there is no such product"),
            },
            ("GET" | "HEAD", ("recommendations", None, None)) => {
                let shown = self.carts.load(Ordering::Relaxed);
                let skus = (0..3).map(|n| product((shown + 7 * n) % PRODUCTS));
                ok(json!({ "products": skus.collect::<Vec<_>>() }))
            }
            (_, ("orders" | "cart", _, None)) if !self.is_known(headers) => {
                error(StatusCode::UNAUTHORIZED, "log in first")
            }
            ("POST", ("orders", None, None)) => self.order(body),
            ("GET" | "HEAD", ("orders", Some(id), None)) => self.order_state(id),
            ("POST", ("cart", None, None)) => self.put_into_cart(body),
            ("PUT" | "PATCH" | "DELETE", ("cart", Some(id), None)) => change_cart(method, id),
            _ if known => error(StatusCode::METHOD_NOT_ALLOWED, "this cannot be done here"),
            _ => error(StatusCode::NOT_FOUND, "there is nothing here"),
        }
    }

    fn login(&self, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(user) = body["user"].as_str().filter(|user| !user.is_empty()) else {
            return error(StatusCode::BAD_REQUEST, "a login needs a `user`");
        };
        let number = self.logins.fetch_add(1, Ordering::Relaxed);
        let token = format!("{number:x}.{:016x}", self.sessions.draw(number));
        ok(json!({ "token": token, "user": user }))
    }

    /// Returns whether a session of this shop is named, or failing that anything that bears a token.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        if let Some(session) = headers.get("x-session") {
            let session = session.to_str().ok().and_then(|session| session.split_once('.'));
            return session.is_some_and(|(number, token)| {
                let number = u64::from_str_radix(number, 16).ok();
                let number = number.filter(|n| *n < self.logins.load(Ordering::Relaxed));
                let token = u64::from_str_radix(token, 16).ok();
                number.is_some_and(|number| token == Some(self.sessions.draw(number)))
            });
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        bearer.and_then(|text| text.strip_prefix("Bearer ")).is_some_and(|token| !token.is_empty())
    }

    fn order(&self, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let sku = body["sku"].as_str().and_then(product_number);
        let (Some(sku), Some(qty)) = (sku, body["qty"].as_u64().filter(|qty| *qty > 0)) else {
            return error(StatusCode::UNPROCESSABLE_ENTITY, "an order needs a `sku` and a `qty`");
        };
        let order = Order { at: self.clock.now(), sku, qty };
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.kept.len() == ORDERS_MAX {
            orders.kept.pop_front();
            orders.first += 1;
        }
        let number = orders.first + orders.kept.len() as u64;
        orders.kept.push_back(order);
        (StatusCode::CREATED, order.json(number, "accepted"))
    }

    fn order_state(&self, id: &str) -> Answer {
        let number = id.strip_prefix("o-").and_then(|number| number.parse::<u64>().ok());
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let at = number.and_then(|number| number.checked_sub(orders.first));
        let order = at.and_then(|at| orders.kept.get(usize::try_from(at).ok()?)).copied();
        let (Some(number), Some(order)) = (number, order) else {
            return error(StatusCode::NOT_FOUND, "there is no such order");
        };
        let age_ns = self.clock.now().saturating_sub(order.at);
        ok(order.json(number, if age_ns < FULFILMENT_NS { "accepted" } else { "completed" }))
    }

    fn put_into_cart(&self, body: &[u8]) -> Answer {
        let mut fields = url::form_urlencoded::parse(body);
        let sku = fields.find(|(name, _)| name == "sku").and_then(|(_, sku)| product_number(&sku));
        match sku {
            Some(sku) => {
                let number = self.carts.fetch_add(1, Ordering::Relaxed) + 1;
                (StatusCode::CREATED, json!({ "id": number, "sku": sku_of(sku) }))
            }
            None => error(StatusCode::UNPROCESSABLE_ENTITY, "a cart takes a `sku` of this shop"),
        }
    }
}

impl Faults {
    /// Returns the exponentially distributed latency of a request, at most ten times the mean.
    fn latency_of(&self, number: u64) -> u64 {
        const MEANS_MAX: f64 = 10.0;
        const STEPS: u32 = 1 << 30;
        if self.latency_ns == 0 {
            return 0;
        }
        let drawn = u32::try_from(self.latency.below(number, u64::from(STEPS))).unwrap_or(0);
        let means = -(f64::from(drawn + 1) / f64::from(STEPS)).ln();
        Duration::from_nanos(self.latency_ns)
            .mul_f64(means.clamp(0.0, MEANS_MAX))
            .as_nanos()
            .try_into()
            .unwrap_or(self.latency_ns)
    }

    fn fails(&self, number: u64) -> bool {
        self.errors_millionths > 0 && self.errors.below(number, 1_000_000) < self.errors_millionths
    }
}

impl Order {
    fn json(self, number: u64, state: &str) -> Value {
        json!({ "id": format!("o-{number}"), "state": state, "sku": sku_of(self.sku), "qty": self.qty })
    }
}

/// Answers a request.
pub(super) async fn handle(State(shop): State<Arc<Shop>>, request: Request) -> Response {
    shop.write_line(&request);
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return respond(error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    };
    let number = shop.faults.requests.fetch_add(1, Ordering::Relaxed);
    shop.delay(number).await;
    if shop.faults.fails(number) {
        return respond(error(StatusCode::INTERNAL_SERVER_ERROR, "the shop fails as it was told"));
    }
    let path = head.uri.path();
    if let ("GET" | "HEAD", "/products") = (head.method.as_str(), path) {
        return respond(products(head.uri.query().unwrap_or("")));
    }
    let mut response = respond(shop.answer(&head.method, path, &head.headers, &body));
    if head.method == Method::OPTIONS {
        let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

fn respond((status, body): Answer) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if !body.is_null() {
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        *response.body_mut() = Body::from(body.to_string());
    }
    response
}

fn ok(body: Value) -> Answer {
    (StatusCode::OK, body)
}

fn error(status: StatusCode, message: &str) -> Answer {
    (status, json!({ "error": message }))
}

fn change_cart(method: &Method, id: &str) -> Answer {
    match id.parse::<u64>() {
        Ok(_) if *method == Method::DELETE => (StatusCode::NO_CONTENT, Value::Null),
        Ok(id) => ok(json!({ "id": id, "changed": true })),
        Err(_) => error(StatusCode::NOT_FOUND, "there is no such cart"),
    }
}

fn products(query: &str) -> Answer {
    const PAGES: u64 = PRODUCTS / PRODUCTS_A_PAGE;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let page = pairs.find(|(name, _)| name == "page").map(|(_, page)| page.parse::<u64>());
    let Some(page) = page.unwrap_or(Ok(1)).ok().filter(|page| (1..=PAGES).contains(page)) else {
        return error(StatusCode::NOT_FOUND, "there is no such page");
    };
    let first = (page - 1) * PRODUCTS_A_PAGE;
    let shown: Vec<Value> = (first..first + PRODUCTS_A_PAGE).map(product).collect();
    ok(json!({ "page": page, "pages": PAGES, "products": shown }))
}

fn product(number: u64) -> Value {
    let price = 199 + number * 137 % 4_800;
    json!({ "sku": sku_of(number), "name": format!("Product {number}"), "price": price })
}

fn sku_of(number: u64) -> String {
    format!("sku-{number:03}")
}

fn product_number(sku: &str) -> Option<u64> {
    let number = sku.strip_prefix("sku-")?.parse().ok()?;
    (0..PRODUCTS).contains(&number).then_some(number)
}
