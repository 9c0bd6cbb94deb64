//! Fingerprints of definitions: FNV-1a, 64 bits. Equal texts have equal fingerprints; nothing secret depends on them.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The fingerprint of a text.
pub const fn of(text: &str) -> u64 {
    of_all(&[text])
}

/// The fingerprint of several texts one after another, each ended by a byte no text holds.
pub const fn of_all(texts: &[&str]) -> u64 {
    let mut hash = OFFSET;
    let mut rest = texts;
    while let [text, more @ ..] = rest {
        let mut bytes = text.as_bytes();
        while let [byte, tail @ ..] = bytes {
            hash = (hash ^ *byte as u64).wrapping_mul(PRIME);
            bytes = tail;
        }
        rest = more;
        if !rest.is_empty() {
            hash = (hash ^ 0xff).wrapping_mul(PRIME);
        }
    }
    hash
}
