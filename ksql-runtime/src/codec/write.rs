//! Writing Avro binary into a vector.

/// Appends a zig-zag `long` (an `int` is written the same way).
#[inline]
pub fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    if rest < 0x80 {
        out.push(rest as u8);
        return;
    }
    let mut bytes = [0_u8; 10];
    let mut used = 0;
    for slot in &mut bytes {
        used += 1;
        if rest < 0x80 {
            *slot = rest as u8;
            break;
        }
        *slot = rest as u8 | 0x80;
        rest >>= 7;
    }
    if let Some(bytes) = bytes.get(..used) {
        out.extend_from_slice(bytes);
    }
}

/// Appends length-prefixed bytes.
#[inline]
pub fn bytes(value: &[u8], out: &mut Vec<u8>) {
    long(value.len() as i64, out);
    out.extend_from_slice(value);
}

/// Appends an unscaled decimal: length-prefixed, big-endian two's complement, as short as it gets.
#[inline]
pub fn decimal(unscaled: i128, out: &mut Vec<u8>) {
    if let Ok(small) = i64::try_from(unscaled) {
        let bits = 64
            - if small < 0 {
                small.leading_ones()
            } else {
                small.leading_zeros()
            };
        let length = (bits / 8 + 1).min(8) as usize;
        out.push((length << 1) as u8);
        let bytes = small.to_be_bytes();
        out.extend_from_slice(bytes.get(8 - length..).unwrap_or(&bytes));
        return;
    }
    let bits = 128
        - if unscaled < 0 {
            unscaled.leading_ones()
        } else {
            unscaled.leading_zeros()
        };
    let length = (bits / 8 + 1).min(16) as usize;
    out.push((length << 1) as u8);
    let bytes = unscaled.to_be_bytes();
    out.extend_from_slice(bytes.get(16 - length..).unwrap_or(&bytes));
}
