//! Key encoding whose byte order is the order of the keys: what stores sort by.
//!
//! Integers are big-endian with the sign bit flipped. A string that ends the key stands as it is; before another
//! column, each zero byte becomes `00 FF` and `00 00` ends it, so that a prefix sorts first. Reading is total.

/// Bytes that are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAKey;

/// Appends an `i32`.
pub fn push_i32(value: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&((value as u32) ^ 0x8000_0000).to_be_bytes());
}

/// Appends an `i64`.
pub fn push_i64(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&((value as u64) ^ 0x8000_0000_0000_0000).to_be_bytes());
}

/// Appends the 16 bytes of a UUID.
pub fn push_uuid(value: &[u8; 16], out: &mut Vec<u8>) {
    out.extend_from_slice(value);
}

/// Appends a string; `last` if no column follows.
pub fn push_str(value: &str, last: bool, out: &mut Vec<u8>) {
    if last {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    for byte in value.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], NotAKey> {
    let (head, rest) = input.split_first_chunk::<N>().ok_or(NotAKey)?;
    *input = rest;
    Ok(*head)
}

/// Reads an `i32`.
///
/// # Errors
/// Where the bytes are too few.
pub fn read_i32(input: &mut &[u8]) -> Result<i32, NotAKey> {
    Ok((u32::from_be_bytes(take(input)?) ^ 0x8000_0000) as i32)
}

/// Reads an `i64`.
///
/// # Errors
/// Where the bytes are too few.
pub fn read_i64(input: &mut &[u8]) -> Result<i64, NotAKey> {
    Ok((u64::from_be_bytes(take(input)?) ^ 0x8000_0000_0000_0000) as i64)
}

/// Reads a UUID's bytes.
///
/// # Errors
/// Where the bytes are too few.
pub fn read_uuid(input: &mut &[u8]) -> Result<[u8; 16], NotAKey> {
    take(input)
}

/// Reads a string.
///
/// # Errors
/// Where the bytes are no UTF-8, or the end mark of a string before another column is missing.
pub fn read_str(last: bool, input: &mut &[u8]) -> Result<String, NotAKey> {
    if last {
        let text = core::str::from_utf8(input).map_err(|_| NotAKey)?.to_owned();
        *input = &[];
        return Ok(text);
    }
    let mut bytes = Vec::new();
    let mut rest = *input;
    loop {
        match rest {
            [0, 0, after @ ..] => {
                *input = after;
                return String::from_utf8(bytes).map_err(|_| NotAKey);
            }
            [0, 0xff, after @ ..] => {
                bytes.push(0);
                rest = after;
            }
            [0, ..] | [] => return Err(NotAKey),
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
}
