//! Java date-time patterns: the subset of `DateTimeFormatter` that formatted columns may use.
//!
//! A pattern means here what ksqlDB makes of it. Letters that need a zone are refused: the server's own would apply.
//! Values are UTC. Of what a locale names there are two, `MMM` and `a`, and both are English (`Jan`, `AM`): what a server
//! writes and reads whose locale is `en` or `en_US`.

/// Date and time of day as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Hour, 0 to 23.
    pub hour: u32,
    /// Minute.
    pub minute: u32,
    /// Second.
    pub second: u32,
    /// Nanosecond.
    pub nano: u32,
}

impl Default for Parts {
    fn default() -> Self {
        Parts {
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nano: 0,
        }
    }
}

/// A pattern, ready to format and parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    items: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Number(Unit, usize),
    MonthName,
    HalfDay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Day,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    Fraction,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const LETTERS: &str = "`yyyy`, `MM` or `MMM`, `dd`, `HH` (or `hh` with `a`), `mm`, `ss`, `SSS`";

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A text naming the letter that is unknown, needs a zone, or should be quoted.
    pub fn parse(pattern: &str) -> Result<Pattern, String> {
        let mut items = Vec::new();
        let mut rest = pattern.chars().peekable();
        while let Some(letter) = rest.next() {
            if letter == '\'' {
                push_text(&mut items, &quoted(&mut rest, pattern)?);
            } else if letter.is_ascii_alphabetic() {
                let mut width = 1;
                while rest.next_if_eq(&letter).is_some() {
                    width += 1;
                }
                items.push(field(letter, width)?);
            } else if "{}#[]".contains(letter) {
                return Err(format!(
                    "`{letter}` has a meaning of its own in a pattern: quote it, `'{letter}'`"
                ));
            } else {
                push_text(&mut items, &letter.to_string());
            }
        }
        if let Some(letter) = runs_into_digits(&items) {
            return Err(format!(
                "`{letter}` has no width of its own, and digits follow it: write `{letter}{letter}`"
            ));
        }
        if !items.iter().any(|item| !matches!(item, Piece::Text(_))) {
            return Err(format!(
                "the pattern `{pattern}` holds no date and no time: use {LETTERS}"
            ));
        }
        Ok(Pattern { items })
    }

    /// Whether year, month and day are all there.
    pub fn has_date(&self) -> bool {
        self.has(Unit::Year)
            && (self.has(Unit::Month) || self.items.contains(&Piece::MonthName))
            && self.has(Unit::Day)
    }

    /// Whether the hour is there.
    pub fn has_time(&self) -> bool {
        self.has(Unit::Hour)
            || (self.has(Unit::HalfDayHour) && self.items.contains(&Piece::HalfDay))
    }

    /// What is missing of a date-time, of a date and of a time of day; empty where nothing is. Fractions of a second are
    /// not counted.
    pub fn missing(&self) -> [&'static str; 3] {
        let date = if self.has_date() {
            ""
        } else {
            "the year, month and day"
        };
        let time = if !self.has_time() {
            "the time of day"
        } else if !self.has(Unit::Minute) {
            "the minutes"
        } else if !self.has(Unit::Second) {
            "the seconds"
        } else {
            ""
        };
        [if date.is_empty() { time } else { date }, date, time]
    }

    /// Whether a part of a date, and whether a part of a time of day is named: what a moment must have to be formatted.
    pub fn asks(&self) -> (bool, bool) {
        let date = |item: &Piece| {
            matches!(
                item,
                Piece::MonthName | Piece::Number(Unit::Year | Unit::Month | Unit::Day, _)
            )
        };
        let asked = || {
            self.items
                .iter()
                .filter(|item| !matches!(item, Piece::Text(_)))
        };
        (asked().any(date), asked().any(|item| !date(item)))
    }

    fn has(&self, unit: Unit) -> bool {
        self.items
            .iter()
            .any(|item| matches!(item, Piece::Number(found, _) if *found == unit))
    }

    /// Appends a moment as text.
    ///
    /// # Errors
    /// Where the year has more digits than the pattern: it could not be read back.
    pub fn format(&self, parts: &Parts, out: &mut impl core::fmt::Write) -> Result<(), String> {
        for item in &self.items {
            if let Piece::Number(Unit::Year, width) = item {
                let years = years(*width);
                if !years.contains(&parts.year) {
                    return Err(format!(
                        "the year {} does not fit the pattern, which holds the years {} to {}",
                        parts.year,
                        years.start(),
                        years.end(),
                    ));
                }
            }
            // Writing to memory cannot fail.
            let _ = match item {
                Piece::Text(text) => out.write_str(text),
                Piece::MonthName => {
                    let index = (parts.month.max(1) - 1) as usize;
                    out.write_str(MONTHS.get(index).copied().unwrap_or("???"))
                }
                Piece::HalfDay => out.write_str(if parts.hour < 12 { "AM" } else { "PM" }),
                Piece::Number(Unit::Year, 2) => write!(out, "{:02}", parts.year.rem_euclid(100)),
                Piece::Number(Unit::Fraction, width) => {
                    let kept = (*width).min(9);
                    let cut = 10_u32.pow(9 - kept as u32);
                    write!(out, "{:0kept$}", parts.nano / cut)
                }
                Piece::Number(unit, width) => {
                    let number = match unit {
                        Unit::Year => parts.year,
                        Unit::Month => parts.month as i32,
                        Unit::Day => parts.day as i32,
                        Unit::Hour => parts.hour as i32,
                        Unit::HalfDayHour => ((parts.hour + 11) % 12 + 1) as i32,
                        Unit::Minute => parts.minute as i32,
                        Unit::Second | Unit::Fraction => parts.second as i32,
                    };
                    write!(out, "{number:0width$}")
                }
            };
        }
        Ok(())
    }

    /// Reads a text; what the pattern does not name is that of 1970-01-01T00:00.
    ///
    /// # Errors
    /// A text saying where input and pattern part.
    pub fn read(&self, text: &str) -> Result<Parts, String> {
        let mut parts = Parts::default();
        let (mut hour, mut half_day_hour, mut afternoon) = (None, None, None);
        let mut rest = text;
        for item in &self.items {
            let failed = || format!("`{text}` does not fit the pattern at `{rest}`");
            match item {
                Piece::Text(wanted) => {
                    rest = rest.strip_prefix(wanted.as_str()).ok_or_else(failed)?
                }
                Piece::MonthName => {
                    let name = rest.get(..3).ok_or_else(failed)?;
                    let found = MONTHS
                        .iter()
                        .position(|month| month.eq_ignore_ascii_case(name))
                        .ok_or_else(failed)?;
                    parts.month = found as u32 + 1;
                    rest = rest.get(3..).unwrap_or_default();
                }
                Piece::HalfDay => {
                    let half = rest.get(..2).ok_or_else(failed)?;
                    let late = half.eq_ignore_ascii_case("PM");
                    if !late && !half.eq_ignore_ascii_case("AM") {
                        return Err(failed());
                    }
                    afternoon = Some(late);
                    rest = rest.get(2..).unwrap_or_default();
                }
                Piece::Number(unit, width) => {
                    let most = if fixed(*unit, *width) { *width } else { 9 };
                    let length = rest
                        .bytes()
                        .take(most)
                        .take_while(u8::is_ascii_digit)
                        .count();
                    if length < *width {
                        return Err(failed());
                    }
                    let digits = rest.get(..length).unwrap_or_default();
                    let number: u32 = digits.parse().map_err(|_| failed())?;
                    match unit {
                        Unit::Year if *width == 2 => parts.year = 2000 + number as i32,
                        Unit::Year => parts.year = i32::try_from(number).map_err(|_| failed())?,
                        Unit::Month => parts.month = number,
                        Unit::Day => parts.day = number,
                        Unit::Hour => hour = Some(number),
                        Unit::HalfDayHour => half_day_hour = Some(number),
                        Unit::Minute => parts.minute = number,
                        Unit::Second => parts.second = number,
                        Unit::Fraction => {
                            let scale = 10_u32.checked_pow(9 - length.min(9) as u32).unwrap_or(1);
                            parts.nano = number.checked_mul(scale).ok_or_else(failed)?;
                        }
                    }
                    rest = rest.get(length..).unwrap_or_default();
                }
            }
        }
        if !rest.is_empty() {
            return Err(format!(
                "`{text}` is longer than the pattern: `{rest}` is left over"
            ));
        }
        let late = |half: u32| half % 12 + if afternoon == Some(true) { 12 } else { 0 };
        parts.hour = hour.or(half_day_hour.map(late)).unwrap_or_default();
        let hours_agree = half_day_hour
            .is_none_or(|half| (1..=12).contains(&half) && half % 12 == parts.hour % 12)
            && afternoon.is_none_or(|afternoon| {
                half_day_hour.or(hour).is_none() || afternoon == (parts.hour >= 12)
            });
        let valid = hours_agree
            && parts.year > 0
            && (1..=12).contains(&parts.month)
            && (1..=days(parts.month, !self.has(Unit::Year) || leap(parts.year)))
                .contains(&parts.day)
            && parts.hour < 24
            && parts.minute < 60
            && parts.second < 60;
        if valid {
            Ok(parts)
        } else {
            Err(format!("`{text}` is no date and time that exists"))
        }
    }
}

