//! The configuration that `volley nats-config` prints, word for word on a real server: who may say and hear what.

use std::path::Path;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, Subscriber};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::{Broker, Stage, file};
use crate::stage::{Shop, result, run};

/// Longest wait for what must come; generous, since two cores may be building something else.
const WAIT: Duration = Duration::from_secs(20);

/// How long nothing must come.
const SILENCE: Duration = Duration::from_millis(300);

/// Prints the configuration of cluster `C` with the agents `eu-1` and `eu-2`.
fn printed() -> String {
    run(&["nats-config", "--cluster", "C", "--agents", "eu-1,eu-2"]).exits(0).out
}

/// Adds what tests look from: a user that hears everything of the account, and one of another account.
fn watched(configuration: &str) -> String {
    let watcher = "users = [\n{ user: \"watcher\", password: \"PASSWORD-OF-watcher\" }";
    let other = "accounts {\n  OTHER { users = [ { user: \"mallory\", password: \"PASSWORD-OF-mallory\" } ] }";
    assert!(configuration.contains("users = [") && configuration.contains("accounts {"));
    configuration.replace("users = [", watcher).replace("accounts {", other)
}

/// A user of the broker, with what the broker denied it.
struct User {
    client: Client,
    denied: mpsc::Receiver<String>,
}

impl User {
    async fn new(broker: &Broker, name: &str, inbox: &str) -> User {
        let (sender, denied) = mpsc::channel(100);
        let options = ConnectOptions::new()
            .user_and_password(name.to_owned(), format!("PASSWORD-OF-{name}"))
            .custom_inbox_prefix(inbox)
            .event_callback(move |event| {
                let sender = sender.clone();
                async move {
                    if let Event::ServerError(error) = event {
                        sender.try_send(error.to_string()).ok();
                    }
                }
            });
        let client = options.connect(&broker.url).await.unwrap();
        User { client, denied }
    }

    /// Waits until the broker has denied something, and returns what it said.
    async fn denial(&mut self) -> String {
        tokio::time::timeout(WAIT, self.denied.recv()).await.unwrap().unwrap()
    }

    async fn cannot_publish(&mut self, subject: &str) {
        self.client.publish(subject.to_owned(), "x".into()).await.unwrap();
        let said = self.denial().await.to_lowercase();
        assert!(said.contains("permissions violation for publish"), "{said}");
        assert!(said.contains(&subject.to_lowercase()), "{subject}: {said}");
    }

    async fn cannot_subscribe(&mut self, subject: &str) {
        let _subscriber = self.client.subscribe(subject.to_owned()).await.unwrap();
        let said = self.denial().await.to_lowercase();
        assert!(said.contains("permissions violation for subscription"), "{said}");
        assert!(said.contains(&subject.to_lowercase()), "{subject}: {said}");
    }

    /// Listens, and waits until the broker knows.
    async fn listen(&self, subject: &str) -> Subscriber {
        let subscriber = self.client.subscribe(subject.to_owned()).await.unwrap();
        self.client.flush().await.unwrap();
        subscriber
    }
}

/// Fails if anything comes.
async fn hears_nothing(subscriber: &mut Subscriber) {
    if let Ok(Some(message)) = tokio::time::timeout(SILENCE, subscriber.next()).await {
        panic!("it heard {}", message.subject);
    }
}

/// Publishes until it is heard: a subscription is in force once the broker has read it, which nobody tells.
async fn reaches(user: &User, subject: &str, subscriber: &mut Subscriber) {
    let publishing = async {
        loop {
            user.client.publish(subject.to_owned(), "x".into()).await.unwrap();
            let heard = tokio::time::timeout(SILENCE, subscriber.next()).await;
            if let Ok(Some(message)) = heard {
                return message;
            }
        }
    };
    let message = tokio::time::timeout(WAIT, publishing).await.unwrap();
    assert_eq!(message.subject.as_str(), subject);
}

