//! Secrets are read where they are used: they cross no broker and stand in no result.

use std::fs;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;

use super::{Broker, Stage, file, server};

/// A plan that sends a secret which only the node has.
fn plan(shop: &str) -> String {
    super::plan(shop)
        .replace("endpoints:", "secrets: { token: { env: VOLLEY_TEST_TOKEN } }\nendpoints:")
        .replace(
            "{ get: /health }",
            r#"{ get: /health, headers: { authorization: "Bearer {{ secrets.token }}" } }"#,
        )
}

/// Keeps everything that anybody says on a broker.
async fn overhear(url: String, said: Arc<Mutex<Vec<u8>>>) {
    let client = async_nats::connect(url).await.unwrap();
    let mut all = client.subscribe(">").await.unwrap();
    client.flush().await.unwrap();
    while let Some(message) = all.next().await {
        said.lock().unwrap().extend_from_slice(&message.payload);
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_secret_is_read_on_the_node_and_goes_to_the_target_alone() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(folder.path(), "") else { return };
    // The answer is not the one that is expected, so that samples of failures are in the result too.
    let (shop, heads) = server("503 Busy");
    let stage = Stage::new(&shop);
    let plan = file(stage.path(), "secret.yaml", &plan(&shop));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let listening = runtime.spawn(overhear(broker.url.clone(), Arc::clone(&said)));
    let token = format!("{:032x}", rand::random::<u128>());
    let secrets = file(folder.path(), "secrets", &format!("VOLLEY_TEST_TOKEN={token}\n"));
    let flags = ["--secrets-file", secrets.as_str()];
    let (run, agent) = stage.run_on_agent(&broker.url, &plan, &[], &flags);
    listening.abort();
    let sent = format!("authorization: Bearer {token}");
    let heads = heads.lock().unwrap();
    let seen = (heads.len(), heads.iter().filter(|head| holds(head.as_bytes(), &sent)).count());
    assert_eq!(seen, (10, 10), "{}{}", run.out, run.err);
    let said = said.lock().unwrap();
    assert!(holds(&said, "\"t\":\"delta\"") && holds(&said, "Bearer "), "the run was overheard");
    assert!(!holds(&said, &token), "the broker heard a secret");
    for text in [&run.out, &run.err, &agent.out, &agent.err] {
        assert!(!text.contains(&token), "a secret is shown");
    }
    let mut files = 0;
    for entry in fs::read_dir(stage.out()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        assert!(!holds(&bytes, &token), "a secret is in the results");
    }
    assert!(files > 3, "there are results");
}

#[test]
fn a_secret_that_a_node_lacks_is_named_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(folder.path(), "") else { return };
    let stage = Stage::new("http://127.0.0.1:1");
    let plan = file(stage.path(), "secret.yaml", &plan("http://127.0.0.1:1"));
    let (run, agent) = stage.run_on_agent(&broker.url, &plan, &[], &[]);
    let why = "secrets are missing here: `token` (environment variable VOLLEY_TEST_TOKEN)";
    let run = run.exits(96);
    assert!(run.err.contains(why), "{}", run.err);
    let agent = agent.exits(96);
    assert!(agent.err.contains(why), "{}", agent.err);
}
