//! The shop as its clients see it.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::driver::{Driver, HttpDriver, Pool};
use crate::exchange::{Outcome, Request};
use crate::user::Target;

fn pool(demo: &Demo) -> Pool {
    let target = Target::new(&demo.addr.ip().to_string(), demo.addr.port());
    Driver::Http(HttpDriver::new(vec![target], Clock::real()).unwrap()).pool()
}

fn request(method: Method, path: &str, headers: &[(&'static str, &str)], body: &str) -> Request {
    let request = Request::new(method, path, 20_000_000_000).header("host", "shop");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    Request { body: Bytes::copy_from_slice(body.as_bytes()), ..request }
}

fn quick() -> DemoOptions {
    DemoOptions { latency_ns: 0, ..DemoOptions::default() }
}

fn body(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.body).unwrap_or_default()
}

#[tokio::test]
async fn a_shopper_logs_in_orders_and_reads_the_order_back() {
    let demo = start(quick(), Clock::real()).unwrap();
    let pool = pool(&demo);
    let send = async |method, path: &str, headers: &[(&'static str, &str)], body: &str| {
        pool.send(&request(method, path, headers, body)).await
    };
    let login = send(Method::POST, "/login", &[], r#"{"user": "ann"}"#).await;
    assert_eq!((login.status, body(&login)["user"].as_str()), (Some(200), Some("ann")));
    assert_eq!(login.headers["content-type"], "application/json");
    let token = body(&login)["token"].as_str().unwrap().to_owned();
    let session = [("x-session", token.as_str())];
    let order = send(Method::POST, "/orders", &session, r#"{"sku": "sku-007", "qty": 2}"#).await;
    let expected = json!({ "id": "o-0", "state": "accepted", "sku": "sku-007", "qty": 2 });
    assert_eq!((order.status, body(&order)), (Some(201), expected));
    let read = send(Method::GET, "/orders/o-0", &[("authorization", "Bearer x")], "").await;
    assert_eq!((read.status, body(&read)["qty"].as_u64()), (Some(200), Some(2)));
    let cart = send(Method::POST, "/cart", &session, "sku=sku-001&qty=1").await;
    assert_eq!(cart.status, Some(201));
    assert_eq!(send(Method::PUT, "/cart/1", &session, "x").await.status, Some(200));
    assert_eq!(send(Method::PATCH, "/cart/1", &session, "x").await.status, Some(200));
    assert_eq!(send(Method::DELETE, "/cart/1", &session, "").await.status, Some(204));
    demo.stop().unwrap();
}

/// Method, path, headers, status.
type Case<'a> = (Method, &'a str, &'a [(&'static str, &'a str)], u16);

#[tokio::test]
async fn products_have_pages_and_what_is_not_there_is_refused() {
    let demo = start(quick(), Clock::real()).unwrap();
    let pool = pool(&demo);
    let mut skus = BTreeSet::new();
    for page in 1..=5 {
        let outcome =
            pool.send(&request(Method::GET, &format!("/products?page={page}"), &[], "")).await;
        for product in body(&outcome)["products"].as_array().unwrap() {
            skus.insert(product["sku"].as_str().unwrap().to_owned());
            assert!(product["price"].as_u64().unwrap() > 0);
        }
    }
    assert_eq!(skus.len(), 50);
    let forged = [("x-session", "0.00000000000000ff"), ("authorization", "Bearer x")];
    let cases: [Case<'_>; 14] = [
        (Method::GET, "/products/sku-000", &[], 200),
        (Method::GET, "/products/sku-050", &[], 404),
        (Method::GET, "/products?page=6", &[], 404),
        (Method::GET, "/recommendations?sku=sku-001", &[], 200),
        (Method::GET, "/health", &[], 200),
        (Method::HEAD, "/health", &[], 200),
        (Method::OPTIONS, "/products", &[], 204),
        (Method::DELETE, "/products", &[], 405),
        (Method::GET, "/nowhere", &[], 404),
        (Method::POST, "/login", &[], 400),
        (Method::POST, "/orders", &[], 401),
        (Method::POST, "/orders", &forged, 401),
        (Method::POST, "/orders", &[("authorization", "Bearer x")], 422),
        (Method::GET, "/orders/o-99", &[("authorization", "Bearer x")], 404),
    ];
    for (method, path, headers, status) in cases {
        let outcome = pool.send(&request(method.clone(), path, headers, "")).await;
        assert_eq!((outcome.failure, outcome.status), (None, Some(status)), "{method} {path}");
    }
}

#[tokio::test]
async fn errors_come_by_share_and_the_same_seed_gives_the_same() {
    let statuses = async || {
        let options = DemoOptions { errors: Share(200_000), seed: 3, ..quick() };
        let demo = start(options, Clock::real()).unwrap();
        let pool = pool(&demo);
        let mut statuses = Vec::new();
        for _ in 0..200 {
            statuses
                .push(pool.send(&request(Method::GET, "/health", &[], "")).await.status.unwrap());
        }
        statuses
    };
    let first = statuses().await;
    let failed = first.iter().filter(|status| **status == 500).count();
    assert!((20..=60).contains(&failed), "{failed}");
    assert_eq!(first, statuses().await);
}

#[tokio::test]
async fn a_stall_answers_nothing_until_it_is_over() {
    let stall = Some(Stall { at_ns: 0, length_ns: 300_000_000 });
    let clock = Clock::real();
    let before = clock.now();
    let demo = start(DemoOptions { stall, ..quick() }, clock.clone()).unwrap();
    let outcome = pool(&demo).send(&request(Method::GET, "/health", &[], "")).await;
    assert_eq!(outcome.status, Some(200));
    assert!(outcome.ended - before >= 300_000_000);
}

#[tokio::test]
async fn every_request_is_in_the_log_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let demo = start(DemoOptions { log: Some(path.clone()), ..quick() }, Clock::real()).unwrap();
    let pool = pool(&demo);
    const REQUESTS: usize = 3_000;
    for number in 0..REQUESTS {
        let arrival = format!("k3v9x0q2ab.buy.{number}");
        let headers = [("x-volley-arrival", arrival.as_str()), ("x-volley-step", "look")];
        let outcome = pool.send(&request(Method::GET, "/products?page=1", &headers, "")).await;
        assert_eq!(outcome.status, Some(200));
    }
    pool.send(&request(Method::GET, "/health", &[], "")).await;
    demo.stop().unwrap();
    let log = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), REQUESTS + 1);
    let mut last = 0;
    for (number, line) in lines[..REQUESTS].iter().enumerate() {
        let (at, rest) = line.split_once(' ').unwrap();
        let at: u64 = at.parse().unwrap();
        assert!(last <= at);
        last = at;
        assert_eq!(rest, format!("GET /products?page=1 k3v9x0q2ab.buy.{number} look"));
    }
    assert!(lines[REQUESTS].ends_with(" GET /health - -"));
}

#[test]
fn an_address_that_is_taken_and_a_log_that_cannot_be_are_errors() {
    let demo = start(quick(), Clock::real()).unwrap();
    let taken = start(DemoOptions { listen: demo.addr, ..quick() }, Clock::real()).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    let log = Some(PathBuf::from("/nowhere/at/all"));
    let error = start(DemoOptions { log, ..quick() }, Clock::real()).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/at/all: "), "{error}");
}
