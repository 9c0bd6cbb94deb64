//! Arrays and maps. In rows they are borrowed and decoded item by item.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;

use ksql_schema::{Item, Type};

use super::{DecodeError, Defect, Reader, Value, write};

/// An array in a row.
pub struct ListRef<'a, T>(Source<'a, Vec<T>>);

/// A map in a row.
pub struct MapRef<'a, T>(Source<'a, BTreeMap<String, T>>, std::marker::PhantomData<T>);

/// Where a borrowed collection comes from: an owned value, or bytes that were checked.
pub(crate) enum Source<'a, C: ?Sized> {
    Owned(&'a C),
    Encoded(&'a [u8], usize),
}

impl<C: ?Sized> Clone for Source<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<C: ?Sized> Copy for Source<'_, C> {}
impl<T> Clone for ListRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for ListRef<'_, T> {}
impl<T> Clone for MapRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for MapRef<'_, T> {}

/// Reads items behind one another, over the blocks of an array or map.
struct Blocks<'a> {
    input: Reader<'a>,
    left: usize,
}

impl<'a> Blocks<'a> {
    fn next(&mut self) -> Option<&mut Reader<'a>> {
        if self.left == 0 {
            self.left = self.input.block().ok()?;
        }
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        Some(&mut self.input)
    }
}

impl<'a, T: Value> ListRef<'a, T> {
    /// Over bytes that were encoded as this type: items in blocks, the end behind them.
    pub(crate) fn encoded(bytes: &'a [u8], count: usize) -> Self {
        ListRef(Source::Encoded(bytes, count))
    }

    pub(crate) fn source(self) -> Source<'a, Vec<T>> {
        self.0
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Owned(items) => items.len(),
            Source::Encoded(_, count) => count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items in order.
    pub fn iter(self) -> impl Iterator<Item = T::Ref<'a>> {
        let mut at = 0;
        let mut blocks = match self.0 {
            Source::Owned(_) => None,
            Source::Encoded(bytes, _) => Some(Blocks {
                input: Reader::new(bytes),
                left: 0,
            }),
        };
        std::iter::from_fn(move || match (self.0, &mut blocks) {
            (Source::Owned(items), _) => {
                at += 1;
                items.get(at - 1).map(T::as_ref)
            }
            // The bytes were checked when the row was read, so an error cannot come; if it did, the list would end.
            (Source::Encoded(..), Some(blocks)) => {
                blocks.next().and_then(|input| T::decode_ref(input).ok())
            }
            (Source::Encoded(..), None) => None,
        })
    }
}

impl<'a, T: Value> MapRef<'a, T> {
    /// Over bytes that were encoded as this type.
    pub(crate) fn encoded(bytes: &'a [u8], count: usize) -> Self {
        MapRef(Source::Encoded(bytes, count), std::marker::PhantomData)
    }

    pub(crate) fn source(self) -> Source<'a, BTreeMap<String, T>> {
        self.0
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Owned(items) => items.len(),
            Source::Encoded(_, count) => count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    pub fn get(self, key: &str) -> Option<T::Ref<'a>> {
        match self.0 {
            Source::Owned(items) => items.get(key).map(T::as_ref),
            Source::Encoded(..) => self
                .iter()
                // Of equal keys the last counts, as in the owned map.
                .filter(|(found, _)| *found == key)
                .last()
                .map(|(_, value)| value),
        }
    }

    /// The entries.
    pub fn iter(self) -> Box<dyn Iterator<Item = (&'a str, T::Ref<'a>)> + 'a> {
        match self.0 {
            Source::Owned(items) => Box::new(
                items
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_ref())),
            ),
            Source::Encoded(bytes, _) => {
                let mut blocks = Blocks {
                    input: Reader::new(bytes),
                    left: 0,
                };
                Box::new(std::iter::from_fn(move || {
                    let input = blocks.next()?;
                    Some((input.text().ok()?, T::decode_ref(input).ok()?))
                }))
            }
        }
    }
}

impl<T: Value> fmt::Debug for ListRef<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Value> fmt::Debug for MapRef<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

/// Runs over the items of a collection; gives their number and the bytes they stand in.
fn walk<'a>(
    input: &mut Reader<'a>,
    mut item: impl FnMut(&mut Reader<'a>) -> Result<(), DecodeError>,
) -> Result<(&'a [u8], usize), DecodeError> {
    let before = input.rest();
    let mut total = 0;
    loop {
        let count = input.block()?;
        if count == 0 {
            let used = before.len() - input.rest().len();
            return Ok((before.get(..used).unwrap_or(before), total));
        }
        for _ in 0..count {
            item(input)?;
        }
        total += count;
    }
}