fn leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The days of a month.
fn days(month: u32, leap: bool) -> u32 {
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The years a pattern holds: it counts no years before 1, and two digits are those of this century, as in Java.
fn years(width: usize) -> core::ops::RangeInclusive<i32> {
    match width {
        2 => 2000..=2099,
        4 => 1..=9999,
        _ => 1..=999_999_999,
    }
}

/// Whether a number always has as many digits as the pattern has letters.
fn fixed(unit: Unit, width: usize) -> bool {
    match unit {
        Unit::Fraction => true,
        Unit::Year => width == 2 || width == 4,
        _ => width == 2,
    }
}

/// The letter of a number of varying width with digits right behind it: where it ends could not be told.
fn runs_into_digits(items: &[Piece]) -> Option<char> {
    items.windows(2).find_map(|pair| match pair {
        [Piece::Number(unit, width), next] if !fixed(*unit, *width) => {
            let digits = match next {
                Piece::Number(..) => true,
                Piece::Text(text) => text.starts_with(|first: char| first.is_ascii_digit()),
                _ => false,
            };
            digits.then(|| letter(*unit))
        }
        _ => None,
    })
}

fn letter(unit: Unit) -> char {
    match unit {
        Unit::Year => 'y',
        Unit::Month => 'M',
        Unit::Day => 'd',
        Unit::Hour => 'H',
        Unit::HalfDayHour => 'h',
        Unit::Minute => 'm',
        Unit::Second => 's',
        Unit::Fraction => 'S',
    }
}

fn push_text(items: &mut Vec<Piece>, text: &str) {
    match items.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ => items.push(Piece::Text(text.to_owned())),
    }
}

