//! Values that an accumulator keeps in order, with the memory they take.
//!
//! Invariant: what they own is known without walking over them, so that a group's memory can be told after every row.

use super::{Nest, Nested, Seen, Sequence, Stored};

/// What takes memory of its own beside its size.
pub(super) trait Owns {
    /// So many bytes.
    fn owned(&self) -> usize;
}

impl<S: Stored> Owns for S {
    #[inline]
    fn owned(&self) -> usize {
        Stored::owned(self)
    }
}

impl<S: Stored, N: Nest> Owns for (S, Nested<N>) {
    #[inline]
    fn owned(&self) -> usize {
        Stored::owned(&self.0).saturating_add(Stored::owned(&self.1))
    }
}

impl<S: Stored> Owns for Option<S> {
    #[inline]
    fn owned(&self) -> usize {
        self.as_ref().map_or(0, Stored::owned)
    }
}

impl<S: Stored> Owns for (Option<S>, i64) {
    #[inline]
    fn owned(&self) -> usize {
        self.0.owned()
    }
}

impl<S: Stored, Q: Sequence> Owns for Seen<S, Q> {
    #[inline]
    fn owned(&self) -> usize {
        self.value.owned()
    }
}

/// Values in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values<T> {
    items: Vec<T>,
    /// What the items own.
    owned: usize,
}

impl<T: Owns> Values<T> {
    pub(super) fn new() -> Self {
        Values {
            items: Vec::new(),
            owned: 0,
        }
    }

    pub(super) fn of(items: Vec<T>) -> Self {
        Values {
            owned: items.iter().map(T::owned).sum(),
            items,
        }
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    /// All bytes beside the accumulator's own.
    #[inline]
    pub(super) fn owned(&self) -> usize {
        self.items
            .capacity()
            .saturating_mul(size_of::<T>())
            .saturating_add(self.owned)
    }

    pub(super) fn push(&mut self, item: T) {
        self.owned = self.owned.saturating_add(item.owned());
        self.items.push(item);
    }

    /// Before the item at a place, or behind all.
    pub(super) fn insert(&mut self, at: usize, item: T) {
        self.owned = self.owned.saturating_add(item.owned());
        self.items.insert(at.min(self.items.len()), item);
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at < self.items.len() {
            let item = self.items.remove(at);
            self.owned = self.owned.saturating_sub(item.owned());
        }
    }

    /// Of more items the first ones stay.
    pub(super) fn keep_first(&mut self, most: usize) {
        while self.items.len() > most {
            self.remove(self.items.len().saturating_sub(1));
        }
    }

    /// Of more items the last ones stay.
    pub(super) fn keep_last(&mut self, most: usize) {
        let more = self.items.len().saturating_sub(most);
        let gone: usize = self.items.drain(..more).map(|item| item.owned()).sum();
        self.owned = self.owned.saturating_sub(gone);
    }

    pub(super) fn append(&mut self, other: Self) {
        self.owned = self.owned.saturating_add(other.owned);
        self.items.extend(other.items);
    }

    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K) {
        self.items.sort_by_key(key);
    }

    pub(super) fn find_mut(&mut self, mut is: impl FnMut(&T) -> bool) -> Option<(usize, &mut T)> {
        self.items.iter_mut().enumerate().find(|(_, item)| is(item))
    }
}
