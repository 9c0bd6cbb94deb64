//! Which partition a key belongs to: the Java clients' murmur2.
//!
//! Every writer of a topic must agree, or tables and joins over it miss rows silently; librdkafka's own default (CRC32)
//! does not agree with the Java clients. Pure functions, called by producers on any thread.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// The hash of Kafka's default partitioner.
pub fn murmur2(data: &[u8]) -> i32 {
    // The length is taken into an i32 by the Java clients too.
    let mut hash = SEED ^ (data.len() as u32);
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^= hash >> 15;
    hash.cast_signed()
}

/// The partition of a key among `partitions`; 0 when there are none.
pub fn partition_for_key(key: &[u8], partitions: u32) -> i32 {
    let positive = murmur2(key).cast_unsigned() & 0x7fff_ffff;
    positive.checked_rem(partitions).unwrap_or(0).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_gives_the_vectors_of_the_java_clients() {
        let vectors = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("abc", 479_470_107),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
        ];
        for (key, expected) in vectors {
            assert_eq!(murmur2(key.as_bytes()), expected, "{key}");
        }
    }

    #[test]
    fn a_partition_is_always_one_of_the_topic() {
        for partitions in 1..17_u32 {
            for key in 0..200_u32 {
                let partition = partition_for_key(&key.to_be_bytes(), partitions);
                assert!((0..partitions.cast_signed()).contains(&partition));
            }
        }
        assert_eq!(partition_for_key(b"key", 0), 0);
    }
}
