//! A coordinator that ends without a word, on the in-process bus: its successor collects what the agents kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::clock::Clock;
use engine::cluster::agent::{self, AgentEnd, AgentOptions, KeepOptions};
use engine::cluster::bus::Bus;
use engine::cluster::coordinator::journal::{self, JournalError, Past};
use engine::cluster::coordinator::{self, Resumption};
use engine::cluster::{Finished, Job, StopRequest};
use engine::event::Happened;
use engine::metrics::Ending;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::cluster::job;
use crate::model::{ModelLoader, Sum};
use crate::sample;

/// What takes part in a run.
struct Scene {
    bus: Bus,
    loader: ModelLoader,
    folder: tempfile::TempDir,
    job: Job,
    agents: Vec<JoinHandle<AgentEnd>>,
    stop: watch::Sender<Option<StopRequest>>,
}

impl Scene {
    /// Starts agents that keep their results, on disk where `keep` says so.
    fn new(on_disk: bool) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let mut artifact = sample::artifact(&[200], 60, 2);
        artifact.nodes.tuning.final_wait_ns = 20_000_000_000;
        let job = job(artifact, "c");
        let journal = Some(folder.path().join(journal::FILE));
        let job = Job { lease_ns: 1_000_000_000, journal, ..job };
        let mut scene = Scene {
            bus: Bus::local(),
            loader: ModelLoader::new(),
            job,
            agents: Vec::new(),
            stop: watch::channel(None).0,
            folder,
        };
        for name in ["a", "b"] {
            let keep = on_disk.then(|| scene.folder.path().join("keep"));
            let options = AgentOptions {
                name: name.to_owned(),
                cluster: "c".to_owned(),
                group: "default".to_owned(),
                labels: BTreeMap::new(),
                once: true,
                keep: Some(KeepOptions { folder: keep, keep: Duration::from_secs(60) }),
                say: |_| {},
            };
            let (loader, bus) = (Arc::new(scene.loader.clone()), scene.bus.clone());
            let stopped = scene.stop.subscribe();
            scene.agents.push(tokio::spawn(agent::run(
                options,
                loader,
                bus,
                Clock::real(),
                stopped,
            )));
        }
        scene
    }

    /// Coordinates until `ticks` seconds are known, then ends without a word.
    async fn lose_coordinator(&self, ticks: usize) {
        let (_stop, stopped) = watch::channel(None);
        let (sender, mut events) = mpsc::channel(10_000);
        let (job, bus) = (self.job.clone(), self.bus.clone());
        let running = coordinator::run(job, bus, Clock::real(), stopped, sender, Sum::default());
        let watching = async {
            let mut seen = 0;
            while seen < ticks {
                let event = events.recv().await.unwrap();
                seen += usize::from(matches!(event.what, Happened::Tick(_)));
            }
        };
        tokio::select! {
            finished = running => panic!("it ended: {:?}", finished.record.ending),
            () = watching => {}
        }
    }

    fn past(&self) -> Past {
        Past::open(self.folder.path(), &self.job.run).unwrap()
    }

    async fn resume(&self, stop: Option<StopRequest>) -> Finished<Sum> {
        loop {
            match self.try_resume(stop).await {
                Ok(finished) => return finished,
                // Within one process the file of the one that ended is open for a moment longer.
                Err(JournalError::InUse(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn try_resume(&self, stop: Option<StopRequest>) -> Result<Finished<Sum>, JournalError> {
        let (_keep, stopped) = watch::channel(stop);
        let (sender, mut events) = mpsc::channel(10_000);
        let resumption = Resumption {
            past: self.past(),
            artifact: Arc::clone(&self.job.artifact),
            journal: self.folder.path().join(journal::FILE),
        };
        let bus = self.bus.clone();
        let resuming =
            coordinator::resume(resumption, bus, Clock::real(), stopped, sender, Sum::default());
        let watching = async { while events.recv().await.is_some() {} };
        tokio::join!(resuming, watching).0
    }

    fn check(&self, finished: &Finished<Sum>) {
        let record = &finished.record;
        assert!(
            matches!(&record.ending, Ending::ClusterFailed(why) if why.contains("coordinator was lost")),
            "{:?}",
            record.ending
        );
        let arrivals = record.arrivals[0];
        assert_eq!(arrivals.started, self.loader.sorted().len() as u64);
        assert_eq!((arrivals.planned, arrivals.unaccounted), (12_000, 0));
        let by_node: u64 = finished.sink.started.values().sum();
        assert_eq!(by_node, arrivals.started, "each window counts once, those of the journal too");
    }
}

fn files(folder: &Path) -> usize {
    let agents = ["a", "b"].map(|name| folder.join("keep/c").join(name));
    agents.iter().filter_map(|agent| std::fs::read_dir(agent).ok()).flatten().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agents_hold_is_collected_once() {
    for on_disk in [true, false] {
        let mut scene = Scene::new(on_disk);
        scene.lose_coordinator(1).await;
        // One that is stopped leaves everything to the next.
        scene.resume(Some(StopRequest::Drain)).await;
        let finished = scene.resume(None).await;
        scene.check(&finished);
        for agent in scene.agents.drain(..) {
            assert_eq!(agent.await.unwrap().message, None, "the results were taken");
        }
        assert_eq!(files(scene.folder.path()), 0, "what was taken is kept no more");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_may_still_send_load_heeds_a_successor() {
    let scene = Scene::new(true);
    scene.lose_coordinator(1).await;
    let before = scene.loader.sorted().len();
    let finished = scene.resume(None).await;
    scene.check(&finished);
    assert!(scene.loader.sorted().len() > before, "the load went on to the end of the lease");
}
