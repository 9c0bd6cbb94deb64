//! Who reads a topic of orders on Kafka into a table: we, the floor, or one who only reads. Each run is a process of its
//! own - this program, started as a child - as it is for the peer: nobody's memory or warm allocator is another's. What runs
//! took is kept here for other benchmarks that are made so.
//!
//! The start of the process is not in the time. What is found is compared after it.

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::answers::Answers;
use crate::entities::Order;
use crate::fill::{self, Settings};
use crate::floor::table::{Collected, Table};
use crate::floor::topic::Topic;
use crate::kafka::Place;
use crate::process;
use crate::report::{Report, median};

/// The argument that makes this program the child.
pub const CHILD: &str = "contender";

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// Reads all records and does nothing with them.
    Drain,
    /// A table by hand, in a directory that was empty.
    Floor,
    /// Our table, in a directory as the caller left it.
    Ours,
}

impl Contender {
    const ALL: [Contender; 3] = [Contender::Drain, Contender::Floor, Contender::Ours];

    fn name(self) -> &'static str {
        match self {
            Contender::Drain => "drain",
            Contender::Floor => "floor",
            Contender::Ours => "ours",
        }
    }

    /// One run on a place, in a process of its own; the table's state is in a directory, and a key's row is read.
    pub fn run(self, place: &Place, directory: &Path, key: i64) -> Run {
        Run::of(
            CHILD,
            [self.name(), &place.topic, &key.to_string()]
                .map(OsString::from)
                .into_iter()
                .chain([directory.into()])
                .chain(fill::arguments(&place.settings).map(OsString::from)),
        )
    }
}

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// From start until all was done.
    pub seconds: f64,
    /// CPU seconds of the process in this time.
    pub cpu: f64,
    /// Its largest resident set up to the end, in MiB.
    pub peak: f64,
}

/// One contender's runs.
#[derive(Debug, Default)]
pub struct Measured(Vec<Usage>);

impl Measured {
    /// One more.
    pub fn push(&mut self, used: &Usage) {
        self.0.push(*used);
    }

    fn median(&self, of: impl Fn(&Usage) -> f64) -> f64 {
        median(&self.0.iter().map(of).collect::<Vec<f64>>())
    }

    /// The median of the times.
    pub fn seconds(&self) -> f64 {
        self.median(|used| used.seconds)
    }

    /// The largest resident set of all.
    pub fn peak(&self) -> f64 {
        self.0.iter().map(|used| used.peak).fold(0.0, f64::max)
    }

    /// Prints rate and CPU.
    pub fn print(&self, report: Report, name: &str, records: f64) {
        report.figure(name, records / self.seconds(), "rec/s");
        let cpu = self.median(|used| used.cpu);
        report.figure(&format!("{name}_cpu"), cpu / records * 1e6, "cpu-s/M");
    }
}

/// What a run took, and what it said.
#[derive(Debug, PartialEq)]
pub struct Run {
    /// Until the key answered, or the results were there.
    pub used: Usage,
    answers: String,
}

impl Run {
    /// This program as a child with these arguments, waited for.
    pub fn of(child: &str, arguments: impl Iterator<Item = OsString>) -> Run {
        let arguments: Vec<OsString> = [child.into()].into_iter().chain(arguments).collect();
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(&arguments)
            .output()
            .expect("the child starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{arguments:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Run::read(&said).unwrap_or_else(|| panic!("{arguments:?} said: {said}"))
    }

    fn read(said: &str) -> Option<Run> {
        let (numbers, answers) = said.trim_end().split_once('\n')?;
        let mut numbers = numbers.split(' ').map(|number| number.parse().ok());
        Some(Run {
            used: Usage {
                seconds: numbers.next()??,
                cpu: numbers.next()??,
                peak: numbers.next()??,
            },
            answers: answers.to_owned(),
        })
    }

    /// It said the same.
    pub fn check(&self, answers: &impl Debug, who: &str) {
        assert_eq!(self.answers, format!("{answers:?}"), "what {who} says");
    }
}

/// The child.
pub fn child(arguments: &[String]) {
    let [name, topic, key, directory, settings @ ..] = arguments else {
        panic!("a contender, a topic, a key, a directory and settings: {arguments:?}");
    };
    let contender = Contender::ALL
        .into_iter()
        .find(|contender| contender.name() == name)
        .expect("a contender");
    let key = key.parse().expect("a key");
    let directory = Path::new(directory);
    let settings = fill::settings(settings);
    let bootstrap = bootstrap(&settings);
    match contender {
        Contender::Drain => {
            let started = Started::now();
            let mut topic = Topic::open(bootstrap, topic);
            topic.drain(|_, _, key, value| {
                std::hint::black_box((key, value));
            });
            started.print();
            println!("nothing");
        }
        Contender::Floor => {
            let started = Started::now();
            let floor = floor(bootstrap, topic, directory);
            let row = floor.get(key);
            started.print();
            assert!(row.is_some(), "the key answers");
            println!("{:?}", floor.answers(key));
        }
        Contender::Ours => ours(directory, &settings, key),
    }
}

/// The broker's address among a context's settings.
pub fn bootstrap(settings: &Settings) -> &str {
    settings
        .iter()
        .find_map(|(name, value)| (name == "bootstrap").then_some(value))
        .expect("an address")
}

fn ours(directory: &Path, settings: &Settings, key: i64) {
    let runtime = fill::runtime();
    let started = Started::now();
    runtime.block_on(async {
        let ctx = fill::ready_with(directory, settings).await;
        let row = ctx.set::<Order>().get(key).await.expect("a read");
        started.print();
        assert!(row.is_some(), "the key answers");
        println!("{:?}", Answers::of(&ctx, key).await);
        ctx.shutdown().await.expect("a clean end");
    });
}

/// When a child began what is measured.
pub struct Started {
    at: Instant,
    cpu: f64,
}

impl Started {
    /// Begins now.
    pub fn now() -> Started {
        Started {
            cpu: process::cpu(),
            at: Instant::now(),
        }
    }

    /// Prints the first line of a run.
    pub fn print(&self) {
        let seconds = self.at.elapsed().as_secs_f64();
        let cpu = process::cpu() - self.cpu;
        println!("{seconds} {cpu} {}", process::peak());
    }
}

/// A table by hand, with the consumer that filled it.
pub struct Floor {
    table: Table,
    topic: Topic,
}

/// The floor into a database of its own.
pub fn floor(bootstrap: &str, topic: &str, into: &Path) -> Floor {
    let mut topic = Topic::open(bootstrap, topic);
    let table = Table::open(into);
    let mut collected = Collected::default();
    topic.drain(|partition, offset, key, value| {
        table.record(&mut collected, partition, offset, key, value);
    });
    table.write(&mut collected);
    Floor { table, topic }
}

impl Floor {
    fn get(&self, key: i64) -> Option<Order> {
        (0..self.topic.partitions()).find_map(|partition| self.table.get(partition, key))
    }

    /// What it says of its rows.
    pub fn answers(&self, key: i64) -> Answers {
        Answers::by_hand(&self.table, self.topic.partitions(), key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_three_numbers_and_what_the_table_says() {
        let run = Run {
            used: Usage {
                seconds: 1.5,
                cpu: 2.0,
                peak: 30.25,
            },
            answers: "Answers { rows: 1 }".to_owned(),
        };
        assert_eq!(Run::read("1.5 2 30.25\nAnswers { rows: 1 }\n"), Some(run));
        assert_eq!(Run::read("1.5 x 30.25\nAnswers\n"), None);
    }
}
