//! Confluent framing: a zero byte, four bytes of schema id, then the body.

use super::DecodeError;

/// The length of the frame.
pub const LENGTH: usize = 5;

/// Appends the frame; the body follows.
#[inline]
pub fn write(id: u32, out: &mut Vec<u8>) {
    let [a, b, c, d] = id.to_be_bytes();
    out.extend_from_slice(&[0, a, b, c, d]);
}

/// The schema id and the body.
///
/// # Errors
/// Where the bytes do not start with a frame.
#[inline]
pub fn read(bytes: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    match bytes {
        [0, a, b, c, d, body @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), body)),
        [0, ..] => Err(DecodeError::new(
            "the bytes end inside the schema id: 5 bytes of frame were expected",
        )),
        [] => Err(DecodeError::new(
            "no bytes: a frame of a zero byte and a schema id was expected",
        )),
        [first, ..] => Err(DecodeError::new(format!(
            "the first byte is {first}, not the 0 of a framed Avro value"
        ))),
    }
}
