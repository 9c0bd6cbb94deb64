//! Which windows a timestamp falls into, and when a window takes nothing more. Pure.
//!
//! Times are milliseconds. *Stream time* is the largest timestamp seen in a partition of the grouped keys.

use ksql_schema::model::{Entity, WindowKind};

/// The windows of a query's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Windows {
    /// None: a group is kept for ever.
    None,
    /// Tumbling, hopping: of these sizes.
    Fixed {
        sizes: Vec<i64>,
        /// A size of its own where there is none.
        advance: Option<i64>,
        grace: i64,
    },
    /// Sessions, which end after a gap.
    Session {
        gap: i64,
        grace: i64,
        retention: i64,
    },
}

impl Windows {
    pub(super) fn of(entity: &Entity<'_>) -> Windows {
        let Some(window) = &entity.window else {
            return Windows::None;
        };
        let grace = millis(window.effective_grace_ms());
        match window.kind {
            WindowKind::Session => {
                let gap = window.sizes_ms.first().copied().unwrap_or(1);
                Windows::Session {
                    gap: millis(gap),
                    grace,
                    retention: millis(window.effective_retention_ms(gap)),
                }
            }
            WindowKind::Tumbling | WindowKind::Hopping => Windows::Fixed {
                sizes: window.sizes_ms.iter().copied().map(millis).collect(),
                advance: window.advance_ms.map(millis),
                grace,
            },
        }
    }

    /// Whether the key of a result carries both ends of its window, or one; nothing where there is none.
    pub(super) fn session(&self) -> Option<bool> {
        match self {
            Windows::None => None,
            Windows::Fixed { .. } => Some(false),
            Windows::Session { .. } => Some(true),
        }
    }
}

fn millis(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// The starts of the windows of one size that a time falls into, the earliest first.
#[inline]
pub(super) fn starts(time: i64, size: i64, advance: i64) -> impl Iterator<Item = i64> {
    let advance = advance.max(1);
    let from = time.saturating_sub(size).saturating_add(advance).max(0) / advance * advance;
    let mut next = Some(from);
    std::iter::from_fn(move || {
        let start = next.filter(|start| *start <= time)?;
        next = start.checked_add(advance);
        Some(start)
    })
}

/// Whether a tumbling or hopping window takes nothing more.
#[inline]
pub(super) fn is_closed(end: i64, grace: i64, stream_time: i64) -> bool {
    end <= stream_time.saturating_sub(grace)
}

/// Whether a session, merged with what comes, comes too late.
#[inline]
pub(super) fn is_late_session(end: i64, gap: i64, grace: i64, stream_time: i64) -> bool {
    end < stream_time.saturating_sub(grace).saturating_sub(gap)
}

/// The stream time from which on a session is found no more.
///
/// However late a record is, it is taken where it joins a session to one that is still open, and that one may be reached by others
/// of its kind: a session can be joined as long as it is kept, which ksqlDB does for the retention.
#[inline]
pub(super) fn session_closes(end: i64, retention: i64) -> i64 {
    end.saturating_add(retention)
}

/// How many bytes of the keys that a query reads are those of a window, which its results keep: none where it reads records
/// without windows.
pub(super) fn kept(plan: &ksql_schema::query::plan::Query<'_>) -> usize {
    let input = plan.inputs.first().map(|input| input.entity);
    let window = input.and_then(|entity| entity.window.as_ref());
    window.map_or(0, |window| match window.kind {
        WindowKind::Session => 2 * size_of::<i64>(),
        WindowKind::Tumbling | WindowKind::Hopping => size_of::<i64>(),
    })
}

/// The window's part of a record's key, as long as [`kept`] tells.
pub(super) fn part(key: Option<&[u8]>, length: usize) -> &[u8] {
    let key = key.unwrap_or_default();
    let at = key.len().saturating_sub(length);
    key.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(time: i64, size: i64, advance: i64) -> Vec<i64> {
        starts(time, size, advance).collect()
    }

    #[test]
    fn a_time_falls_into_every_window_that_holds_it() {
        assert_eq!(of(0, 10, 10), [0]);
        assert_eq!(of(9, 10, 10), [0]);
        assert_eq!(of(10, 10, 10), [10]);
        assert_eq!(of(0, 10, 5), [0], "no window begins before the epoch");
        assert_eq!(of(12, 10, 5), [5, 10]);
        assert_eq!(of(25, 30, 10), [0, 10, 20]);
        // The advance need not divide the size.
        assert_eq!(of(12, 10, 4), [4, 8, 12]);
        for (time, size, advance) in (0..60)
            .flat_map(|time| [(7, 3), (9, 9), (8, 1)].map(|(size, advance)| (time, size, advance)))
        {
            let all: Vec<i64> = (0..=time)
                .step_by(usize::try_from(advance).unwrap_or(1))
                .filter(|start| time < start + size)
                .collect();
            assert_eq!(of(time, size, advance), all, "{time} {size} {advance}");
        }
    }

    #[test]
    fn a_window_is_closed_when_time_is_at_its_end_and_grace() {
        assert!(!is_closed(10, 5, 14));
        assert!(is_closed(10, 5, 15));
        assert!(
            !is_late_session(10, 5, 2, 17),
            "exactly at the edge it is taken"
        );
        assert!(is_late_session(10, 5, 2, 18));
    }
}
