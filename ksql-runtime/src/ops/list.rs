//! Lists and maps of any element: a row's, decoded as they are walked, or made by a function.
//!
//! What a row borrows is known by its type; here the type is behind a function or an object, so that one operation serves
//! all. Maps have `STRING` keys.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;

use super::{Any, Operand, Scalar, Scratch, Shape};
use crate::codec::collections::Source;
use crate::codec::{HashMapRef, ListRef, MapRef, Reader, Value};

/// Decodes one element; with the memory that a struct's fields need.
type Decode = for<'x> fn(&mut Reader<'x>, &'x Scratch) -> Option<Any<'x>>;

/// An `ARRAY`.
#[derive(Clone, Copy)]
pub struct List<'a>(Items<'a>);

#[derive(Clone, Copy)]
enum Items<'a> {
    Made(&'a [Any<'a>]),
    Owned(&'a dyn Owned),
    Encoded(&'a [u8], usize, Decode),
}

/// An owned list or map whose element type is forgotten.
trait Owned: Sync {
    fn len(&self) -> usize;
    /// Keys are empty in a list.
    fn walk<'x>(&'x self, scratch: &'x Scratch, each: &mut dyn FnMut(&'x str, Any<'x>));
}

impl<T: Value + Sync> Owned for Vec<T>
where
    for<'x> T::Ref<'x>: Operand<'x>,
{
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn walk<'x>(&'x self, scratch: &'x Scratch, each: &mut dyn FnMut(&'x str, Any<'x>)) {
        for item in self {
            each("", item.as_ref().any_in(scratch));
        }
    }
}

impl<T: Value + Sync> Owned for BTreeMap<String, T>
where
    for<'x> T::Ref<'x>: Operand<'x>,
{
    fn len(&self) -> usize {
        BTreeMap::len(self)
    }

    fn walk<'x>(&'x self, scratch: &'x Scratch, each: &mut dyn FnMut(&'x str, Any<'x>)) {
        for (key, value) in self {
            each(key, value.as_ref().any_in(scratch));
        }
    }
}

impl<T: Value + Sync, S: BuildHasher + Sync> Owned for HashMap<String, T, S>
where
    for<'x> T::Ref<'x>: Operand<'x>,
{
    fn len(&self) -> usize {
        HashMap::len(self)
    }

    fn walk<'x>(&'x self, scratch: &'x Scratch, each: &mut dyn FnMut(&'x str, Any<'x>)) {
        for (key, value) in self {
            each(key, value.as_ref().any_in(scratch));
        }
    }
}

fn element<'x, T: Value>(input: &mut Reader<'x>, scratch: &'x Scratch) -> Option<Any<'x>>
where
    for<'y> T::Ref<'y>: Operand<'y>,
{
    T::decode_ref(input).ok().map(|value| value.any_in(scratch))
}

/// Walks over the blocks of an encoded array or map. The bytes were checked when the row was read.
fn blocks<'a>(bytes: &'a [u8], mut each: impl FnMut(&mut Reader<'a>) -> Option<()>) {
    let mut input = Reader::new(bytes);
    while let Ok(count @ 1..) = input.block() {
        for _ in 0..count {
            if each(&mut input).is_none() {
                return;
            }
        }
    }
}

