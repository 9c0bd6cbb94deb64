//! A program that is told to end while it works: it adds, keeps a table, runs a query over windows, and its handlers are
//! slow or never end (RT12). It is over within ten seconds, its exit code is honest, nothing acknowledged is lost, and the next start has
//! nothing to read again where the log answered. On the embedded log, and on a Kafka that answers, refuses or is silent.
//!
//! `KSQL_TEST_CYCLES=100` is the long form; `KSQL_TEST_SEED` varies it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use ksql_runtime_tests::behind::Behind;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::test_name;

const CHILD: &str = env!("CARGO_BIN_EXE_ending_child");
/// Nothing here takes as long unless it hangs.
const LIMIT: Duration = Duration::from_secs(300);
/// An orderly end takes no longer.
const END: Duration = Duration::from_secs(10);
/// An end that took so long may have been out of patience: with the log, whose last records the tables have not read then, or with handlers.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often an end that took too long is tried again: on a busy machine any single one may be kept waiting by others.
const ATTEMPTS: u32 = 3;

/// What befalls while it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Nothing: some of its handlers are slow.
    None,
    /// Some of its handlers never end.
    Hanging,
    /// It has lost the log before, and knows it.
    Lost,
    /// The log goes silent at the same moment.
    Silent,
}

impl Trouble {
    /// An end that is over sooner waited for all there was to wait for: its exit code is a success, and nothing is left to be read.
    fn patience(self) -> Duration {
        match self {
            // Handlers that never end are waited for first, until the patience with them is over.
            Trouble::Hanging => PATIENCE + Duration::from_secs(1),
            Trouble::None | Trouble::Lost | Trouble::Silent => PATIENCE,
        }
    }

    /// One of the attempts takes no longer. Where the log answers it is one that was not out of patience: what it left is looked at.
    fn limit(self) -> Duration {
        match self {
            Trouble::None | Trouble::Hanging => self.patience(),
            Trouble::Lost | Trouble::Silent => END,
        }
    }
}

/// What the children said.
#[derive(Debug, Default)]
struct Said {
    acknowledged: Vec<(i64, i64)>,
    sent: i64,
    begun: BTreeSet<(i32, i64)>,
    handled: BTreeSet<(i32, i64)>,
    /// Of the last one alone: what was finished before may hang this time.
    finished: BTreeSet<(i32, i64)>,
    restored: Vec<(u64, String)>,
    committed: Vec<(i32, i64)>,
    holds: Vec<(i64, i64)>,
    wrong: Vec<String>,
    hangs: bool,
    ended: bool,
    gave_up: Option<String>,
}

impl Said {
    /// Another child: what one says of itself begins anew.
    fn anew(&mut self) {
        self.begun.clear();
        self.finished.clear();
        self.restored.clear();
        self.committed.clear();
        self.holds.clear();
        (self.hangs, self.ended, self.gave_up) = (false, false, None);
    }

    fn hear(&mut self, line: &str) {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let pair = || -> (i64, i64) {
            let (first, second) = rest.split_once(' ').expect("two numbers");
            let number = |text: &str| text.parse().expect("a number");
            (number(first), number(second))
        };
        let place = || (i32::try_from(pair().0).expect("a partition"), pair().1);
        match what {
            "sent" => self.sent = rest.parse().expect("a number"),
            "acked" => self.acknowledged.push(pair()),
            "begun" => drop(self.begun.insert(place())),
            "handled" => {
                self.handled.insert(place());
                self.finished.insert(place());
            }
            "restored" => {
                let (count, name) = rest.split_once(' ').expect("a number and a name");
                self.restored
                    .push((count.parse().expect("a number"), name.to_owned()));
            }
            "committed" => self.committed.push(place()),
            "holds" => self.holds.push(pair()),
            "wrong" => self.wrong.push(rest.to_owned()),
            "looked" | "lost" => {}
            "hangs" => self.hangs = true,
            "ended" => self.ended = true,
            "gave" => self.gave_up = Some(rest.to_owned()),
            _ => panic!("{line}"),
        }
    }

    /// What was acknowledged and is not there.
    fn missing(&self) -> Vec<(i64, i64)> {
        let is_held = |(first, end): &(i64, i64)| {
            let mut runs = self.holds.iter();
            runs.any(|(from, last)| from <= first && *end <= last + 1)
        };
        let all = self.acknowledged.iter();
        all.filter(|batch| !is_held(batch)).copied().collect()
    }
}

/// Where it works.
struct Site<'a> {
    directory: &'a Path,
    environment: &'a [(String, String)],
    behind: Option<&'a Behind>,
    seed: u64,
    /// When the first sale is, in milliseconds.
    base: i64,
}

impl Site<'_> {
    fn child(&self, mode: &str, said: &mut Said) -> Lines {
        said.anew();
        let (seed, base) = (self.seed.to_string(), self.base.to_string());
        // What was sent and is not acknowledged may be there: it is not sent again.
        let arguments = [mode, &seed, &base, &said.sent.to_string()];
        let mut child = Lines::start_in(CHILD, &arguments, self.directory, self.environment);
        child.read_until("looked", LIMIT, |line| said.hear(line));
        child
    }

    /// Works, and ends; how long that took.
    fn cycle(&self, trouble: Trouble, said: &mut Said) -> Duration {
        let hangs = trouble == Trouble::Hanging;
        let mut child = self.child(if hangs { "hang" } else { "work" }, said);
        child.read_until("acked ", LIMIT, |line| said.hear(line));
        // It is in the middle of a handler, mostly of a slow one: those before it are finished.
        child.read_until("begun ", LIMIT, |line| said.hear(line));
        match (trouble, self.behind) {
            (Trouble::None, _) => {}
            (Trouble::Hanging, _) => {
                // It may have said so before; not every handler that hangs is followed by another one.
                if !said.hangs {
                    child.read_until("hangs", LIMIT, |line| said.hear(line));
                }
            }
            (Trouble::Lost, Some(behind)) => {
                behind.proxy.set(Fault::Refused);
                child.read_until("lost", LIMIT, |line| said.hear(line));
            }
            (Trouble::Silent, Some(behind)) => behind.proxy.set(Fault::Silent),
            (Trouble::Lost | Trouble::Silent, None) => panic!("no log of ours is away"),
        }
        let asked = Instant::now();
        child.signal("TERM");
        let (status, _) = child.ended_after(LIMIT, |line| said.hear(line));
        let took = asked.elapsed();
        if let Some(behind) = self.behind {
            behind.proxy.set(Fault::None);
        }
        assert_eq!(status.success(), said.ended, "{:?}", said.gave_up);
        assert_ne!(said.ended, said.gave_up.is_some(), "it says how it ended");
        took
    }
}