fn quoted(
    rest: &mut core::iter::Peekable<core::str::Chars<'_>>,
    pattern: &str,
) -> Result<String, String> {
    if rest.next_if_eq(&'\'').is_some() {
        return Ok("'".to_owned());
    }
    let mut text = String::new();
    loop {
        match rest.next() {
            Some('\'') if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') => return Ok(text),
            Some(other) => text.push(other),
            None => {
                return Err(format!(
                    "the quoted text of `{pattern}` has no end: close it with `'`"
                ));
            }
        }
    }
}

fn field(letter: char, width: usize) -> Result<Piece, String> {
    let unit = match letter {
        'y' | 'u' => Unit::Year,
        'M' if width == 3 => return Ok(Piece::MonthName),
        'M' => Unit::Month,
        'd' => Unit::Day,
        'H' => Unit::Hour,
        'h' => Unit::HalfDayHour,
        'm' => Unit::Minute,
        's' => Unit::Second,
        'S' => Unit::Fraction,
        'a' if width == 1 => return Ok(Piece::HalfDay),
        'a' => return Err(too_wide(letter, width, 1)),
        'T' => return Err("the letter `T` is text here: quote it, `'T'`".to_owned()),
        'z' | 'Z' | 'X' | 'x' | 'V' | 'O' => {
            return Err(format!(
                "the zone letter `{letter}` cannot be used: the server's zone would apply; values are UTC"
            ));
        }
        other => {
            return Err(format!(
                "the letter `{other}` is unknown in a date-time pattern: use {LETTERS}"
            ));
        }
    };
    let most = match unit {
        Unit::Year => 4,
        Unit::Fraction => 9,
        _ => 2,
    };
    if width > most {
        return Err(too_wide(letter, width, most));
    }
    Ok(Piece::Number(unit, width))
}

fn too_wide(letter: char, width: usize, most: usize) -> String {
    format!(
        "`{}` is too wide: at most {most} `{letter}`",
        letter.to_string().repeat(width)
    )
}

#[cfg(test)]
mod tests {
    use super::{Parts, Pattern};

    #[test]
    fn text_written_by_a_pattern_is_read_back() {
        let parts = Parts {
            year: 2024,
            month: 2,
            day: 29,
            hour: 15,
            minute: 4,
            second: 5,
            nano: 678_000_000,
        };
        for pattern in [
            "yyyy-MM-dd'T'HH:mm:ss.SSS",
            "yyyyMMddHHmmssSSS",
            "dd MMM yyyy hh:mm:ss.SSS a",
            "''yyyy'q'MM/dd HH-mm-ss,SSS",
        ] {
            let read = Pattern::parse(pattern).and_then(|read| {
                let mut text = String::new();
                read.format(&parts, &mut text)?;
                read.read(&text)
            });
            assert_eq!(read, Ok(parts), "{pattern}");
        }
    }

    #[test]
    fn what_means_something_else_to_the_server_is_refused_by_its_letter() {
        for (pattern, named) in [
            ("yyyy-MM-ddTHH", "`T`"),
            ("yyyy-MM-dd HH:mm z", "`z`"),
            ("yyyy q", "`q`"),
            ("yyyyy", "wide"),
            ("'x", "end"),
            ("", "no date"),
        ] {
            assert!(
                Pattern::parse(pattern).is_err_and(|text| text.contains(named)),
                "{pattern}"
            );
        }
    }
}
