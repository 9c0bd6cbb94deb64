//! What a benchmark prints: one figure a line, `<id> <name> <value> <unit>`.
//!
//! Every measured thing stands beside its floor in the same run, followed by the ratio of both. Lines that start with `#`
//! are remarks: what was set up, whether a target was met, and at the end how many were and what was not measured. Nothing
//! else goes to standard output.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is said at the end of a run.
static OUTCOME: Mutex<Outcome> = Mutex::new(Outcome {
    met: 0,
    missed: Vec::new(),
    skipped: Vec::new(),
    failed: Vec::new(),
});

struct Outcome {
    met: usize,
    missed: Vec<String>,
    skipped: Vec<String>,
    failed: Vec<String>,
}

impl Outcome {
    /// The last remarks.
    fn lines(&self) -> Vec<String> {
        let of = |what: &str, which: &[String]| {
            let names = if which.is_empty() {
                String::new()
            } else {
                format!(": {}", which.join(", "))
            };
            format!("# {} {what}{names}", which.len())
        };
        vec![
            format!("# {} targets met", self.met),
            of("targets missed", &self.missed),
            of("skipped for want of data or tools", &self.skipped),
            of("not measured though asked for", &self.failed),
        ]
    }
}

fn outcome<R>(change: impl FnOnce(&mut Outcome) -> R) -> R {
    change(&mut OUTCOME.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Says how many targets were met, and what was missed or not measured. False where something failed: a missed target is a
/// result, a benchmark that could not run is none.
pub fn conclude() -> bool {
    outcome(|outcome| {
        for line in outcome.lines() {
            println!("{line}");
        }
        outcome.failed.is_empty()
    })
}

/// Whether a figure should be small or large.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// Met at this value and below.
    AtMost(f64),
    /// Met at this value and above.
    AtLeast(f64),
}

/// One benchmark's output.
#[derive(Debug, Clone, Copy)]
pub struct Report(pub &'static str);

impl Report {
    /// One figure.
    pub fn figure(self, name: &str, value: f64, unit: &str) {
        println!("{} {name} {} {unit}", self.0, digits(value));
    }

    /// A ratio of two figures of this run.
    pub fn ratio(self, name: &str, value: f64) {
        self.figure(name, value, "x");
    }

    /// A figure that has a target, and whether it was met.
    pub fn aimed(self, name: &str, value: f64, unit: &str, target: Target) {
        self.figure(name, value, unit);
        let (sign, limit, met) = match target {
            Target::AtMost(limit) => ("<=", limit, value <= limit),
            Target::AtLeast(limit) => (">=", limit, value >= limit),
        };
        outcome(|outcome| {
            if met {
                outcome.met += 1;
            } else {
                outcome.missed.push(format!("{} {name}", self.0));
            }
        });
        let verdict = if met { "met" } else { "MISSED" };
        println!(
            "# {} {name} target {sign} {} {unit}: {verdict}",
            self.0,
            digits(limit)
        );
    }

    /// It cannot run here, for a reason that is no fault.
    pub fn skipped(self, why: &str) {
        self.note(&format!("skipped: {why}"));
        outcome(|outcome| outcome.skipped.push(self.0.to_owned()));
    }

    /// The same for a part of it.
    pub fn skipped_part(self, part: &str, why: &str) {
        self.note(&format!("{part} skipped: {why}"));
        outcome(|outcome| outcome.skipped.push(format!("{} {part}", self.0)));
    }

    /// It could not run.
    pub fn failed(self, why: &str) {
        self.note(&format!("not measured: {why}"));
        outcome(|outcome| outcome.failed.push(self.0.to_owned()));
    }

    /// A remark.
    pub fn note(self, text: &str) {
        println!("# {} {text}", self.0);
    }
}

fn digits(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

/// The middle one; the lower of the two where there is no middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

/// A quantile of sorted nanoseconds, in microseconds.
pub fn quantile_us(sorted: &[u64], q: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = ((last as f64) * q).round() as usize;
    sorted
        .get(at)
        .map_or(f64::NAN, |nanos| *nanos as f64 / 1000.0)
}

/// How long `work` took, and what it returned.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_skipped_or_failed_is_counted_and_only_a_failure_fails_the_run() {
        let report = Report("X");
        report.aimed("fast", 1.0, "ms", Target::AtMost(2.0));
        report.aimed("slow", 3.0, "ms", Target::AtMost(2.0));
        report.skipped("no data");
        report.skipped_part("peer", "no java");
        assert!(conclude(), "neither is a failure");
        report.failed("it does not compile");
        assert!(!conclude());
        let lines = outcome(|outcome| outcome.lines());
        assert_eq!(
            lines,
            [
                "# 1 targets met",
                "# 1 targets missed: X slow",
                "# 2 skipped for want of data or tools: X, X peer",
                "# 1 not measured though asked for: X"
            ]
        );
    }
}