fn cycles(name: &str, site: &Site<'_>, troubles: &[Trouble]) {
    let mut report = Report::new(&format!("RT12 at work, {name}"), site.seed);
    let mut said = Said::default();
    let (mut longest, mut given_up) = (Duration::ZERO, 0_u64);
    for (cycle, trouble) in troubles.iter().enumerate() {
        let mut fastest = Duration::MAX;
        for _ in 0..ATTEMPTS {
            let took = site.cycle(*trouble, &mut said);
            (fastest, longest) = (fastest.min(took), longest.max(took));
            given_up += u64::from(said.gave_up.is_some());
            check(cycle, *trouble, took, site, &mut said);
            report.pass();
            if fastest <= trouble.limit() {
                break;
            }
        }
        assert!(
            fastest <= trouble.limit(),
            "cycle {cycle}, {trouble:?}: ended after {fastest:?} at best"
        );
    }
    report.count("cycles", troubles.len() as u64);
    report.count("given_up", given_up);
    report.count("sales", said.sent.cast_unsigned());
    report.count("handled", said.handled.len() as u64);
    report.count("longest_end_ms", longest.as_millis() as u64);
}

/// Looks at what an end left, with the eyes of the next start.
fn check(cycle: usize, trouble: Trouble, took: Duration, site: &Site<'_>, said: &mut Said) {
    let what = format!("seed {}, cycle {cycle}, {trouble:?}, {took:?}", site.seed);
    let (ended, gave_up) = (said.ended, said.gave_up.clone());
    let patience = trouble.patience();
    match trouble {
        Trouble::None | Trouble::Hanging => {
            assert!(ended || took >= patience, "{what}: {gave_up:?}");
        }
        // Sales were on their way, and somebody has to know.
        Trouble::Lost => assert!(!ended, "{what}: it was no success"),
        Trouble::Silent => {}
    }
    let finished = std::mem::take(&mut said.finished);
    let unfinished: Vec<_> = said.begun.difference(&finished).copied().collect();
    match trouble {
        Trouble::Hanging => assert!(!unfinished.is_empty(), "{what}: nothing hung"),
        _ if took >= patience => {}
        _ => assert_eq!(unfinished, [], "{what}: handlers are waited for"),
    }
    let next = site.child("look", said);
    let (status, _) = next.ended_after(LIMIT, |line| said.hear(line));
    assert!(status.success(), "{what}: {:?}", said.gave_up);
    assert_eq!(said.wrong, Vec::<String>::new(), "{what}");
    assert_eq!(said.missing(), [], "{what}: acknowledged, and not there");
    let again: Vec<_> = said
        .restored
        .iter()
        .filter(|(count, _)| *count > 0)
        .collect();
    assert!(
        !ended || again.is_empty() || took >= patience,
        "{what}: to be read again: {again:?}"
    );
    assert_eq!(said.restored.len(), 4, "{:?}", said.restored);
    assert_eq!(said.committed.len(), 4, "{:?}", said.committed);
    for (partition, committed) in &said.committed {
        for offset in 0..*committed {
            assert!(
                said.handled.contains(&(*partition, offset)),
                "{what}: {offset} of {partition} is committed and not finished"
            );
        }
        assert!(
            !ended || !finished.contains(&(*partition, *committed)),
            "{what}: {committed} of {partition} is finished and not committed"
        );
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_millis()).expect("before long")
}

/// So many ends that nothing befalls, and these.
fn troubles(cycles: u64, last: &[Trouble]) -> Vec<Trouble> {
    let mut all: Vec<Trouble> = (0..cycles).map(|_| Trouble::None).collect();
    // In the middle of the others, so that each finds what it left.
    let at = all.len() / 2;
    all.splice(at..at, last.iter().copied());
    all
}

#[test]
fn a_program_at_work_on_the_embedded_log_ends_within_ten_seconds_and_the_next_start_reads_nothing_again()
 {
    let directory = tempfile::tempdir().expect("a directory");
    let site = Site {
        directory: directory.path(),
        environment: &[],
        behind: None,
        seed: seed(),
        base: now(),
    };
    let troubles = troubles(number("KSQL_TEST_CYCLES", 4), &[Trouble::Hanging]);
    cycles("embedded", &site, &troubles);
}

#[test]
fn a_program_at_work_on_kafka_ends_within_ten_seconds_whether_it_answers_or_not() {
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    // A member that could not leave its group is missed soon.
    let place = behind.place().missed_soon();
    let site = Site {
        directory: place.directory(),
        environment: &place.environment(),
        behind: Some(&behind),
        seed: seed(),
        base: now(),
    };
    let away = [Trouble::Lost, Trouble::Silent, Trouble::Hanging];
    let troubles = troubles(number("KSQL_TEST_CYCLES", 3), &away);
    cycles("Kafka", &site, &troubles);
}
