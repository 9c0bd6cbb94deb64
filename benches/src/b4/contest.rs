//! Several ways to do one thing, measured in turns so that a slow moment of the machine hits them alike.

use std::time::Instant;

use crate::alloc::allocations;
use crate::report::{Report, median};

const ROUNDS: usize = 5;

type Batch<'a> = Box<dyn FnMut(usize) + 'a>;

struct Entrant<'a> {
    name: String,
    batch: Batch<'a>,
    nanos: Vec<f64>,
    allocations: f64,
}

/// The entrants of one operation.
pub struct Contest<'a> {
    pool: usize,
    ops: usize,
    entrants: Vec<Entrant<'a>>,
}

impl<'a> Contest<'a> {
    /// A contest over a pool of inputs (a power of two), `ops` operations a round.
    pub fn new(pool: usize, ops: usize) -> Self {
        Self {
            pool,
            ops,
            entrants: Vec::new(),
        }
    }

    /// One more entrant; `op` gets the index of an input and a buffer that is used again and again. The loop lies inside
    /// of what is called dynamically.
    pub fn enter(&mut self, name: &str, mut op: impl FnMut(usize, &mut Vec<u8>) + 'a) {
        let mask = self.pool - 1;
        let mut out = Vec::new();
        let batch = Box::new(move |ops: usize| {
            for at in 0..ops {
                op(at & mask, &mut out);
            }
        });
        self.entrants.push(Entrant {
            name: name.to_owned(),
            batch,
            nanos: Vec::new(),
            allocations: 0.0,
        });
    }

    /// Runs all rounds and prints nanoseconds and allocations per operation of everyone.
    pub fn run(mut self, report: Report, what: &str) -> Results {
        for entrant in &mut self.entrants {
            (entrant.batch)(self.pool);
        }
        for _ in 0..ROUNDS {
            for entrant in &mut self.entrants {
                let started = Instant::now();
                let count = allocations(|| (entrant.batch)(self.ops));
                entrant
                    .nanos
                    .push(started.elapsed().as_nanos() as f64 / self.ops as f64);
                entrant.allocations = count as f64 / self.ops as f64;
            }
        }
        let mut results = Vec::new();
        for entrant in self.entrants {
            let nanos = median(&entrant.nanos);
            report.figure(&format!("{what}_{}", entrant.name), nanos, "ns");
            report.figure(
                &format!("{what}_{}_allocations", entrant.name),
                entrant.allocations,
                "1/op",
            );
            results.push((entrant.name, nanos, entrant.allocations));
        }
        Results(results)
    }
}

/// What came out, by entrant.
pub struct Results(Vec<(String, f64, f64)>);

impl Results {
    /// How many times as long `a` took as `b`.
    pub fn ratio(&self, a: &str, b: &str) -> f64 {
        self.nanos(a) / self.nanos(b)
    }

    /// Allocations per operation.
    pub fn allocations(&self, name: &str) -> f64 {
        self.find(name).map_or(f64::NAN, |found| found.2)
    }

    fn nanos(&self, name: &str) -> f64 {
        self.find(name).map_or(f64::NAN, |found| found.1)
    }

    fn find(&self, name: &str) -> Option<&(String, f64, f64)> {
        self.0.iter().find(|entry| entry.0 == name)
    }
}
