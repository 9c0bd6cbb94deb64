//! Texts as UTF-16: Java's order, length and positions, over UTF-8.

use std::cmp::Ordering;

/// Java's `compareTo`: by UTF-16 units. It differs from the order of bytes only where a character beyond U+FFFF meets one
/// from U+E000 to U+FFFF, for its surrogates stand before those.
#[inline]
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let differing = left.iter().zip(right).find(|(left, right)| left != right);
    match differing {
        None => left.len().cmp(&right.len()),
        Some((left, right)) => {
            let rank = |byte: u8| match byte {
                0xee | 0xef => 0x1_00 | u32::from(byte),
                byte => u32::from(byte),
            };
            rank(*left).cmp(&rank(*right))
        }
    }
}

/// The UTF-16 units of a text.
#[inline]
pub fn length(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().map(char::len_utf16).sum()
    }
}

/// Java's `trim`: characters to U+0020 on both sides.
#[inline]
pub fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trim_leaves_blanks_that_only_unicode_knows() {
        assert_eq!(trim("\u{0} \t\nx\u{a0} "), "x\u{a0}");
    }

    proptest::proptest! {
        #[test]
        fn order_and_length_are_those_of_utf_16(left in "[a\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,4}", right in "[a\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,4}") {
            let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
            proptest::prop_assert_eq!(compare(&left, &right), units(&left).cmp(&units(&right)));
            proptest::prop_assert_eq!(length(&left), units(&left).len());
        }
    }
}
