//! The model: what an entity is, as plain data.
//!
//! Everything here is `Copy` and borrows: the derive macro builds a model over its own strings to
//! validate it, and emits the same model as a `'static` constant that the runtime, the renderers
//! and the model check read. There is one model and one set of rules over it.
//!
//! Invariant: a model says nothing twice. What can be computed from it (Avro text, DDL, labels)
//! is computed by the renderers beside this module and never stored here.

use crate::types::Type;

/// One entity: a struct, its topic, its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entity<'a> {
    /// The struct's name as written in Rust (`Rate`).
    pub name: &'a str,
    /// The module path as Rust writes it (`shop::prices`), or an overriding dotted namespace.
    pub namespace: &'a str,
    /// The Avro record name: the struct's name unless overridden.
    pub record_name: &'a str,
    /// The KSQL source name: the struct's name upper-cased (`RATE`), without quotes.
    pub sql_name: &'a str,
    /// Stream or table.
    pub kind: Kind,
    /// How `kind` was decided.
    pub kind_from: KindFrom,
    /// The topic and its settings.
    pub topic: Topic<'a>,
    /// How values are written.
    pub value_format: ValueFormat,
    /// How registry subjects are named.
    pub subjects: SubjectStrategy,
    /// The columns in order of definition.
    pub columns: &'a [Column<'a>],
    /// The window attribute, if there is one.
    pub window: Option<Window<'a>>,
    /// How strict the rules are.
    pub mode: Mode,
}

/// A stream of events, or a table of latest values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Every record counts.
    Stream,
    /// The latest record of a key counts; a null value deletes.
    Table,
}

/// What decided between stream and table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KindFrom {
    /// `#[stream]` or `#[table]` stands on the struct.
    Attribute,
    /// Inferred: a window makes a table, everything else is a stream.
    Inferred,
}

/// How rules with a level behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// The default: doubtful definitions are errors.
    #[default]
    Strict,
    /// Doubtful definitions are warnings where a sensible reading exists.
    Relaxed,
}

/// The topic of an entity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Topic<'a> {
    /// The topic's name; where none was declared, the lower-cased struct name.
    pub name: &'a str,
    /// Whether `#[topic("...")]` was written.
    pub declared: bool,
    /// Partitions, if stated (default 1).
    pub partitions: Option<u32>,
    /// Replication factor, if stated (default 1).
    pub replication: Option<u16>,
    /// Retention in milliseconds, -1 for unlimited, if stated.
    pub retention_ms: Option<i64>,
    /// Cleanup policy, if stated.
    pub cleanup: Option<Cleanup>,
}

/// A topic's cleanup policy, in Kafka's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cleanup {
    /// `delete`: records expire.
    Delete,
    /// `compact`: the latest record of a key stays.
    Compact,
    /// `compact,delete`: both.
    CompactDelete,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ValueFormat {
    /// Avro binary behind the Confluent prefix.
    #[default]
    Avro,
}

/// How registry subjects are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SubjectStrategy {
    /// `<topic>-value`, `<topic>-key`: the only one ksqlDB knows.
    #[default]
    TopicName,
    /// `<namespace>.<record>`: refused where KSQL touches the entity.
    RecordName,
    /// `<topic>-<namespace>.<record>`: refused where KSQL touches the entity.
    TopicRecordName,
}

