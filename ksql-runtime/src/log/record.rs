//! Records: what is given to a log and what comes out of it. Plain data, any thread.

use std::fmt;
use std::sync::Arc;

use super::packed;

/// A header: names may repeat and keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name.
    pub name: &'a str,
    /// The value; Kafka has headers without one.
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// A header with a value.
    pub fn new(name: &'a str, value: &'a [u8]) -> Header<'a> {
        Header {
            name,
            value: Some(value),
        }
    }
}

/// One record to be produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The key. An empty key is a key; `None` is none.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Milliseconds since 1970, UTC.
    pub timestamp: i64,
    /// The headers, in order.
    pub headers: &'a [Header<'a>],
    /// The partition, where the key shall not choose it.
    pub partition: Option<i32>,
}

impl<'a> Record<'a> {
    /// A record without headers whose key chooses the partition.
    pub fn new(key: Option<&'a [u8]>, value: Option<&'a [u8]>, timestamp: i64) -> Record<'a> {
        Record {
            key,
            value,
            timestamp,
            headers: &[],
            partition: None,
        }
    }

    /// The same record with headers.
    #[must_use]
    pub fn headers(mut self, headers: &'a [Header<'a>]) -> Record<'a> {
        self.headers = headers;
        self
    }

    /// The same record for a partition of the caller's choice.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Record<'a> {
        self.partition = Some(partition);
        self
    }
}

/// Where an acknowledged record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The record's timestamp.
    pub timestamp: i64,
}

/// A record as it was fetched, borrowed from the fetched bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970, UTC.
    pub timestamp: i64,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: Headers<'a>,
}

/// The headers of a fetched record: an iterator that can be copied, decoded as it goes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    left: u32,
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(crate) fn new(count: u32, bytes: &'a [u8]) -> Headers<'a> {
        Headers { left: count, bytes }
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.left as usize
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The value of the last header of this name, which is the one that counts where names repeat.
    pub fn last(self, name: &str) -> Option<&'a [u8]> {
        self.filter(|header| header.name == name).last()?.value
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        // Fetched bytes were checked when they were read, so this never ends early.
        packed::read_header(&mut self.bytes)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The records of one [`Fetched`](super::Fetched), in the order of their offsets.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    /// Runs not begun yet: base offset and length in bytes.
    runs: std::slice::Iter<'a, Run>,
    run: &'a [u8],
    next: i64,
    /// Records before this offset were not asked for.
    from: i64,
}

/// Records stored together: where their offsets begin and how many bytes they take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) base: i64,
    pub(crate) bytes: usize,
}

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8], runs: &'a [Run], from: i64) -> Records<'a> {
        Records {
            bytes,
            runs: runs.iter(),
            run: &[],
            next: 0,
            from,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordRef<'a>;

    fn next(&mut self) -> Option<RecordRef<'a>> {
        loop {
            if self.run.is_empty() {
                let run = self.runs.next()?;
                let (now, later) = self.bytes.split_at_checked(run.bytes)?;
                (self.run, self.bytes, self.next) = (now, later, run.base);
                continue;
            }
            let packed = packed::read_record(&mut self.run)?;
            let offset = self.next.wrapping_add_unsigned(packed.gap);
            self.next = offset.wrapping_add(1);
            if offset >= self.from {
                return Some(packed.at(offset));
            }
        }
    }
}