fn start(folder: &Path) -> Option<Broker> {
    Broker::start(folder, &watched(&printed()))
}

#[tokio::test]
async fn an_agent_speaks_under_its_own_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = start(folder.path()) else { return };
    let watcher = User::new(&broker, "watcher", "_INBOX.w").await;
    let mut all = watcher.listen(">").await;
    let mut eu_2 = User::new(&broker, "eu-2", "_INBOX.volley.C.a.eu-2").await;
    for subject in [
        "volley.C.c.all.hint",
        "volley.C.c.all.stop",
        "volley.C.c.to.eu-1.ping",
        "volley.C.c.to.eu-2.ping",
        "volley.C.c.lock.claim",
        "volley.C.c.nobody",
        "volley.C.a.eu-1.hello",
        "volley.C.a.eu-1.beat",
        "volley.C.a.eu-1.delta",
        "volley.C.a.eu-1.final",
        "volley.C.a.eu-1.claim.held",
        "volley.D.a.eu-2.beat",
        "_INBOX.volley.C.c.x",
        "_INBOX.volley.C.a.eu-1.x",
        "_INBOX.volley.C.a.eu-2.x",
        "anything",
    ] {
        eu_2.cannot_publish(subject).await;
    }
    hears_nothing(&mut all).await;
    reaches(&eu_2, "volley.C.a.eu-2.beat", &mut all).await;
}

#[tokio::test]
async fn an_agent_hears_what_is_for_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = start(folder.path()) else { return };
    let mut eu_2 = User::new(&broker, "eu-2", "_INBOX.volley.C.a.eu-2").await;
    for subject in [
        ">",
        "_INBOX.>",
        "volley.>",
        "volley.C.c.>",
        "volley.C.c.to.eu-1.>",
        "volley.C.c.to.*.ping",
        "volley.C.c.lock.>",
        "volley.C.a.eu-1.beat",
        "volley.C.a.eu-1.claim.x",
        "volley.C.a.*.delta",
        "volley.C.a.eu-2.beat",
        "volley.D.c.all.hint",
        "_INBOX.volley.C.a.eu-1.>",
        "_INBOX.volley.C.c.>",
    ] {
        eu_2.cannot_subscribe(subject).await;
    }
    let coordinator = User::new(&broker, "coordinator", "_INBOX.volley.C.c").await;
    for subject in ["volley.C.c.all.hint", "volley.C.c.to.eu-2.ping"] {
        let mut inbox = eu_2.listen(subject).await;
        reaches(&coordinator, subject, &mut inbox).await;
    }
    let mut claims = eu_2.listen("volley.C.a.eu-2.claim.*").await;
    let second = User::new(&broker, "eu-2", "_INBOX.volley.C.a.eu-2").await;
    reaches(&second, "volley.C.a.eu-2.claim.ask", &mut claims).await;
}

#[tokio::test]
async fn an_answer_finds_its_way_to_the_inbox_of_the_name_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = start(folder.path()) else { return };
    let coordinator = User::new(&broker, "coordinator", "_INBOX.volley.C.c").await;
    let mut beats = coordinator.listen("volley.C.a.*.beat").await;
    let client = coordinator.client.clone();
    let answering = tokio::spawn(async move {
        while let Some(beat) = beats.next().await {
            client.publish(beat.reply.unwrap(), "order".into()).await.unwrap();
        }
    });
    let eu_2 = User::new(&broker, "eu-2", "_INBOX.volley.C.a.eu-2").await;
    let asking = async {
        loop {
            if let Ok(answer) = eu_2.client.request("volley.C.a.eu-2.beat", "x".into()).await {
                return answer;
            }
        }
    };
    assert_eq!(tokio::time::timeout(WAIT, asking).await.unwrap().payload, "order");
    // The client's default inbox is nobody's: the request waits in vain, and only the denial says why.
    let mut default = User::new(&broker, "eu-2", "_INBOX").await;
    let asking = default.client.clone();
    let asked = tokio::spawn(async move {
        let asked = asking.request("volley.C.a.eu-2.beat", "x".into());
        tokio::time::timeout(Duration::from_secs(1), asked).await.is_ok_and(|answer| answer.is_ok())
    });
    let said = default.denial().await.to_lowercase();
    assert!(said.contains("permissions violation for subscription to \"_inbox."), "{said}");
    assert!(!asked.await.unwrap(), "nobody can answer there");
    answering.abort();
}

