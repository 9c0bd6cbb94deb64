//! What a query is about to write, as the records it is made of: their places and their order.
//!
//! Results of groups depend on which records were read together, and of several partitions on which came first. So that
//! order is noted before the results are sent, and gone through again after a kill (see the lanes). Plain data.
//!
//! The stored form is part of what a query keeps: it changes only with the version in the enlist module, so that a store that an older
//! build left in another form is built anew and never read as this one. Version 1 noted places without their stretches.

use crate::codec::{DecodeError, Reader, write};

/// Records of one partition that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) partition: i32,
    /// The first offset.
    pub(super) from: i64,
    /// Behind the last one.
    pub(super) to: i64,
}

/// The stretches of one write, in order: of each the runs, one a partition, whose records were taken in the order of time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) stretches: Vec<Vec<Run>>,
}

impl Intent {
    /// Notes a stretch. One that goes on with the only partition of the last is part of it.
    pub(super) fn note(&mut self, runs: Vec<Run>) {
        let last = self.stretches.last_mut().map(Vec::as_mut_slice);
        match (last, runs.as_slice()) {
            (_, []) => {}
            (Some([last]), [run]) if last.partition == run.partition && last.to == run.from => {
                last.to = run.to;
            }
            _ => self.stretches.push(runs),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write::long(self.stretches.len() as i64, out);
        for runs in &self.stretches {
            write::long(runs.len() as i64, out);
            for run in runs {
                write::long(run.partition.into(), out);
                write::long(run.from, out);
                write::long(run.to.wrapping_sub(run.from), out);
            }
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Intent, DecodeError> {
        Intent::read_on(Reader::new(bytes))
    }

    /// From what follows something else.
    pub(super) fn read_on(mut input: Reader<'_>) -> Result<Intent, DecodeError> {
        let mut stretches = Vec::new();
        for _ in 0..input.block()? {
            let mut runs = Vec::new();
            for _ in 0..input.block()? {
                let partition = input.int()?;
                let from = input.long()?;
                let to = from.wrapping_add(input.long()?);
                runs.push(Run {
                    partition,
                    from,
                    to,
                });
            }
            stretches.push(runs);
        }
        input.finish()?;
        Ok(Intent { stretches })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn an_intent_is_read_as_it_was_written() {
        let run = |partition, from, to| Run {
            partition,
            from,
            to,
        };
        let mut intent = Intent::default();
        intent.note(vec![run(0, 0, 9)]);
        intent.note(Vec::new());
        intent.note(vec![run(0, 9, 10)]);
        intent.note(vec![run(0, 10, 12), run(3, 5, 5)]);
        intent.note(vec![run(1, 1 << 40, i64::MAX)]);
        let expected = [
            vec![run(0, 0, 10)],
            vec![run(0, 10, 12), run(3, 5, 5)],
            vec![run(1, 1 << 40, i64::MAX)],
        ];
        assert_eq!(intent.stretches, expected);
        let mut bytes = Vec::new();
        intent.write(&mut bytes);
        assert_eq!(Intent::read(&bytes).unwrap(), intent);
        bytes.pop();
        assert!(Intent::read(&bytes).is_err());
    }
}
