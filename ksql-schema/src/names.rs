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

/// Column names that ksqlDB keeps for itself.
pub const PSEUDO_COLUMNS: [&str; 5] = ["ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"];

/// Words that KSQL reserves; we quote every identifier, so they are fine as names.
pub const RESERVED: &str = "ADVANCE ALL AND AS AT BEGINNING BETWEEN BY CASE CAST CATALOG CONNECTOR CONNECTORS CREATE DAYS \
    DECIMAL DELETE DESCRIBE DISTINCT DROP ELSE END EXISTS EXPORT EXTENDED FALSE FROM FULL GROUP HAVING HOPPING HOURS IN INNER \
    INSERT INTO IS JOIN LEFT LIKE LIMIT LIST LOAD MATERIALIZED MILLISECOND MILLISECONDS MINUTES MONTHS NAMESPACE NOT NULL ON \
    OR OUTER PAUSE PRINT PROPERTIES QUERIES QUERY RENAME RESUME RETENTION RIGHT RUN SAMPLE SCRIPT SECONDS SELECT SIZE STREAM \
    STREAMS TABLE TERMINATE THEN TO TOPIC TOPICS TRUE TUMBLING UNSET VALUES VIEW WHEN WHERE WINDOW WITH WITHIN YEARS";

/// Whether KSQL reserves a word.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(name))
}

/// Whether Avro can hold a name.
pub fn is_avro_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether Avro can hold a dotted namespace (a module path counts as one).
pub fn is_namespace(namespace: &str) -> bool {
    namespace.is_empty() || namespace.replace("::", ".").split('.').all(is_avro_name)
}

/// What is wrong with a topic's name, if anything.
pub fn topic_defect(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a topic's name cannot be empty".to_owned());
    }
    if name.len() > 249 {
        return Some(format!("a topic's name has at most 249 characters, not {}", name.len()));
    }
    if name == "." || name == ".." {
        return Some(format!("`{name}` cannot be a topic's name"));
    }
    let wrong = name.chars().find(|character| !(character.is_ascii_alphanumeric() || "._-".contains(*character)))?;
    Some(format!("a topic's name cannot hold `{wrong}`"))
}
