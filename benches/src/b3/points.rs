//! Reads of single rows: hits on few hot and on all keys, misses, from one thread and from four.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ksql_runtime::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{KEYS, REPORT, latencies, nanos, partition};
use crate::data::{Drawer, Keys, SEED};
use crate::entities::Order;
use crate::floor::table::{Collected, Table};
use crate::report::Target;

const GETS: usize = 200_000;
/// Under ingest: one read every so often, counted from when it should have begun.
const EVERY: Duration = Duration::from_micros(50);
const SCHEDULED: usize = 60_000;
const INGEST: Duration = Duration::from_millis(10);
const PER_INGEST: usize = 200;

/// What is looked up.
#[derive(Debug, Clone, Copy)]
enum Look {
    Hot,
    Any,
    Miss,
}

impl Look {
    fn name(self) -> &'static str {
        match self {
            Self::Hot => "hit_hot",
            Self::Any => "hit_any",
            Self::Miss => "miss",
        }
    }

    /// The keys one thread looks up.
    fn keys(self, thread: usize, count: usize) -> Vec<i64> {
        let mut rng = StdRng::seed_from_u64(SEED + thread as u64);
        let zipf = matches!(self, Self::Hot)
            .then(|| Drawer::new(Keys::Zipf, KEYS, &mut StdRng::seed_from_u64(SEED)));
        (0..count)
            .map(|_| match &zipf {
                Some(zipf) => zipf.draw(&mut rng),
                None => {
                    let id = rng.random_range(0..KEYS as i64);
                    if matches!(self, Self::Miss) {
                        id + KEYS as i64
                    } else {
                        id
                    }
                }
            })
            .collect()
    }
}

/// One read, by the framework or by hand.
trait Reader: Sync {
    fn get(&self, id: i64) -> Option<Order>;
}

/// The framework; `get` is awaited as a program would.
struct Ours<'a> {
    runtime: &'a tokio::runtime::Runtime,
    ctx: &'a Context,
}

/// Latencies of one thread's reads.
fn closed(reader: &dyn Reader, keys: &[i64], hit: bool) -> Vec<u64> {
    keys.iter()
        .map(|id| {
            let started = Instant::now();
            let found = black_box(reader.get(*id));
            let took = nanos(started.elapsed());
            assert_eq!(found.is_some(), hit, "key {id}");
            took
        })
        .collect()
}

impl Reader for Ours<'_> {
    fn get(&self, id: i64) -> Option<Order> {
        self.runtime
            .block_on(self.ctx.set::<Order>().get(id))
            .expect("a read")
    }
}

impl Reader for Table {
    fn get(&self, id: i64) -> Option<Order> {
        Table::get(self, partition(id), id)
    }
}

/// All of them.
pub fn run(runtime: &tokio::runtime::Runtime, ctx: &Context, floor: &Table) {
    let ours = Ours { runtime, ctx };
    for threads in [1, 4] {
        for look in [Look::Hot, Look::Any, Look::Miss] {
            let name = format!("rest_{}_{threads}t", look.name());
            let (ours, _) = latencies(&format!("{name}_get"), many(&ours, look, threads));
            let (floor, _) = latencies(&format!("{name}_floor"), many(floor, look, threads));
            REPORT.ratio(&format!("{name}_p50_to_floor"), ours / floor);
            if threads == 1 && matches!(look, Look::Hot) {
                REPORT.aimed("hot_get_p50", ours, "us", Target::AtMost(5.0));
            }
        }
    }
    for look in [Look::Hot, Look::Any] {
        let name = format!("ingest_{}_1t", look.name());
        let (_, ours) = latencies(&format!("{name}_get"), while_adding(&ours, look));
        let (_, floor) = latencies(&format!("{name}_floor"), while_writing(floor, look));
        REPORT.ratio(&format!("{name}_p99_to_floor"), ours / floor);
        if matches!(look, Look::Hot) {
            REPORT.aimed("hot_get_under_ingest_p99", ours, "us", Target::AtMost(40.0));
        }
    }
}

fn many(reader: &dyn Reader, look: Look, threads: usize) -> Vec<u64> {
    let each = GETS / threads;
    closed(
        reader,
        &look.keys(99, each / 10),
        !matches!(look, Look::Miss),
    );
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let keys = look.keys(thread, each);
                scope.spawn(move || closed(reader, &keys, !matches!(look, Look::Miss)))
            })
            .collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().expect("a reader"))
            .collect()
    })
}

/// Reads on a fixed schedule: a read that begins late is charged for it.
fn scheduled(reader: &dyn Reader, look: Look) -> Vec<u64> {
    let begin = Instant::now();
    look.keys(0, SCHEDULED)
        .into_iter()
        .enumerate()
        .map(|(at, id)| {
            let due = begin + EVERY * at as u32;
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            black_box(reader.get(id));
            nanos(due.elapsed())
        })
        .collect()
}

/// Runs `work` while `write` is called for a batch of orders every [`INGEST`], and prints what rate that was.
fn beside(
    what: &str,
    write: impl Fn(Vec<Order>) + Send,
    work: impl FnOnce() -> Vec<u64>,
) -> Vec<u64> {
    let stop = AtomicBool::new(false);
    let written = AtomicU64::new(0);
    let started = Instant::now();
    let result = std::thread::scope(|scope| {
        let (stop, written) = (&stop, &written);
        scope.spawn(move || {
            let mut rng = StdRng::seed_from_u64(SEED);
            let template = crate::data::order(&mut rng, 0);
            let mut due = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                let orders: Vec<Order> = (0..PER_INGEST)
                    .map(|_| Order {
                        id: rng.random_range(0..KEYS as i64),
                        ..template.clone()
                    })
                    .collect();
                write(orders);
                written.fetch_add(PER_INGEST as u64, Ordering::Relaxed);
                due += INGEST;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        let result = work();
        stop.store(true, Ordering::Relaxed);
        result
    });
    let rate = written.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    REPORT.figure(&format!("ingest_rate_{what}"), rate, "rec/s");
    result
}

fn while_adding(ours: &Ours<'_>, look: Look) -> Vec<u64> {
    let add = |orders: Vec<Order>| {
        ours.runtime
            .block_on(ours.ctx.set::<Order>().add_all(orders))
            .expect("orders are added");
    };
    beside("get", add, || scheduled(ours, look))
}

fn while_writing(floor: &Table, look: Look) -> Vec<u64> {
    let write = |orders: Vec<Order>| {
        let mut collected = Collected::default();
        let mut value = Vec::new();
        for order in orders {
            value.clear();
            value.extend_from_slice(&[0; 5]);
            crate::floor::order::encode(&order, &mut value).expect("encodes");
            let key = order.id.to_be_bytes();
            floor.record(&mut collected, partition(order.id), 0, &key, Some(&value));
        }
        floor.write(&mut collected);
    };
    beside("floor", write, || scheduled(floor, look))
}
