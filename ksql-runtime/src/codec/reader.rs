//! Reading Avro binary from a slice. Total: any input gives a value or an error, and never allocates more than it holds.

use super::DecodeError;

/// A position in Avro binary.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    input: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the start of the bytes.
    pub fn new(input: &'a [u8]) -> Self {
        Reader { input }
    }

    /// What is not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.input
    }

    /// Refuses bytes behind the value.
    ///
    /// # Errors
    /// Where bytes are left over: another schema wrote them.
    #[inline]
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.input.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::new(format!(
                "{} bytes are left over behind the record: another schema wrote it",
                self.input.len()
            )))
        }
    }

    /// One byte.
    ///
    /// # Errors
    /// At the end of the input.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        let (byte, rest) = self.input.split_first().ok_or_else(DecodeError::short)?;
        self.input = rest;
        Ok(*byte)
    }

    /// A fixed number of bytes.
    ///
    /// # Errors
    /// At the end of the input.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self
            .input
            .split_first_chunk::<N>()
            .ok_or_else(DecodeError::short)?;
        self.input = rest;
        Ok(*head)
    }

    /// So many bytes, borrowed.
    ///
    /// # Errors
    /// At the end of the input.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .input
            .split_at_checked(length)
            .ok_or_else(DecodeError::short)?;
        self.input = rest;
        Ok(head)
    }

    /// A zig-zag `long`.
    ///
    /// # Errors
    /// At the end of the input, or behind ten bytes.
    #[inline]
    pub fn long(&mut self) -> Result<i64, DecodeError> {
        if let [byte @ 0..=0x7f, rest @ ..] = self.input {
            self.input = rest;
            return Ok(zag(u64::from(*byte)));
        }
        self.long_slowly()
    }

    fn long_slowly(&mut self) -> Result<i64, DecodeError> {
        let mut value = 0_u64;
        let mut shift = 0;
        for (read, byte) in self.input.iter().take(10).enumerate() {
            if shift == 63 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                self.input = self.input.get(read + 1..).unwrap_or_default();
                return Ok(zag(value));
            }
        }
        if self.input.len() < 10 {
            Err(DecodeError::short())
        } else {
            Err(DecodeError::new("a number has more than ten bytes"))
        }
    }

    /// A zig-zag `int`.
    ///
    /// # Errors
    /// Where the number does not fit 32 bits.
    #[inline]
    pub fn int(&mut self) -> Result<i32, DecodeError> {
        let value = self.long()?;
        i32::try_from(value).map_err(|_| DecodeError::new(format!("{value} does not fit 32 bits")))
    }

    /// Length-prefixed bytes, borrowed.
    ///
    /// # Errors
    /// Where the length is negative or beyond the input.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.long()?;
        let length = usize::try_from(length)
            .map_err(|_| DecodeError::new(format!("a length cannot be {length}")))?;
        self.take(length)
    }

    /// Length-prefixed text, borrowed.
    ///
    /// # Errors
    /// Where the bytes are no UTF-8.
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| DecodeError::new("the text is no UTF-8"))
    }

    /// The branch of a `["null", T]` union: whether a value follows.
    ///
    /// # Errors
    /// Where there is no such branch.
    #[inline]
    pub fn present(&mut self) -> Result<bool, DecodeError> {
        match self.long()? {
            0 => Ok(false),
            1 => Ok(true),
            branch => Err(DecodeError::new(format!(
                "a union of two has no branch {branch}"
            ))),
        }
    }

    /// The number of items in the next block of an array or map; 0 ends it.
    ///
    /// # Errors
    /// Where the number is beyond what the input could hold.
    pub fn block(&mut self) -> Result<usize, DecodeError> {
        let count = self.any_block()?;
        let items = usize::try_from(count).unwrap_or(usize::MAX);
        // Every item of ours takes at least a byte, so more items than bytes cannot be true.
        if items > self.input.len() {
            return Err(DecodeError::new(format!(
                "a block of {count} items is longer than the input"
            )));
        }
        Ok(items)
    }

    /// The same of items that may have no bytes: the number is what stands there.
    pub(crate) fn any_block(&mut self) -> Result<u64, DecodeError> {
        let count = self.long()?;
        if count < 0 {
            // The byte length of the block follows: it lets readers skip, which we have no use for.
            self.long()?;
        }
        Ok(count.unsigned_abs())
    }
}

#[inline]
fn zag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}
