//! A program on a real Kafka that is killed again and again, beside the same program in one process that nobody kills.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ksql_runtime::testing::{self, TestBuilder};

use crate::child::Lines;
use crate::cluster::{LIMIT, Place};
use crate::report::Report;
use crate::servers;

/// The two of them: topics of their own on the cluster, and two directories.
#[derive(Debug)]
pub struct Both {
    bootstrap: String,
    prefix: String,
    settings: Vec<(String, String)>,
    root: tempfile::TempDir,
}

impl Both {
    /// Nothing so far, or nothing at all after the test was reported as skipped. The records' times are long past: the topics of
    /// these entities keep them.
    ///
    /// # Panics
    /// Where there is no directory.
    pub fn or_skip(test: &str, kept: &[&str]) -> Option<Both> {
        let kafka = servers::kafka_or_skip(test)?;
        let registry = servers::registry_or_skip(test)?;
        let prefix = format!("{}-", uuid::Uuid::new_v4().simple());
        let mut settings = vec![
            ("bootstrap".to_owned(), kafka.bootstrap().to_owned()),
            ("registry".to_owned(), registry.url().to_owned()),
            ("topic_prefix".to_owned(), prefix.clone()),
            ("ready_timeout".to_owned(), "5m".to_owned()),
        ];
        // Longer than the records are old. Of windows the longer of two times holds, and "unlimited" is none.
        let kept = kept.iter();
        settings.extend(kept.map(|entity| {
            let setting = format!("entity.{entity}.retention");
            (setting, "30000d".to_owned())
        }));
        Some(Both {
            bootstrap: kafka.bootstrap().to_owned(),
            prefix,
            settings,
            root: tempfile::tempdir().expect("a directory"),
        })
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The one on the cluster, as long as its entities are in it.
    pub fn killed(&self, of: &[&str]) -> TestBuilder {
        let builder = testing::builder().directory(self.directory("killed"));
        self.settings_of(of)
            .fold(builder, |all, (key, value)| all.setting(key, value))
    }

    /// The one that nobody kills.
    pub fn whole(&self) -> TestBuilder {
        testing::builder().directory(self.directory("whole"))
    }

    /// A setting of an entity that a program has not is a mistake.
    fn settings_of<'s>(&'s self, of: &'s [&str]) -> impl Iterator<Item = (String, String)> + 's {
        let has = |key: &str| {
            let entity = key.strip_prefix("entity.");
            let entity = entity.and_then(|key| key.strip_suffix(".retention"));
            entity.is_none_or(|entity| of.contains(&entity))
        };
        let all = self.settings.iter();
        all.filter(move |(key, _)| has(key)).cloned()
    }

    /// Kills a child with these arguments and the settings so often, each time as soon as a topic has something new; says how often
    /// it was not ready by then.
    ///
    /// # Panics
    /// Where it neither tells anything nor is ready, and where it was always ready.
    pub async fn kill(
        &self,
        (program, arguments): (&str, &[&str]),
        of: &[&str],
        topic: &str,
        kills: u64,
        report: &mut Report,
    ) {
        let log = Place::log(&self.bootstrap);
        let told = async || {
            let ends = log.all_offsets(&format!("{}{topic}", self.prefix)).await;
            // Before the first start there is no such topic.
            ends.map_or(0, |ends| ends.iter().map(|offsets| offsets.end).sum())
        };
        let settings = self.settings_of(of);
        let settings: Vec<String> = settings
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let mut all = arguments.to_vec();
        all.extend(settings.iter().map(String::as_str));
        let mut midway = 0;
        for _ in 0..kills {
            let before: i64 = told().await;
            let mut child = Lines::start(program, &all, &self.directory("killed"));
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
