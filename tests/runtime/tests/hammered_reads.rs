//! Eight threads that read again half a millisecond after each answer, while their table starts, is at work, loses its log, finds
//! it again, ends, and starts anew (RT3): on the embedded log, and on a Kafka behind a proxy.
//!
//! Beside the table goes a log of what was sent and acknowledged of each key. No answer is older than what was acknowledged
//! before the start, or than an answer that anybody got before; none is newer than what was sent; none comes before the table is ready;
//! and who gets none is told topic, state and lag.
//!
//! `KSQL_TEST_HAMMERED=50` is the long form; `KSQL_TEST_SEED` varies it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ksql_runtime::error::Error;
use ksql_runtime::log::Log;
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::behind::Behind;
use ksql_runtime_tests::cluster::{LIMIT, Place, reaches};
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::until::until;
use ksql_runtime_tests::workload::{Row, mix, text};

const THREADS: u64 = 8;
const KEYS: u64 = 4_000;
/// Rows that are added together.
const TOGETHER: u64 = 50;
/// So many times in each start they are added one after the other, and then at intervals: the next one has to read it all.
const AT_ONCE: u32 = 200;
const BEAT: Duration = Duration::from_millis(20);
/// From an answer to the next read: whoever makes the table ready is to get some time too.
const BETWEEN: Duration = Duration::from_micros(500);
/// A log that is lost is noticed within this time.
const NOTICED: Duration = Duration::from_secs(15);
/// One read in so many is of the whole table.
const LISTS: u64 = 40;

/// What happened to a key so far.
#[derive(Debug)]
struct Key {
    sent: AtomicI64,
    acknowledged: AtomicI64,
    /// No answer may be older.
    least: AtomicI64,
}

/// What readers and writer share.
#[derive(Debug)]
struct Beside {
    keys: Vec<Key>,
    next: AtomicU64,
    /// Reads since the log was lost or found, and how the writer and the readers are told to end.
    answered: AtomicU64,
    refused: AtomicU64,
    stop_writing: AtomicBool,
    stop_reading: AtomicBool,
    /// The table that is read: none before the first start.
    set: Mutex<Option<EntitySet<Row>>>,
    /// Between a start and the first loss of its log a state tells whether the table has been ready.
    starting: AtomicBool,
}

impl Beside {
    fn new() -> Beside {
        let key = || Key {
            sent: AtomicI64::new(-1),
            acknowledged: AtomicI64::new(-1),
            least: AtomicI64::new(-1),
        };
        Beside {
            keys: (0..KEYS).map(|_| key()).collect(),
            next: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stop_writing: AtomicBool::new(false),
            stop_reading: AtomicBool::new(false),
            set: Mutex::new(None),
            starting: AtomicBool::new(false),
        }
    }

    fn set(&self) -> std::sync::MutexGuard<'_, Option<EntitySet<Row>>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds rows of these keys, the next number each.
    async fn add(&self, set: &EntitySet<Row>, keys: impl Iterator<Item = u64>) {
        let rows: Vec<Row> = keys
            .map(|key| {
                let sequence = self.next.fetch_add(1, Ordering::SeqCst).cast_signed();
                self.keys[key as usize]
                    .sent
                    .fetch_max(sequence, Ordering::SeqCst);
                let id = key.cast_signed();
                Row {
                    id,
                    sequence,
                    text: text(id, sequence),
                }
            })
            .collect();
        let added: Vec<(usize, i64)> = rows
            .iter()
            .map(|row| (row.id as usize, row.sequence))
            .collect();
        set.add_all(rows).await.expect("acknowledged");
        for (key, sequence) in added {
            self.keys[key]
                .acknowledged
                .fetch_max(sequence, Ordering::SeqCst);
        }
    }

    /// From now on every answer holds what is acknowledged now.
    fn acknowledged_counts(&self) {
        for key in &self.keys {
            let acknowledged = key.acknowledged.load(Ordering::SeqCst);
            key.least.fetch_max(acknowledged, Ordering::SeqCst);
        }
    }

    fn least(&self, key: u64) -> i64 {
        self.keys[key as usize].least.load(Ordering::SeqCst)
    }

