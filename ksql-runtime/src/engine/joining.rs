//! A row into what is kept of its group: into one window, or into a session with those it touches.
//!
//! Invariant: the sessions of a group stand in the order of their starts, further apart than the gap. Called for every row
//! that an aggregation takes, on the query's thread.

use super::groups::{Group, Slot};
use super::telling::Telling;
use super::windows;
use crate::entity::Window;
use crate::query::{Aggregate, At, Groups, Overflow, Row};

/// Takes a row into a window of its group; says which slot that is.
#[inline]
pub(super) fn put<'a, Q: Aggregate>(
    query: &'a Q,
    at: &At<'a>,
    row: Row<'a, Q::Input>,
    group: &mut Group<Q::Groups>,
    target: usize,
    window: Window,
) -> Result<usize, Overflow> {
    // The newest windows are the last ones, and most rows are for them.
    let known = group
        .slots
        .iter_mut()
        .enumerate()
        .rev()
        .find(|(_, slot)| slot.window.start == window.start && slot.target == target);
    if let Some((index, slot)) = known {
        query.update(at, row, &mut slot.groups)?;
        slot.timestamp = slot.timestamp.max(at.timestamp);
        slot.dirty = true;
        return Ok(index);
    }
    let groups = query.first(at, row)?;
    group
        .slots
        .push(Slot::new(target, window, at.timestamp, groups));
    Ok(group.slots.len().saturating_sub(1))
}

/// What a row is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sessions {
    pub(super) gap: i64,
    pub(super) grace: i64,
    pub(super) retention: i64,
    /// The largest timestamp so far, and before this row.
    pub(super) stream: i64,
    pub(super) before: i64,
}

/// Takes a row into a session, joined with those it touches: how many bytes those held, and it holds. Nothing where the row comes
/// too late.
pub(super) fn join<'a, Q: Aggregate>(
    query: &'a Q,
    at: &At<'a>,
    row: Row<'a, Q::Input>,
    group: &mut Group<Q::Groups>,
    sessions: Sessions,
    telling: &mut Telling<'_>,
) -> Result<Option<(usize, usize)>, Overflow> {
    let time = at.timestamp;
    let alone = Window {
        start: time,
        end: time,
    };
    let Sessions {
        gap,
        grace,
        retention,
        before,
        ..
    } = sessions;
    // Those it touches follow one another. Behind the retention a session is found no more, though it may be kept still.
    let first = group.slots.partition_point(|slot| {
        slot.window.end < time.saturating_sub(gap)
            || windows::session_closes(slot.window.end, retention) <= before
    });
    let found = group.slots.get(first..).unwrap_or_default();
    let touched = found.partition_point(|slot| slot.window.start <= time.saturating_add(gap));
    let window = found.iter().take(touched).fold(alone, |all, slot| Window {
        start: all.start.min(slot.window.start),
        end: all.end.max(slot.window.end),
    });
    if windows::is_late_session(window.end, gap, grace, sessions.stream) {
        return Ok(None);
    }
    let mut joined: Option<Q::Groups> = None;
    let mut shown = false;
    let mut held = 0_usize;
    for _ in 0..touched {
        let slot = group.slots.remove(first);
        held = held.saturating_add(slot.counted());
        if window == alone {
            // The same window: its row is replaced, not deleted.
            shown = slot.shown;
        } else if slot.shown {
            telling.is_gone::<Q>(at.scratch, group, slot.window, slot.timestamp);
        }
        match &mut joined {
            Some(joined) => joined.merge(slot.groups)?,
            None => joined = Some(slot.groups),
        }
    }
    let groups = match joined {
        Some(mut groups) => {
            query.update(at, row, &mut groups)?;
            groups
        }
        None => query.first(at, row)?,
    };
    let mut slot = Slot::new(0, window, window.end, groups);
    slot.shown = shown;
    let (_, now) = slot.count();
    group.slots.insert(first, slot);
    telling.changed(query, at.scratch, group, first);
    Ok(Some((held, now)))
}
