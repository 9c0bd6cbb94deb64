//! A program on a real Kafka that is killed again and again, beside the same program in one process that nobody kills.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ksql_runtime::testing::{self, Test, TestBuilder};

use crate::child::Lines;
use crate::cluster::{LIMIT, Place};
use crate::report::Report;
use crate::servers;

/// Settings with which the topics of these entities keep records whose times are long past: longer than those are old. Of windows
/// the longer of two times holds, and "unlimited" is none. A setting of an entity that a program has not is a mistake.
pub fn kept(of: &[&str]) -> impl Iterator<Item = (String, String)> {
    let settings = of.iter();
    settings.map(|entity| (format!("entity.{entity}.retention"), "30000d".to_owned()))
}

/// The two of them: topics of their own on the cluster, and two directories.
#[derive(Debug)]
pub struct Both {
    bootstrap: String,
    place: Place,
}

impl Both {
    /// Nothing so far, or nothing at all after the test was reported as skipped.
    pub fn or_skip(test: &str) -> Option<Both> {
        let kafka = servers::kafka_or_skip(test)?;
        let registry = servers::registry_or_skip(test)?;
        let bootstrap = kafka.bootstrap().to_owned();
        let place = Place::new(&bootstrap, registry).with("ready_timeout", "5m");
        Some(Both { bootstrap, place })
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.place.directory().join(name)
    }

    /// The one on the cluster, where the topics of these entities are kept.
    pub fn killed(&self, of: &[&str]) -> TestBuilder {
        let builder = self.place.tested(&self.directory("killed"));
        kept(of).fold(builder, |all, (key, value)| all.setting(key, value))
    }

    /// The one that nobody kills.
    pub fn whole(&self) -> TestBuilder {
        let builder = testing::builder().directory(self.directory("whole"));
        // Everything is there before it starts.
        builder.setting("ready_timeout", "5m")
    }

    /// Both of them with these queries, when everything is taken in: the one that was killed, and the other.
    ///
    /// # Panics
    /// Where one fails.
    pub async fn run(
        &self,
        of: &[&str],
        with: impl Fn(TestBuilder) -> TestBuilder,
    ) -> (Test, Test) {
        let run = async |builder| {
            let test = with(builder).start().await.expect("it starts");
            test.settle().await.expect("it is taken in");
            test
        };
        (run(self.killed(of)).await, run(self.whole()).await)
    }

    /// Kills a child in this mode, with the settings, so often, each time as soon as a topic has something new; says how often
    /// it was not ready by then.
    ///
    /// # Panics
    /// Where it neither tells anything nor is ready, and where it was always ready.
    pub async fn kill(
        &self,
        (program, mode): (&str, &str),
        of: &[&str],
        topic: &str,
        kills: u64,
        report: &mut Report,
    ) {
        let log = Place::log(&self.bootstrap);
        let topic = format!("{}{topic}", self.place.prefix());
        let told = async || {
            let ends = log.all_offsets(&topic).await;
            // Before the first start there is no such topic.
            ends.map_or(0, |ends| ends.iter().map(|offsets| offsets.end).sum())
        };
        let settings = self.place.settings().iter().cloned().chain(kept(of));
        let settings = settings.map(|(key, value)| format!("{key}={value}"));
        let settings: Vec<String> = settings.collect();
        let mut arguments = vec![mode];
        arguments.extend(settings.iter().map(String::as_str));
        let mut midway = 0;
        for _ in 0..kills {
            let before: i64 = told().await;
            let mut child = Lines::start(program, &arguments, &self.directory("killed"));
            child.read_until("begins", LIMIT, |_| {});
            let mut ready = false;
            let began = Instant::now();
            while !ready && told().await == before {
                assert!(
                    began.elapsed() < LIMIT,
                    "it neither tells anything nor is ready"
                );
                child.read_for(Duration::from_millis(5), |line| ready |= line == "ready");
            }
            child.kill(|line| ready |= line == "ready");
            midway += u64::from(!ready);
            report.pass();
        }
        assert!(
            midway > 0,
            "none of them was killed while it had something to do"
        );
        report.count("kills", kills);
        report.count("of them midway", midway);
    }
}
