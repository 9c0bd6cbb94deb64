//! Fetched records made by hand, for tests of those who read.

use std::sync::Arc;

use super::packed;
use super::reader::Fetched;
use super::record::Run;

/// Records without a key at these times, one offset each from `from` on.
pub(crate) fn fetched(
    topic: Arc<str>,
    partition: i32,
    from: i64,
    times: &[i64],
    end_offset: i64,
) -> Fetched {
    let mut bytes = Vec::new();
    for time in times {
        packed::begin_record(&mut bytes, *time);
        assert!(packed::write_part(&mut bytes, None));
        assert!(packed::write_part(&mut bytes, Some(b"v")));
        assert!(packed::write_headers(&mut bytes, &[]));
    }
    let run = Run {
        base: from,
        bytes: bytes.len(),
    };
    Fetched {
        topic,
        partition,
        from,
        next_offset: from.saturating_add_unsigned(times.len() as u64),
        end_offset,
        count: times.len(),
        runs: Vec::from_iter((!times.is_empty()).then_some(run)),
        bytes,
    }
}
