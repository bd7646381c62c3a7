//! `volley run` against a server that redirects.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use tempfile::tempdir;

use crate::stage::{result, run, write_plan};

/// Serves connections until the test ends: `/old` leads to `/new`, which says hello in two chunks.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    port
}

fn serve(mut stream: TcpStream) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut request = String::new();
    for line in lines.map_while(Result::ok) {
        if request.is_empty() {
            request.clone_from(&line);
        }
        if line.is_empty() {
            let answer = if request.starts_with("GET /old ") {
                "HTTP/1.1 302 Found\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n"
            } else {
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
            request.clear();
        }
    }
}

#[test]
fn redirects_and_phases_are_in_the_result() {
    let port = server();
    let folder = tempdir().unwrap();
    let plan = format!(
        r#"version: 1
name: moved
endpoints: {{ shop: {{ http: {{ base_url: "http://127.0.0.1:{port}" }} }} }}
scenarios:
  move:
    load: {{ open: [ {{ rate: 40/s, count: 20 }} ] }}
    connections: per_user
    steps:
      - {{ step: old, http: {{ get: /old }}, expect: {{ status: 200, body: hello }} }}
      - {{ step: kept, http: {{ get: /old, redirects: 0 }}, expect: {{ status: 302 }} }}
thresholds:
  prompt: {{ require: max(first_byte) < 10s, scenario: move, step: old }}
  opened: {{ require: max(connect) < 10s, scenario: move, step: old }}
"#
    );
    let path = write_plan(folder.path(), &plan, 1);
    let out = folder.path().join("out");
    run(&["run", &path, "--out", out.to_str().unwrap()]).exits(0);
    let result = result(&out);
    let [old, kept] = &result.scenarios[0].steps[..] else { panic!("two steps") };
    assert_eq!((old.ok, old.attempts, old.redirects), (20, 20, 20));
    assert_eq!(old.status, [(200, 20), (302, 20)].into());
    assert_eq!((kept.ok, kept.redirects, &kept.status), (20, 0, &[(302, 20)].into()));
    let phases = old.phases_us.as_ref().unwrap();
    // Each arrival has a connection of its own, which all its steps share.
    assert_eq!((phases.connect.count, phases.first_byte.count, phases.dns.count), (20, 20, 0));
    assert_eq!(kept.phases_us.as_ref().unwrap().connect.count, 0);
}