#[tokio::test]
async fn a_coordinator_cannot_pass_for_an_agent_and_other_accounts_see_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = start(folder.path()) else { return };
    let mut coordinator = User::new(&broker, "coordinator", "_INBOX.volley.C.c").await;
    coordinator.cannot_publish("volley.C.a.eu-1.beat").await;
    coordinator.cannot_publish("volley.D.c.all.hint").await;
    coordinator.cannot_subscribe(">").await;
    coordinator.cannot_subscribe("_INBOX.volley.C.a.eu-1.>").await;
    coordinator.cannot_subscribe("volley.D.a.>").await;
    let mut lock = coordinator.listen("volley.C.c.lock.*").await;
    let second = User::new(&broker, "coordinator", "_INBOX.volley.C.c").await;
    reaches(&second, "volley.C.c.lock.claim", &mut lock).await;

    let mallory = User::new(&broker, "mallory", "_INBOX").await;
    let mut overheard = mallory.listen(">").await;
    let eu_1 = User::new(&broker, "eu-1", "_INBOX.volley.C.a.eu-1").await;
    let mut hints = eu_1.listen("volley.C.c.all.hint").await;
    reaches(&coordinator, "volley.C.c.all.hint", &mut hints).await;
    hears_nothing(&mut overheard).await;
    mallory.client.publish("volley.C.c.all.hint", "abort".into()).await.unwrap();
    hears_nothing(&mut hints).await;
    let anonymous = async_nats::connect(&broker.url).await;
    assert!(anonymous.is_err(), "nobody enters without a user");
}

#[test]
fn a_whole_run_passes_under_the_configuration_as_it_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(broker) = Broker::start(folder.path(), &printed()) else { return };
    let shop = Shop::start(folder.path(), &[]);
    let stage = Stage::new(&shop.url);
    let user = |name: &str| {
        let password = file(folder.path(), name, &format!("PASSWORD-OF-{name}\n"));
        ["--nats-user".to_owned(), name.to_owned(), "--nats-password-file".to_owned(), password]
    };
    let (coordinator, eu_1, eu_2) = (user("coordinator"), user("eu-1"), user("eu-2"));
    let (run, agent) = stage.run_on_agent(
        &broker.url,
        &stage.plan,
        &coordinator.each_ref().map(String::as_str),
        &eu_1.each_ref().map(String::as_str),
    );
    run.exits(0);
    agent.exits(0);
    let result = result(&stage.out());
    assert_eq!(result.arrivals.succeeded, 10);
    let denied = result.warnings.iter().find(|warning| warning.code == "broker-denied");
    assert!(denied.is_none(), "{denied:?}");
    // An agent under another's user is told what it may not do.
    let flags = eu_2.each_ref().map(String::as_str);
    let impostor = crate::stage::finish(super::agent(&broker.url, "C", "eu-1", &flags)).exits(96);
    assert!(impostor.err.to_lowercase().contains("permissions violation"), "{}", impostor.err);
    drop(shop);
}

#[test]
fn names_that_cannot_be_are_refused() {
    for (agents, why) in [
        ("eu-1,eu-1", "twice"),
        ("coordinator", "the user that runs plans"),
        ("a.b", "1 to 64 characters"),
        ("a,", "1 to 64 characters"),
    ] {
        let said = run(&["nats-config", "--agents", agents]).exits(2);
        assert!(said.err.contains(why), "{}", said.err);
    }
    run(&["nats-config", "--cluster", "a.>", "--agents", "a"]).exits(2);
}