impl<'a> List<'a> {
    /// Of values.
    pub fn new(items: &'a [Any<'a>]) -> List<'a> {
        List(Items::Made(items))
    }

    /// The number of items.
    pub fn len(self) -> usize {
        match self.0 {
            Items::Made(items) => items.len(),
            Items::Owned(items) => items.len(),
            Items::Encoded(_, count, _) => count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// All items in order.
    pub fn items(self, scratch: &'a Scratch) -> &'a [Any<'a>] {
        let mut found = Vec::new();
        match self.0 {
            Items::Made(items) => return items,
            Items::Owned(items) => items.walk(scratch, &mut |_, item| found.push(item)),
            Items::Encoded(bytes, _, decode) => blocks(bytes, |input| {
                found.push(decode(input, scratch)?);
                Some(())
            }),
        }
        scratch.list(&found)
    }
}

/// A `MAP`.
#[derive(Clone, Copy)]
pub struct Map<'a>(Entries<'a>);

#[derive(Clone, Copy)]
enum Entries<'a> {
    Made(&'a [(&'a str, Any<'a>)]),
    Owned(&'a dyn Owned),
    Encoded(&'a [u8], usize, Decode),
}

impl<'a> Map<'a> {
    /// Of entries with different keys.
    pub fn new(entries: &'a [(&'a str, Any<'a>)]) -> Map<'a> {
        Map(Entries::Made(entries))
    }

    /// The number of entries as they stand.
    pub fn len(self) -> usize {
        match self.0 {
            Entries::Made(entries) => entries.len(),
            Entries::Owned(entries) => entries.len(),
            Entries::Encoded(_, count, _) => count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// All entries, by their keys in the order of bytes; of equal keys the last.
    pub fn entries(self, scratch: &'a Scratch) -> &'a [(&'a str, Any<'a>)] {
        let mut found: Vec<(&'a str, Any<'a>)> = Vec::new();
        match self.0 {
            Entries::Made(entries) => found.extend(entries),
            Entries::Owned(entries) => {
                entries.walk(scratch, &mut |key, value| found.push((key, value)));
            }
            Entries::Encoded(bytes, _, decode) => blocks(bytes, |input| {
                found.push((input.text().ok()?, decode(input, scratch)?));
                Some(())
            }),
        }
        found.reverse();
        found.sort_by_key(|(key, _)| *key);
        found.dedup_by_key(|(key, _)| *key);
        scratch.list(&found)
    }

    /// The value of a key.
    pub fn get(self, key: &str, scratch: &'a Scratch) -> Option<Any<'a>> {
        let entries = self.entries(scratch);
        let at = entries.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        entries.get(at).map(|(_, value)| *value)
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scratch = Scratch::new();
        formatter
            .debug_list()
            .entries(self.items(&scratch))
            .finish()
    }
}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scratch = Scratch::new();
        let entries = self.entries(&scratch).iter();
        formatter
            .debug_map()
            .entries(entries.map(|(key, value)| (key, value)))
            .finish()
    }
}

impl<'a> Operand<'a> for List<'a> {
    #[inline]
    fn any(self) -> Any<'a> {
        Any::List(self)
    }
}

impl<'a> Operand<'a> for Map<'a> {
    #[inline]
    fn any(self) -> Any<'a> {
        Any::Map(self)
    }
}

impl<'a> Scalar<'a> for List<'a> {
    const SHAPE: Shape = Shape::Array;

    fn take(any: Any<'a>) -> Option<Self> {
        any.list()
    }

    fn absent() -> Self {
        List::new(&[])
    }
}

impl<'a> Scalar<'a> for Map<'a> {
    const SHAPE: Shape = Shape::Map;

    fn take(any: Any<'a>) -> Option<Self> {
        any.map()
    }

    fn absent() -> Self {
        Map::new(&[])
    }
}

impl<'a, T: Value + Sync> Operand<'a> for ListRef<'a, T>
where
    for<'x> T::Ref<'x>: Operand<'x>,
{
    fn any(self) -> Any<'a> {
        Any::List(List(match self.source() {
            Source::Owned(items) => Items::Owned(items),
            Source::Encoded(bytes, count) => Items::Encoded(bytes, count, element::<T>),
        }))
    }
}

impl<'a, T: Value + Sync> Operand<'a> for MapRef<'a, T>
where
    for<'x> T::Ref<'x>: Operand<'x>,
{
    fn any(self) -> Any<'a> {
        Any::Map(Map(match self.source() {
            Source::Owned(entries) => Entries::Owned(entries),
            Source::Encoded(bytes, count) => Entries::Encoded(bytes, count, element::<T>),
        }))
    }
}

impl<'a, T: Value + Sync, S: BuildHasher + Sync> Operand<'a> for HashMapRef<'a, T, S>
where
    for<'x> T::Ref<'x>: Operand<'x>,
{
    fn any(self) -> Any<'a> {
        match self {
            HashMapRef::Owned(entries) => Any::Map(Map(Entries::Owned(entries))),
            HashMapRef::Encoded(entries) => entries.any(),
        }
    }
}

/// A collection of a column, from a value: it is encoded into the scratch as the column's type.
macro_rules! encoded {
    ($ty:ty, [$($generics:tt)*], $shape:expr, $make:expr) => {
        impl<'a, $($generics)*> Scalar<'a> for $ty {
            const SHAPE: Shape = $shape;

            /// Without memory only an empty one can be made.
            fn take(_any: Any<'a>) -> Option<Self> {
                None
            }

            fn absent() -> Self {
                $make(&[0], 0)
            }

            fn take_in(any: Any<'a>, scratch: &'a Scratch) -> Option<Self> {
                let mut bytes = Vec::new();
                let count = match any {
                    Any::List(items) => items.len(),
                    Any::Map(entries) => entries.entries(scratch).len(),
                    _ => return None,
                };
                super::encode::value(any, &T::TYPE, T::NULLABLE, scratch, &mut bytes)?;
                Some($make(scratch.bytes(&bytes), count))
            }
        }
    };
}

encoded!(ListRef<'a, T>, [T: Value], Shape::Array, ListRef::encoded);
encoded!(MapRef<'a, T>, [T: Value], Shape::Map, MapRef::encoded);
encoded!(HashMapRef<'a, T, S>, [T: Value, S: BuildHasher], Shape::Map, |bytes, count| {
    HashMapRef::Encoded(MapRef::encoded(bytes, count))
});
