//! `COUNT_DISTINCT`: the HyperLogLog that ksqlDB uses, register for register, so that it errs as ksqlDB does.
//!
//! 2^14 registers over MurmurHash 2. What is hashed is a number's 64 bits or the bytes of a text; booleans and decimals as Java's
//! text. Dates, times and bytes are not counted here: Java's texts of these hang on the server's zone and on its memory.
//! Few registers are set as a rule, so only those are kept.

use super::{Accumulator, Merge, Overflow};
use crate::codec::{DecodeError, Reader, write};
use crate::ops::{Any, Scratch, cast, json};

/// Bits of a hash that choose a register.
const BITS: u32 = 14;
/// Registers.
const REGISTERS: usize = 1 << BITS;

/// The registers that are set, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountDistinct(Vec<(u16, u8)>);

const M: i32 = 0x5bd1_e995;

fn mixed(word: i32) -> i32 {
    let word = word.wrapping_mul(M);
    (word ^ (word.cast_unsigned() >> 24).cast_signed()).wrapping_mul(M)
}

fn finished(hash: i32) -> i32 {
    let hash = (hash ^ (hash.cast_unsigned() >> 13).cast_signed()).wrapping_mul(M);
    hash ^ (hash.cast_unsigned() >> 15).cast_signed()
}

fn hash_bytes(bytes: &[u8]) -> i32 {
    let mut hash = -1 ^ bytes.len() as i32;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let word = word.try_into().map_or(0, i32::from_le_bytes);
        hash = hash.wrapping_mul(M) ^ mixed(word);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        // As Java does it: what is left is signed, and counted from the end.
        for (place, byte) in rest.iter().rev().enumerate() {
            hash ^= i32::from(*byte as i8) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    finished(hash)
}

fn hash_long(value: i64) -> i32 {
    let low = mixed(value as i32);
    finished(low.wrapping_mul(M) ^ mixed((value >> 32) as i32))
}

fn hash(any: Any<'_>, scratch: &Scratch) -> Option<i32> {
    Some(match any {
        Any::Integer(value) => hash_long(value.into()),
        Any::Bigint(value) => hash_long(value),
        Any::Double(value) => hash_long(value.to_bits().cast_signed()),
        Any::String(text) => hash_bytes(text.as_bytes()),
        Any::Boolean(_) | Any::Uuid(_) => hash_bytes(cast::text(scratch, any).as_bytes()),
        Any::Decimal(..) => {
            let mut text = String::new();
            json::write_number(cast::text(scratch, any), &mut text)?;
            hash_bytes(text.as_bytes())
        }
        _ => return None,
    })
}

impl CountDistinct {
    fn raise(&mut self, register: u16, to: u8) {
        match self
            .0
            .binary_search_by_key(&register, |(register, _)| *register)
        {
            Ok(at) => {
                if let Some((_, value)) = self.0.get_mut(at) {
                    *value = to.max(*value);
                }
            }
            Err(at) => self.0.insert(at, (register, to)),
        }
    }

    fn offer(&mut self, hash: i32) {
        let hash = hash.cast_unsigned();
        let register = (hash >> (32 - BITS)) as u16;
        // What stands behind the number ends the count of zeros.
        let rest = (hash << BITS) | ((1 << (BITS - 1)) + 1);
        self.raise(register, rest.leading_zeros() as u8 + 1);
    }

    fn estimate(&self) -> i64 {
        let registers = REGISTERS as f64;
        let unset = registers - self.0.len() as f64;
        let sum = self.0.iter().fold(unset, |sum, (_, value)| {
            sum + 1.0 / f64::from(1_u32 << (*value).min(31))
        });
        let factor = (0.7213 / (1.0 + 1.079 / registers)) * registers * registers;
        let estimate = factor * (1.0 / sum);
        let count = if estimate <= 2.5 * registers {
            registers * (registers / unset).ln()
        } else {
            estimate
        };
        (count + 0.5).floor() as i64
    }
}

impl Accumulator for CountDistinct {
    type Input<'a> = Any<'a>;
    type Out<'a> = i64;

    fn empty() -> Self {
        CountDistinct(Vec::new())
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        if let Some(hash) = hash(input, &scratch) {
            self.offer(hash);
        }
        Ok(())
    }

    fn get<'a>(&'a self, _scratch: &'a Scratch) -> i64 {
        self.estimate()
    }

    fn owned(&self) -> usize {
        self.0.capacity().saturating_mul(size_of::<(u16, u8)>())
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::long(self.0.len() as i64, out);
        let mut last = 0;
        for (register, value) in &self.0 {
            write::long(i64::from(*register - last), out);
            out.push(*value);
            last = *register;
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let damaged = || DecodeError::new("the registers of a distinct count are not in order");
        let mut last = 0_i64;
        let registers = super::stored::read_all(input, |input| {
            last = last.saturating_add(input.long()?);
            let register = u16::try_from(last)
                .ok()
                .filter(|last| usize::from(*last) < REGISTERS);
            Ok((register.ok_or_else(damaged)?, input.byte()?))
        })?;
        if !registers.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(damaged());
        }
        Ok(CountDistinct(registers))
    }
}

impl Merge for CountDistinct {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        for (register, value) in other.0 {
            self.raise(register, value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_counted_exactly_and_many_within_a_percent_or_two() {
        for count in [0, 1, 2, 3, 10, 100, 20_000, 200_000] {
            let mut state = CountDistinct::empty();
            for _ in 0..2 {
                for number in 0..count {
                    state.offer(hash_long(number));
                }
            }
            let error = (state.estimate() - count).abs();
            assert!(error * 50 <= count, "{count}: {}", state.estimate());
            let mut bytes = Vec::new();
            state.write(&mut bytes);
            assert_eq!(
                CountDistinct::read(&mut Reader::new(&bytes)).ok(),
                Some(state)
            );
        }
    }

    #[test]
    fn a_merge_is_as_if_all_had_been_offered_to_one() {
        let of = |numbers: std::ops::Range<i64>| {
            let mut state = CountDistinct::empty();
            numbers.for_each(|number| state.offer(hash_long(number)));
            state
        };
        let mut merged = of(0..700);
        assert_eq!(merged.merge(of(500..1500)), Ok(()));
        assert_eq!(merged, of(0..1500));
    }

    #[test]
    fn numbers_hash_by_value_and_texts_by_bytes() {
        let scratch = Scratch::new();
        let hash = |any| hash(any, &scratch);
        assert_eq!(hash(Any::Integer(7)), hash(Any::Bigint(7)));
        assert_eq!(hash(Any::Boolean(true)), hash(Any::String("true")));
        assert_eq!(hash(Any::Decimal(150, 2)), hash(Any::String("1.50")));
        assert_eq!(hash(Any::Decimal(1, 7)), hash(Any::String("1E-7")));
        assert_ne!(hash(Any::String("\u{e9}")), hash(Any::String("e")));
        assert_eq!(hash(Any::Null), None);
    }

    #[test]
    fn registers_out_of_order_are_refused() {
        for bytes in [&[4, 2, 1, 0, 1][..], &[2, 0x80, 0x80, 4, 1], &[2, 1, 1]] {
            assert!(
                CountDistinct::read(&mut Reader::new(bytes)).is_err(),
                "{bytes:?}"
            );
        }
    }
}