impl<T: Value + 'static> Value for Vec<T> {
    const TYPE: Type<'static> = Type::Array(&Item {
        ty: T::TYPE,
        nullable: T::NULLABLE,
    });
    type Ref<'a> = ListRef<'a, T>;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        if !self.is_empty() {
            write::long(self.len() as i64, out);
            for item in self {
                item.encode(out)?;
            }
        }
        out.push(0);
        Ok(())
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut items = Vec::new();
        walk(input, |input| {
            items.push(T::decode(input)?);
            Ok(())
        })?;
        Ok(items)
    }

    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        let (bytes, count) = walk(input, |input| T::decode_ref(input).map(|_| ()))?;
        Ok(ListRef(Source::Encoded(bytes, count)))
    }

    fn as_ref(&self) -> Self::Ref<'_> {
        ListRef(Source::Owned(self))
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
        value.iter().map(T::from_ref).collect()
    }

    fn absent<'a>() -> Self::Ref<'a> {
        ListRef::encoded(&[0], 0)
    }
}

fn encode_entries<'a, T: Value + 'a>(
    count: usize,
    entries: impl Iterator<Item = (&'a String, &'a T)>,
    out: &mut Vec<u8>,
) -> Result<(), Defect> {
    if count > 0 {
        write::long(count as i64, out);
        for (key, value) in entries {
            write::bytes(key.as_bytes(), out);
            value.encode(out).map_err(|error| error.at(key))?;
        }
    }
    out.push(0);
    Ok(())
}

impl<T: Value + 'static> Value for BTreeMap<String, T> {
    const TYPE: Type<'static> = Type::Map(&Item {
        ty: T::TYPE,
        nullable: T::NULLABLE,
    });
    type Ref<'a> = MapRef<'a, T>;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        encode_entries(self.len(), self.iter(), out)
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut entries = BTreeMap::new();
        walk(input, |input| {
            entries.insert(input.text()?.to_owned(), T::decode(input)?);
            Ok(())
        })?;
        Ok(entries)
    }

    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        let (bytes, count) = walk(input, |input| {
            input.text()?;
            T::decode_ref(input).map(|_| ())
        })?;
        Ok(MapRef(
            Source::Encoded(bytes, count),
            std::marker::PhantomData,
        ))
    }

    fn as_ref(&self) -> Self::Ref<'_> {
        MapRef(Source::Owned(self), std::marker::PhantomData)
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
        value
            .iter()
            .map(|(key, value)| Ok((key.to_owned(), T::from_ref(value)?)))
            .collect()
    }

    fn absent<'a>() -> Self::Ref<'a> {
        MapRef::encoded(&[0], 0)
    }
}

/// Entries of a hash map that are sorted without memory of their own.
const FEW: usize = 16;

/// A hash map in a row.
pub enum HashMapRef<'a, T, S> {
    /// From an owned value.
    Owned(&'a HashMap<String, T, S>),
    /// From bytes.
    Encoded(MapRef<'a, T>),
}

impl<T, S> Clone for HashMapRef<'_, T, S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, S> Copy for HashMapRef<'_, T, S> {}

impl<'a, T: Value, S: BuildHasher> HashMapRef<'a, T, S> {
    /// The value of a key.
    pub fn get(self, key: &str) -> Option<T::Ref<'a>> {
        match self {
            HashMapRef::Owned(items) => items.get(key).map(T::as_ref),
            HashMapRef::Encoded(items) => items.get(key),
        }
    }

    /// The entries, in no order.
    pub fn iter(self) -> Box<dyn Iterator<Item = (&'a str, T::Ref<'a>)> + 'a> {
        match self {
            HashMapRef::Owned(items) => Box::new(
                items
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_ref())),
            ),
            HashMapRef::Encoded(items) => items.iter(),
        }
    }
}

impl<T: Value, S: BuildHasher> fmt::Debug for HashMapRef<'_, T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

impl<T: Value + 'static, S: BuildHasher + Default + Sync + 'static> Value
    for HashMap<String, T, S>
{
    const TYPE: Type<'static> = Type::Map(&Item {
        ty: T::TYPE,
        nullable: T::NULLABLE,
    });
    type Ref<'a> = HashMapRef<'a, T, S>;

    /// Entries go in the order of their keys, so that equal maps are equal bytes.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        // Small maps are sorted where they need no memory of their own.
        let mut few = [None; FEW];
        if let Some(entries) = few.get_mut(..self.len()) {
            for (slot, entry) in entries.iter_mut().zip(self) {
                *slot = Some(entry);
            }
            entries.sort_unstable_by(|one, two| {
                let (one, two) = (one.map(|(key, _)| key), two.map(|(key, _)| key));
                one.cmp(&two)
            });
            return encode_entries(self.len(), entries.iter().copied().flatten(), out);
        }
        let mut entries: Vec<(&String, &T)> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        encode_entries(self.len(), entries.into_iter(), out)
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut entries = HashMap::default();
        walk(input, |input| {
            entries.insert(input.text()?.to_owned(), T::decode(input)?);
            Ok(())
        })?;
        Ok(entries)
    }

    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        BTreeMap::<String, T>::decode_ref(input).map(HashMapRef::Encoded)
    }

    fn as_ref(&self) -> Self::Ref<'_> {
        HashMapRef::Owned(self)
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
        value
            .iter()
            .map(|(key, value)| Ok((key.to_owned(), T::from_ref(value)?)))
            .collect()
    }

    fn absent<'a>() -> Self::Ref<'a> {
        HashMapRef::Encoded(MapRef::encoded(&[0], 0))
    }
}
