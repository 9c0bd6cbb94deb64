//! Text built in constants.
//!
//! A [`Sink`] writes into a borrowed buffer and counts what does not fit. So one renderer serves three times: with an
//! empty buffer it measures, in a constant it fills an array of that length, at run time a vector.
//!
//! The const interpreter pays about a microsecond a step: the loops here do as little as they can.

/// Where a renderer writes.
#[derive(Debug)]
pub struct Sink<'a> {
    out: &'a mut [u8],
    len: usize,
}

#[allow(
    clippy::indexing_slicing,
    reason = "const fn: slices have no const get; each index is compared with the length first"
)]
impl<'a> Sink<'a> {
    /// A sink over a buffer; over an empty one it only counts.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Sink { out, len: 0 }
    }

    /// The length of all that was pushed.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was pushed.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One byte.
    pub const fn byte(&mut self, byte: u8) {
        if self.len < self.out.len() {
            self.out[self.len] = byte;
        }
        self.len += 1;
    }

    /// Text as it stands.
    pub const fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if self.len + bytes.len() <= self.out.len() {
            let (_, rest) = self.out.split_at_mut(self.len);
            let (here, _) = rest.split_at_mut(bytes.len());
            here.copy_from_slice(bytes);
        }
        self.len += bytes.len();
    }

    /// Text with ASCII letters upper-cased.
    pub const fn push_upper(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.byte(bytes[at].to_ascii_uppercase());
            at += 1;
        }
    }

    /// A module path as a namespace: `a::r#b` becomes `a.b`.
    pub const fn push_namespace(&mut self, text: &str) {
        let mut bytes = text.as_bytes();
        while let [byte, rest @ ..] = bytes {
            bytes = match bytes {
                [b':', b':', rest @ ..] => {
                    self.byte(b'.');
                    rest
                }
                // No name holds a `#`: this is a raw module, whose name is what follows.
                [b'r', b'#', rest @ ..] => rest,
                _ => {
                    self.byte(*byte);
                    rest
                }
            };
        }
    }

    /// The inside of a KSQL string literal: `'` is doubled.
    pub const fn push_literal(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b'\'' {
                self.byte(b'\'');
            }
            self.byte(bytes[at]);
            at += 1;
        }
    }

    /// A whole number in decimal.
    pub const fn push_number(&mut self, number: i64) {
        if number < 0 {
            self.byte(b'-');
        }
        let number = number.unsigned_abs();
        let mut unit = 1;
        while number / unit >= 10 {
            unit *= 10;
        }
        while unit > 0 {
            self.byte(b'0' + (number / unit % 10) as u8);
            unit /= 10;
        }
    }
}

/// The text in bytes a [`Sink`] filled; empty where they are no text, which a renderer cannot make them.
pub const fn as_str(bytes: &[u8]) -> &str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}
