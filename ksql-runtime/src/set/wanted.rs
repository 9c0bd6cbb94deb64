//! A read of the rows that are wanted, of a table or of one window of one: what a list, the first and a count have in common.
//!
//! Invariant: whether the table may be read is asked once, before its rows are looked at, and again when they were.

use super::read::{Access, Reading};
use crate::codec::DecodeError;
use crate::entity::Entity;
use crate::error::Result;

/// Rows for which a condition holds.
pub trait Wanted {
    /// What the rows are of.
    type Entity: Entity;

    /// The table that is to be read.
    fn access(&self) -> Result<Access<'_>>;

    /// Gives the wanted rows to `each` in their order, until it has enough.
    fn scan(
        &self,
        reading: &Reading<'_>,
        each: impl for<'r> FnMut(<Self::Entity as Entity>::Row<'r>) -> Result<bool, DecodeError>,
    ) -> Result<()>;

    /// All of them.
    fn list(&self, reading: &Reading<'_>) -> Result<Vec<Self::Entity>> {
        let mut rows = Vec::new();
        self.scan(reading, |row| {
            rows.push(Self::Entity::from_row(row)?);
            Ok(true)
        })?;
        Ok(rows)
    }

    /// The first of them; the rows behind it are not read.
    fn foremost(&self, reading: &Reading<'_>) -> Result<Option<Self::Entity>> {
        let mut first = None;
        self.scan(reading, |row| {
            first = Some(Self::Entity::from_row(row)?);
            Ok(false)
        })?;
        Ok(first)
    }

    /// How many there are.
    fn number(&self, reading: &Reading<'_>) -> Result<u64> {
        let mut count = 0_u64;
        self.scan(reading, |_| {
            count = count.saturating_add(1);
            Ok(true)
        })?;
        Ok(count)
    }
}

/// Reads when the table may be read.
pub(super) async fn read<W: Wanted, R>(
    wanted: &W,
    read: impl FnOnce(&W, &Reading<'_>) -> Result<R>,
) -> Result<R> {
    let reading = wanted.access()?.ready().await?;
    let found = read(wanted, &reading);
    reading.end(found)
}