/// One field of an entity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column<'a> {
    /// The field's name as written, without `r#`.
    pub name: &'a str,
    /// The upper-cased name: ksqlDB's column.
    pub sql_name: &'a str,
    /// The column back-quoted, ready for KSQL text.
    pub quoted: &'a str,
    /// FNV-1a hash of `name`: how const code finds a column.
    pub hash: u64,
    /// The field's type without `Option`.
    pub ty: Type<'a>,
    /// Whether the field is an `Option`.
    pub nullable: bool,
    /// What the column is for.
    pub role: Role,
    /// `order = n` of `#[key(order = n)]`, if written.
    pub key_order: Option<u32>,
    /// Whether this is the event time (`#[timestamp]`).
    pub timestamp: bool,
    /// Whether `#[avro_timestamp]` was written.
    pub avro_timestamp: bool,
    /// `#[decimal_precision(p, s)]` as written; `ty` holds the same numbers for a `Decimal`.
    pub decimal_precision: Option<(u32, u32)>,
    /// `#[default_value(...)]` as it was written, as JSON text; [`crate::default_value`] makes Avro's of it.
    pub default: Option<&'a str>,
    /// `#[max_length(n)]`: in characters for text, in bytes for bytes.
    pub max_length: Option<u32>,
    /// `#[datetime_format("...")]`: a Java `DateTimeFormatter` pattern. The column is a string then.
    pub datetime_format: Option<&'a str>,
    /// `#[gap(...)]`: what a gap row holds here.
    pub gap: Option<Gap<'a>>,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A key column; keys count in order of definition.
    Key,
    /// A value column.
    Value,
    /// Filled from the windowed key: the window's start. Not in value, DDL or Avro.
    WindowStart,
    /// Filled from the windowed key: the window's end. Not in value, DDL or Avro.
    WindowEnd,
    /// `#[kafka_ignore]`: nowhere but in the struct. Left out of emitted models.
    Ignored,
}

/// What a gap row holds in one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap<'a> {
    /// `#[gap(zero)]`.
    Zero,
    /// `#[gap(from = close)]`: the previous final's value of that field.
    From(&'a str),
}

/// `#[window(...)]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window<'a> {
    /// Tumbling, hopping or session.
    pub kind: WindowKind,
    /// Sizes in milliseconds (tumbling, hopping), or the one inactivity gap (session).
    pub sizes_ms: &'a [u64],
    /// Advance in milliseconds (hopping only).
    pub advance_ms: Option<u64>,
    /// Grace in milliseconds, if stated (default [`Window::DEFAULT_GRACE_MS`]).
    pub grace_ms: Option<u64>,
    /// Retention in milliseconds, if stated.
    pub retention_ms: Option<u64>,
    /// Gap policy.
    pub gaps: GapPolicy,
    /// For how many windows a silent key gets gap rows.
    pub gap_horizon: Option<u32>,
}

impl Window<'_> {
    /// Grace where none is stated: 24 hours would be ksqlDB's for `EMIT CHANGES`; ours is written out always.
    pub const DEFAULT_GRACE_MS: u64 = 10_000;
    /// Retention where none is stated: at least this, much larger than size + grace (pitfall P127).
    pub const DEFAULT_RETENTION_MS: u64 = 7 * 24 * 60 * 60 * 1000;

    /// Grace as it is written into KSQL.
    pub const fn effective_grace_ms(&self) -> u64 {
        match self.grace_ms {
            Some(grace) => grace,
            None => Self::DEFAULT_GRACE_MS,
        }
    }

    /// Retention as it is written into KSQL: never below size + grace.
    pub const fn effective_retention_ms(&self, size_ms: u64) -> u64 {
        let least = size_ms + self.effective_grace_ms();
        match self.retention_ms {
            Some(retention) => retention,
            None if least > Self::DEFAULT_RETENTION_MS => least,
            None => Self::DEFAULT_RETENTION_MS,
        }
    }
}

/// The kinds of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// Fixed size, no overlap.
    Tumbling,
    /// Fixed size, a new one every advance.
    Hopping,
    /// Ends after a gap of inactivity.
    Session,
}

/// What happens to windows in which a key was silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GapPolicy {
    /// Nothing.
    #[default]
    None,
    /// A row with empty aggregates.
    Empty,
    /// A row with the previous final's values.
    CarryForward,
}

impl Entity<'_> {
    /// How many key columns there are.
    pub const fn key_columns(&self) -> usize {
        let mut columns = self.columns;
        let mut count = 0;
        while let [column, rest @ ..] = columns {
            columns = rest;
            if matches!(column.role, Role::Key) {
                count += 1;
            }
        }
        count
    }
}
