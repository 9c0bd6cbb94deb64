//! What this process and machine are: for the head of a run, and memory.

use std::path::Path;

/// Prints processor, cores, load and version once.
pub fn describe() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    println!(
        "# cpu {}, {cores} cores, load {load}",
        model.trim_start_matches(['\t', ' ', ':'])
    );
    println!(
        "# ksql-benches {}, seed {}",
        env!("CARGO_PKG_VERSION"),
        crate::data::SEED
    );
}

/// A line of `/proc/self/status` in MiB.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|line| {
            line.strip_prefix(name)?
                .trim_start_matches(':')
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        })
        .map_or(f64::NAN, |kib| kib / 1024.0)
}

/// The largest resident set since the last [`reset_peak`], in MiB.
pub fn peak() -> f64 {
    status("VmHWM")
}

/// Lets [`peak`] begin anew where the kernel allows it.
pub fn reset_peak() {
    let _ = std::fs::write(Path::new("/proc/self/clear_refs"), "5");
}

/// CPU seconds of this process so far, all threads, user and system.
pub fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = after_name(&text)
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    (fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0)) / TICKS
}

/// CPU seconds of all children waited for.
pub fn children_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = after_name(&text)
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    (fields.get(13).unwrap_or(&0.0) + fields.get(14).unwrap_or(&0.0)) / TICKS
}

/// Ticks a second, as Linux tells user programs on every architecture it runs on today.
const TICKS: f64 = 100.0;

/// The fields behind the command's name, which stands in brackets and may hold blanks.
fn after_name(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
}
