//! What a benchmark prints: one figure a line, `<id> <name> <value> <unit>`.
//!
//! Every measured thing stands beside its floor in the same run, followed by the ratio of both. Lines that start with `#`
//! are remarks: what was set up, and whether a target was met. Nothing else goes to standard output.

use std::time::{Duration, Instant};

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
        let verdict = if met { "met" } else { "MISSED" };
        println!(
            "# {} {name} target {sign} {} {unit}: {verdict}",
            self.0,
            digits(limit)
        );
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
