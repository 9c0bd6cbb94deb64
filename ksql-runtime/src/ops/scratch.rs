//! The memory of one batch: where functions put the texts and lists they make.
//!
//! Everything made for a row lives until [`Scratch::reset`], so that operands stay `Copy` and no record costs an allocation of
//! its own. One thread at a time.

use bumpalo::Bump;

/// An arena for what functions make.
#[derive(Debug, Default)]
pub struct Scratch(Bump);

impl Scratch {
    /// An empty arena; nothing is allocated before the first use.
    #[inline]
    pub fn new() -> Scratch {
        Scratch(Bump::new())
    }

    /// Forgets everything and keeps the memory.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// The bytes that are held.
    pub fn allocated(&self) -> usize {
        self.0.allocated_bytes()
    }

    /// Keeps a text.
    #[inline]
    pub fn text(&self, text: &str) -> &str {
        self.0.alloc_str(text)
    }

    /// Keeps bytes.
    #[inline]
    pub fn bytes(&self, bytes: &[u8]) -> &[u8] {
        self.0.alloc_slice_copy(bytes)
    }

    /// Keeps values.
    #[inline]
    pub fn list<T: Copy>(&self, items: &[T]) -> &[T] {
        self.0.alloc_slice_copy(items)
    }

    /// Keeps what an iterator gives.
    pub fn collect<T: Copy>(&self, items: impl Iterator<Item = T>) -> &[T] {
        let mut kept = bumpalo::collections::Vec::new_in(&self.0);
        kept.extend(items);
        kept.into_bump_slice()
    }

    /// A text that is written piece by piece.
    #[inline]
    pub fn write<'a>(
        &'a self,
        write: impl FnOnce(&mut bumpalo::collections::String<'a>),
    ) -> &'a str {
        let mut text = bumpalo::collections::String::new_in(&self.0);
        write(&mut text);
        text.into_bump_str()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn what_was_made_stands_until_the_reset_and_the_memory_is_used_again() {
        let mut scratch = Scratch::new();
        assert_eq!(scratch.allocated(), 0);
        let texts: Vec<&str> = (0..100)
            .map(|number| scratch.write(|text| write!(text, "n{number}").unwrap_or_default()))
            .collect();
        assert_eq!(texts.last(), Some(&"n99"));
        assert_eq!(scratch.collect(1..4), [1, 2, 3]);
        let held = scratch.allocated();
        scratch.reset();
        assert_eq!(scratch.text("x"), "x");
        assert!(scratch.allocated() <= held);
    }
}
