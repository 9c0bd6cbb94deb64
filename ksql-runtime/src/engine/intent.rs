//! What a query is about to write, as the records it is made of: their places and their order.
//!
//! Results of groups depend on which records were read together, and of several partitions on which came first. So that
//! order is noted before the results are sent, and gone through again after a kill. Plain data.

use crate::codec::{DecodeError, Reader, write};
use crate::log::Fetched;

/// Records of one partition that were taken one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) partition: i32,
    /// The first offset.
    pub(super) from: i64,
    /// Behind the last one.
    pub(super) to: i64,
}

/// The runs of one write, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) runs: Vec<Run>,
}

impl Intent {
    /// Notes what was fetched, up to an offset.
    pub(super) fn took(&mut self, fetched: &Fetched, to: i64) {
        let run = Run {
            partition: fetched.partition(),
            from: fetched.from,
            to,
        };
        match self.runs.last_mut() {
            Some(last) if last.partition == run.partition && last.to == run.from => last.to = to,
            _ => self.runs.push(run),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write::long(self.runs.len() as i64, out);
        for run in &self.runs {
            write::long(run.partition.into(), out);
            write::long(run.from, out);
            write::long(run.to.wrapping_sub(run.from), out);
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Intent, DecodeError> {
        let mut input = Reader::new(bytes);
        let count = input.block()?;
        let mut runs = Vec::with_capacity(count);
        for _ in 0..count {
            let partition = input.int()?;
            let from = input.long()?;
            let to = from.wrapping_add(input.long()?);
            runs.push(Run {
                partition,
                from,
                to,
            });
        }
        input.finish()?;
        Ok(Intent { runs })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn an_intent_is_read_as_it_was_written() {
        let runs = [(0, 0, 9), (3, 5, 5), (1, 1 << 40, i64::MAX)];
        let runs = runs.map(|(partition, from, to)| Run {
            partition,
            from,
            to,
        });
        let intent = Intent {
            runs: runs.to_vec(),
        };
        let mut bytes = Vec::new();
        intent.write(&mut bytes);
        assert_eq!(Intent::read(&bytes).unwrap(), intent);
        bytes.pop();
        assert!(Intent::read(&bytes).is_err());
    }
}
