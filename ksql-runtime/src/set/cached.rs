//! Results of reads that are kept in memory: the same condition asked again costs no scan.
//!
//! Invariant: a kept result is given only while the table may be read and has not changed since the scan that made it, and
//! not after its time. What makes results equal is in their key: store, window and keys asked for, the condition's text with
//! its values, and the entity's form.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::read::{Filtered, Reading};
use super::wanted::{self, Wanted};
use super::windows::FilteredWindows;
use crate::clock::Clock;
use crate::entity::{Entity, TableEntity, Windowed};
use crate::error::Result;
use crate::query::{Condition, Predicate};
use crate::state::Table;

/// The results that a context keeps.
#[derive(Debug)]
pub(crate) struct Results {
    kept: Cache<Box<str>, Kept, Rows>,
}

/// A result, and until when it holds.
#[derive(Debug, Clone)]
struct Kept {
    result: Arc<dyn Any + Send + Sync>,
    rows: u64,
    /// The table's when its scan began.
    version: u64,
    /// In milliseconds of the context's clock.
    until: i64,
}

/// A result takes the room of its rows, and an empty one that of one row.
#[derive(Debug, Clone)]
struct Rows;

impl Weighter<Box<str>, Kept> for Rows {
    fn weight(&self, _: &Box<str>, kept: &Kept) -> u64 {
        kept.rows.max(1)
    }
}

impl Results {
    /// Room for results of this many rows together.
    pub(crate) fn new(rows: usize) -> Results {
        // Most results are small; what is estimated wrong costs room in tables, not results.
        let results = (rows / 16).clamp(16, 4096);
        Results {
            kept: Cache::with_weighter(results, u64::try_from(rows).unwrap_or(u64::MAX), Rows),
        }
    }

    fn get(&self, key: &str, table: &Table, clock: &Clock) -> Option<Arc<dyn Any + Send + Sync>> {
        let kept = self.kept.get(key)?;
        if kept.version == table.version() && clock.now_ms() < kept.until {
            return Some(kept.result);
        }
        drop(self.kept.remove(key));
        None
    }
}

/// How long a result holds, and what it is of.
#[derive(Debug, Clone)]
struct Asked {
    text: String,
    expiry: Duration,
}

impl Asked {
    /// The kept result, else what `read` finds, which is kept then. As for every other read: the table may be read, and holds what
    /// was asked for.
    async fn result<W: Wanted, R: Send + Sync + 'static>(
        &self,
        wanted: &W,
        what: &str,
        read: impl FnOnce(&W, &Reading<'_>) -> Result<(R, u64)>,
    ) -> Result<Arc<R>> {
        let access = wanted.access()?;
        let registered = access.registered;
        let key = format!(
            "{}/{:x}/{what}/{}",
            access.table.settings.store,
            W::Entity::FINGERPRINT,
            self.text
        );
        let reading = access.ready().await?;
        let found = registered
            .results
            .get(&key, reading.table, &registered.clock);
        if let Some(found) = found.and_then(|found| found.downcast::<R>().ok()) {
            return reading.end(Ok(found));
        }
        // Before the rows are read: a change meanwhile makes the result one of an older table.
        let version = reading.table.version();
        let read = read(wanted, &reading);
        let (result, rows) = reading.end(read)?;
        let result = Arc::new(result);
        let expiry = i64::try_from(self.expiry.as_millis()).unwrap_or(i64::MAX);
        let kept = Kept {
            result: Arc::clone(&result) as Arc<dyn Any + Send + Sync>,
            rows,
            version,
            until: registered.clock.now_ms().saturating_add(expiry),
        };
        registered.results.kept.insert(key.into_boxed_str(), kept);
        Ok(result)
    }
}

/// A read of a condition whose result is kept.
#[derive(Debug, Clone)]
pub struct Cached<F> {
    filtered: F,
    /// None where the condition has no text.
    asked: Option<Asked>,
}

impl<T: TableEntity, C: Condition<T>> Filtered<T, Predicate<T, C>> {
    /// The same rows, whose result is kept in memory and given again until the table changes, the time is over, or room is wanted
    /// for other results (the setting `cached_results`). Results are those of one condition with the same values.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Duration;
    /// # use ksql_runtime::prelude::*;
    /// # use ksql_runtime::error::Result;
    /// # #[derive(Entity)]
    /// # #[topic("stock")]
    /// # #[table]
    /// # pub struct Stock {
    /// #     #[key]
    /// #     pub article: String,
    /// #     pub pieces: i32,
    /// # }
    /// async fn scarce(ctx: &Context, limit: i32) -> Result<Arc<Vec<Stock>>> {
    ///     let scarce = ctx.set::<Stock>().matching(ksql!(|s: &Stock| s.pieces < limit));
    ///     scarce.cached(Duration::from_secs(30)).to_list().await
    /// }
    /// ```
    pub fn cached(self, expiry: Duration) -> Cached<Self> {
        Cached {
            asked: asked(self.condition(), String::new(), expiry),
            filtered: self,
        }
    }
}

impl<T: Windowed, C: Condition<T>> FilteredWindows<T, Predicate<T, C>> {
    /// The same rows, whose result is kept in memory and given again until the table changes, the time is over, or room is wanted
    /// for other results (the setting `cached_results`). Results are those of one condition with the same values, windows and key.
    pub fn cached(self, expiry: Duration) -> Cached<Self> {
        Cached {
            asked: asked(self.condition(), self.bounds(), expiry),
            filtered: self,
        }
    }
}

/// A condition whose values have no text is asked anew each time.
fn asked<T, C>(condition: &Predicate<T, C>, bounds: String, expiry: Duration) -> Option<Asked> {
    let text = condition.ksql().ok()?;
    Some(Asked {
        text: format!("{bounds}/{text}"),
        expiry,
    })
}

impl<W: Wanted> Cached<W>
where
    W::Entity: Send + Sync + 'static,
{
    /// The rows, in key order; of one key in that of windows.
    ///
    /// # Errors
    /// As [`EntitySet::get`](super::EntitySet::get).
    pub async fn to_list(&self) -> Result<Arc<Vec<W::Entity>>> {
        let Some(asked) = &self.asked else {
            return wanted::read(&self.filtered, W::list).await.map(Arc::new);
        };
        let read = |wanted: &W, reading: &Reading<'_>| {
            let rows = wanted.list(reading)?;
            let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            Ok((rows, count))
        };
        asked.result(&self.filtered, "rows", read).await
    }

    /// How many there are.
    ///
    /// # Errors
    /// As [`EntitySet::get`](super::EntitySet::get).
    pub async fn count(&self) -> Result<u64> {
        let Some(asked) = &self.asked else {
            return wanted::read(&self.filtered, W::number).await;
        };
        let read = |wanted: &W, reading: &Reading<'_>| Ok((wanted.number(reading)?, 1));
        let found = asked.result(&self.filtered, "count", read).await;
        found.map(|count| *count)
    }
}
