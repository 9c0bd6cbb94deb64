//! Windowed tables: read-only for programs, one statement and one topic a window.

use ksql_runtime::prelude::*;

/// Tumbling windows of two sizes over one key.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("tumbling", partitions = 4)]
#[table]
#[window(tumbling, minutes = [1, 5], grace = "10s", retention = "7d", gaps = "carry_forward", gap_horizon = 60)]
#[entity(namespace = "test.windows")]
pub struct Tumbling {
    #[key]
    pub symbol: String,
    #[window_start]
    pub start: DateTime<Utc>,
    #[window_end]
    pub end: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    #[gap(from = close)]
    pub open: Decimal,
    #[decimal_precision(18, 4)]
    pub close: Decimal,
    #[gap(zero)]
    pub volume: i64,
}

/// Hopping windows over two keys.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("hopping")]
#[window(hopping, days = [1, 30], advance = "6h")]
#[entity(namespace = "test.windows")]
pub struct Hopping {
    #[key]
    pub region: String,
    #[key]
    pub shelf: i32,
    #[window_start]
    pub from: i64,
    pub count: i64,
}

/// Session windows.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("session")]
#[window(session, gap = "90s", grace = "500ms")]
#[entity(namespace = "test.windows")]
pub struct Session {
    #[key]
    pub user: i64,
    #[window_start]
    pub start: DateTime<Utc>,
    #[window_end]
    pub end: i64,
    pub clicks: i64,
}
