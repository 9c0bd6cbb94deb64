//! The mark of records that say nothing: they only make ksqlDB look at a new topic.
//!
//! Whoever reads for a program passes them over; ksqlDB cannot see a header that its source does not declare, and counts
//! them. Read on every binding's thread, once a record that has headers at all.

use super::record::{Header, Headers};

/// The header's name.
const NAME: &str = "is_dummy";

/// The header of such a record.
pub(crate) const HEADER: Header<'static> = Header {
    name: NAME,
    value: Some(b"true"),
};

/// Whether a record with these headers is one.
#[inline]
pub(crate) fn is_marked(headers: Headers<'_>) -> bool {
    !headers.is_empty() && headers.last(NAME) == HEADER.value
}
