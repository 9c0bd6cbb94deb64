//! Durations as attributes write them: a whole number and a unit, days down to milliseconds.
//!
//! KSQL has no weeks, months or years; neither have we, so that the same words mean the same on both sides.

/// The units allowed, for messages.
pub const UNITS: &str = "`ms`, `s`, `m` (or `min`), `h`, `d`";

/// Milliseconds of a duration such as `"7d"`, `"12h"`, `"30min"`, `"10 s"`, `"500ms"`.
///
/// # Errors
/// A text that says what is wrong and which units there are.
///
/// ```
/// assert_eq!(ksql_schema::duration::parse("10s"), Ok(10_000));
/// assert!(ksql_schema::duration::parse("1 month").unwrap_err().contains("`d`"));
/// ```
pub fn parse(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let digits = trimmed
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    if number.is_empty() {
        return Err(format!(
            "`{text}` is no duration: it starts with a whole number, then one of {UNITS}"
        ));
    }
    let factor: u64 = match unit.trim() {
        "ms" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "" => {
            return Err(format!(
                "`{text}` has no unit: write one of {UNITS} behind the number"
            ));
        }
        other => return Err(format!("`{other}` is no unit of time here: use {UNITS}")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|millis| i64::try_from(*millis).is_ok())
        .ok_or_else(|| format!("`{text}` is longer than any clock counts"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn every_unit_has_its_length() {
        let read = ["5ms", "5 s", "5m", "5min", "5h", "5d"].map(|text| parse(text).unwrap_or(0));
        assert_eq!(read, [5, 5_000, 300_000, 300_000, 18_000_000, 432_000_000]);
    }

    #[test]
    fn what_ksql_has_no_word_for_is_refused_with_the_units_there_are() {
        for text in [
            "1 month",
            "2w",
            "1y",
            "5x",
            "",
            "d",
            "5",
            "-5s",
            "1.5h",
            "99999999999999999999d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(
            parse("1 month").is_err_and(|text| text.contains("month") && text.contains("`ms`"))
        );
    }
}