    /// Judges one row of an answer that was asked for when no answer might be older than `least`.
    fn judge(&self, key: u64, least: i64, found: Option<&Row>) {
        let row = found.unwrap_or_else(|| panic!("{key} is missing: {least} was acknowledged"));
        let known = &self.keys[key as usize];
        assert_eq!(row.id, key.cast_signed());
        assert_eq!(row.text, text(row.id, row.sequence), "a torn row");
        assert!(least <= row.sequence, "{row:?} is older than {least}");
        let sent = known.sent.load(Ordering::SeqCst);
        assert!(
            row.sequence <= sent,
            "{row:?} was never sent: {sent} was last"
        );
        known.least.fetch_max(row.sequence, Ordering::SeqCst);
    }

    /// One thread's life.
    fn read(&self, runtime: &tokio::runtime::Handle, seed: u64, reader: u64) {
        let mut n = mix(seed, reader);
        while !self.stop_reading.load(Ordering::SeqCst) {
            let Some(set) = self.set().clone() else {
                std::thread::yield_now();
                continue;
            };
            let starting = self.starting.load(Ordering::SeqCst);
            n = mix(n, reader);
            let answer = if n.is_multiple_of(LISTS) {
                let least: Vec<i64> = (0..KEYS).map(|key| self.least(key)).collect();
                runtime.block_on(set.to_list()).map(|mut list| {
                    list.sort_by_key(|row| row.id);
                    assert_eq!(list.len() as u64, KEYS, "a list is whole or refused");
                    for (key, (row, least)) in (0..).zip(list.iter().zip(least)) {
                        self.judge(key, least, Some(row));
                    }
                })
            } else {
                let key = n % KEYS;
                let least = self.least(key);
                let got = runtime.block_on(set.get(key.cast_signed()));
                got.map(|found| self.judge(key, least, found.as_ref()))
            };
            match answer {
                Ok(()) => {
                    // Looked at afterwards, and of a start that was one before and after: it has been ready by then.
                    let state = set.state().expect("a table");
                    let starts = starting && self.starting.load(Ordering::SeqCst);
                    assert!(
                        !starts || !matches!(state, State::Created | State::Rebalancing),
                        "answered while {state}"
                    );
                    self.answered.fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => {
                    is_honest(&error, &set);
                    self.refused.fetch_add(1, Ordering::SeqCst);
                }
            }
            std::thread::park_timeout(BETWEEN);
        }
    }
}

/// Whoever gets no answer is told topic, state and lag.
fn is_honest(error: &Error, set: &EntitySet<Row>) {
    let text = error.to_string();
    let Error::NotReady {
        topic, state, lag, ..
    } = error
    else {
        panic!("a read is answered or not ready: {error:?}");
    };
    assert_eq!(topic, set.topic().expect("a topic"));
    assert_ne!(*state, State::Running, "{text}");
    for word in [topic.as_str(), &state.to_string(), &format!("lag {lag}")] {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

/// Waits until a count has grown by more reads than any that began before.
async fn more(what: &str, count: &AtomicU64) {
    let before = count.load(Ordering::SeqCst);
    let grown = async || count.load(Ordering::SeqCst) >= before + 2 * THREADS;
    until(LIMIT, grown, || format!("more reads are {what}")).await;
}

/// Where the table is.
enum Site {
    Embedded(tempfile::TempDir),
    Kafka(Box<Behind>, Box<Place>),
}

impl Site {
    /// A context that has started and need not be ready.
    async fn open(&self) -> Context {
        match self {
            Site::Kafka(_, place) => place.open().await,
            Site::Embedded(directory) => ksql_runtime_tests::context()
                .entity::<Row>()
                .setting("wait_for_ready", "false")
                .setting("retry_first", "1ms")
                .setting("retry_longest", "5ms")
                .state_dir(directory.path())
                .start()
                .await
                .expect("the context starts"),
        }
    }

    /// The table has everything to read again.
    fn forget(&self) {
        match self {
            Site::Kafka(_, place) => place.forget_tables(),
            Site::Embedded(directory) => {
                let state = directory.path().join("state");
                std::fs::remove_dir_all(state).expect("the state is removed");
            }
        }
    }

    fn lose(&self, ctx: &Context) {
        match (self, ctx.log()) {
            (Site::Kafka(behind, _), _) => behind.proxy.set(Fault::Refused),
            (Site::Embedded(_), Log::Embedded(log)) => drop(log.fail_reads(u32::MAX)),
            (Site::Embedded(_), log) => panic!("another log: {log:?}"),
        }
    }

    fn find(&self, ctx: &Context) {
        match (self, ctx.log()) {
            (Site::Kafka(behind, _), _) => behind.proxy.set(Fault::None),
            (Site::Embedded(_), Log::Embedded(log)) => drop(log.fail_reads(0)),
            (Site::Embedded(_), log) => panic!("another log: {log:?}"),
        }
    }
}

/// So many starts.
async fn hammered(name: &str, site: &Site, starts: u64) {
    let seed = seed();
    let mut report = Report::new(&format!("RT3 hammered, {name}"), seed);
    let beside = Arc::new(Beside::new());
    let ctx = site.open().await;
    beside.add(&ctx.set::<Row>(), 0..KEYS).await;
    ctx.shutdown().await.expect("a clean end");

    let readers: Vec<_> = (0..THREADS)
        .map(|reader| {
            let (beside, runtime) = (Arc::clone(&beside), tokio::runtime::Handle::current());
            std::thread::spawn(move || beside.read(&runtime, seed, reader))
        })
        .collect();
    let (mut early, mut longest) = (0, Duration::ZERO);
    for start in 0..starts {
        // Every other one has everything to read again; the rest what it has not read, which is nothing.
        if start.is_multiple_of(2) {
            site.forget();
        }
        beside.acknowledged_counts();
        let ctx = site.open().await;
        beside.starting.store(true, Ordering::SeqCst);
        *beside.set() = Some(ctx.set::<Row>());
        // Until now those were refused who read what has ended, and each thread may be in the middle of one more such read.
        let before = beside.refused.load(Ordering::SeqCst) + THREADS;
        beside.stop_writing.store(false, Ordering::SeqCst);
        let writing = {
            let (beside, set) = (Arc::clone(&beside), ctx.set::<Row>());
            tokio::spawn(async move {
                let mut n = mix(seed, start);
                let mut beats = tokio::time::interval(BEAT);
                let mut batches = 0;
                while !beside.stop_writing.load(Ordering::SeqCst) {
                    batches += 1;
                    if batches > AT_ONCE {
                        beats.tick().await;
                    }
                    let keys: Vec<u64> = (0..TOGETHER).map(|at| mix(n, at) % KEYS).collect();
                    beside.add(&set, keys.into_iter()).await;
                    n = mix(n, 0);
                    tokio::task::yield_now().await;
                }
            })
        };
        ctx.wait_ready(LIMIT).await.expect("the table is ready");
        let refused = beside.refused.load(Ordering::SeqCst);
        early += refused.saturating_sub(before);
        more("answered once it is ready", &beside.answered).await;
        beside.starting.store(false, Ordering::SeqCst);

        // Also where the table has only just begun to read.
        let lost = Instant::now();
        site.lose(&ctx);
        reaches(&ctx, State::Disconnected).await;
        longest = longest.max(lost.elapsed());
        more("refused while the log is lost", &beside.refused).await;
        site.find(&ctx);
        reaches(&ctx, State::Running).await;
        more("answered when it is found again", &beside.answered).await;

        beside.stop_writing.store(true, Ordering::SeqCst);
        tokio::time::timeout(LIMIT, writing)
            .await
            .expect("the writer ends")
            .expect("everything was acknowledged");
        ctx.shutdown().await.expect("a clean end");
        more("refused after the end", &beside.refused).await;
        report.pass();
    }
    beside.stop_reading.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.join().expect("every answer was right");
    }
    assert!(
        early > 0,
        "some reads came before ready, or nothing was tested"
    );
    assert!(longest <= NOTICED, "a loss was noticed after {longest:?}");
    report.count("starts", starts);
    report.count(
        "longest_until_lost_is_noticed_ms",
        longest.as_millis() as u64,
    );
    report.count("refused_before_ready", early);
    report.count("refused", beside.refused.load(Ordering::SeqCst));
    report.count("answered", beside.answered.load(Ordering::SeqCst));
    report.count("rows_sent", beside.next.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_thread_reads_what_is_older_than_acknowledged_before_the_start_or_anything_before_ready()
{
    let directory = tempfile::tempdir().expect("a directory");
    let starts = number("KSQL_TEST_HAMMERED", 8);
    hammered("embedded", &Site::Embedded(directory), starts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_a_kafka_that_goes_and_comes() {
    if let Some(behind) = Behind::start(test_name!()) {
        let place = Box::new(behind.place());
        let starts = number("KSQL_TEST_HAMMERED", 4);
        hammered("Kafka", &Site::Kafka(Box::new(behind), place), starts).await;
    }
}
