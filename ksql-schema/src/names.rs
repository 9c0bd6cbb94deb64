//! Names: upper-casing, quoting, what topics, sources and Avro allow, reserved words, window labels.

use crate::ddl::push_label;
use crate::model::Window;
use crate::text::Sink;

/// FNV-1a 64: how const code finds a column by name.
pub const fn hash(name: &str) -> u64 {
    crate::fingerprint::of(name)
}

/// A Rust name as ksqlDB's identifier.
pub fn upper(name: &str) -> String {
    name.to_uppercase()
}

/// An identifier in back quotes, inner ones doubled.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A window's label: `5min`, `30s`, `1440min`, `60min_by_15min`, `30min_session`.
pub fn window_label(window: &Window<'_>, size_ms: u64) -> String {
    let mut sink = Sink::new(&mut []);
    push_label(window, size_ms, false, &mut sink);
    let mut out = vec![0; sink.len()];
    push_label(window, size_ms, false, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}
