//! Conditions on rows as they are typed: `price > 10 and symbol = 'EURUSD'`.
//!
//! Columns are compared with values of their own type (see the literals). A comparison with NULL does not hold, as in KSQL; `is null` asks for it. Pure: a text becomes a tree, and a row either fits or does not.

use std::cmp::Ordering;

use ksql_schema::model::{Column, Role};
use serde_json::Value;

use super::exit::unknown_name;
use super::literal::Literal;
use super::view::Columns;
use crate::ops::is_like;

/// A condition of known columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Null {
        column: String,
    },
    Like {
        column: String,
        pattern: String,
    },
    Compare {
        column: String,
        comparison: Comparison,
        value: Literal,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Condition {
    /// Reads a condition on these columns.
    pub(super) fn parse(text: &str, columns: &[Column<'_>]) -> Result<Condition, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
            columns,
        };
        let condition = parser.either()?;
        match parser.tokens.get(parser.at) {
            None => Ok(condition),
            Some(token) => Err(format!(
                "`{token}` is not expected here: conditions are joined by `and` and `or`"
            )),
        }
    }

    /// Whether it holds of a row.
    pub(super) fn holds(&self, row: &Columns) -> bool {
        match self {
            Condition::And(one, other) => one.holds(row) && other.holds(row),
            Condition::Or(one, other) => one.holds(row) || other.holds(row),
            Condition::Not(one) => !one.holds(row),
            Condition::Null { column } => row.get(column).is_none_or(Value::is_null),
            Condition::Like { column, pattern } => match row.get(column) {
                Some(Value::String(text)) => is_like(text, pattern),
                _ => false,
            },
            Condition::Compare {
                column,
                comparison,
                value,
            } => row
                .get(column)
                .and_then(|found| value.compared(found))
                .is_some_and(|order| comparison.is(order)),
        }
    }
}

impl Comparison {
    fn is(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order == Ordering::Equal,
            Comparison::Unequal => order != Ordering::Equal,
            Comparison::Less => order == Ordering::Less,
            Comparison::AtMost => order != Ordering::Greater,
            Comparison::More => order == Ordering::Greater,
            Comparison::AtLeast => order != Ordering::Less,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(&'static str),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Word(word) => f.write_str(word),
            Token::Quoted(text) => write!(f, "'{text}'"),
            Token::Symbol(symbol) => f.write_str(symbol),
        }
    }
}

const SYMBOLS: [&str; 10] = ["<=", ">=", "<>", "!=", "==", "=", "<", ">", "(", ")"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = rest.get(symbol.len()..).unwrap_or_default();
        } else if first == '\'' || first == '"' {
            let (quoted, after) = quoted(rest, first)?;
            tokens.push(Token::Quoted(quoted));
            rest = after;
        } else {
            let ends = |c: char| c.is_whitespace() || "<>=!()'\"".contains(c);
            let end = rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8());
            let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A text in quotes, which stand twice in it for themselves, and what comes behind.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = text.get(quote.len_utf8()..).unwrap_or_default();
    loop {
        let Some((part, after)) = rest.split_once(quote) else {
            return Err(format!("the text {text} has no end: a {quote} is missing"));
        };
        out.push_str(part);
        match after.strip_prefix(quote) {
            Some(after) => {
                out.push(quote);
                rest = after;
            }
            None => return Ok((out, after)),
        }
    }
}

struct Parser<'t, 'c> {
    tokens: &'t [Token],
    at: usize,
    columns: &'t [Column<'c>],
}

impl<'t> Parser<'t, '_> {
    fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is);
        is
    }

    fn either(&mut self) -> Result<Condition, String> {
        let mut condition = self.both()?;
        while self.eat("or") {
            condition = Condition::Or(Box::new(condition), Box::new(self.both()?));
        }
        Ok(condition)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut condition = self.one()?;
        while self.eat("and") {
            condition = Condition::And(Box::new(condition), Box::new(self.one()?));
        }
        Ok(condition)
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.eat("not") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        match self.next() {
            Some(Token::Symbol("(")) => {
                let condition = self.either()?;
                match self.next() {
                    Some(Token::Symbol(")")) => Ok(condition),
                    _ => Err("a `)` is missing".to_owned()),
                }
            }
            Some(Token::Word(name)) => self.comparison(name),
            Some(token) => Err(format!("`{token}` stands where a column is expected")),
            None => Err("a comparison is missing, like `price > 10`".to_owned()),
        }
    }

    fn comparison(&mut self, name: &str) -> Result<Condition, String> {
        let column = self.column(name)?;
        let name = column.name.to_owned();
        if self.eat("is") {
            let not = self.eat("not");
            if !self.eat("null") {
                return Err(format!("`{name} is` goes on with `null` or `not null`"));
            }
            let null = Condition::Null { column: name };
            return Ok(match not {
                true => Condition::Not(Box::new(null)),
                false => null,
            });
        }
        if self.eat("like") {
            return match self.next() {
                Some(Token::Quoted(pattern) | Token::Word(pattern)) => Ok(Condition::Like {
                    column: name,
                    pattern: pattern.clone(),
                }),
                _ => Err(format!("`{name} like` goes on with a pattern, like 'EUR%'")),
            };
        }
        let comparison = match self.next() {
            Some(Token::Symbol("=" | "==")) => Comparison::Equal,
            Some(Token::Symbol("<>" | "!=")) => Comparison::Unequal,
            Some(Token::Symbol("<")) => Comparison::Less,
            Some(Token::Symbol("<=")) => Comparison::AtMost,
            Some(Token::Symbol(">")) => Comparison::More,
            Some(Token::Symbol(">=")) => Comparison::AtLeast,
            _ => {
                return Err(format!(
                    "`{name}` is compared with `=`, `<>`, `<`, `<=`, `>`, `>=`, `like`, `is null` or `is not null`"
                ));
            }
        };
        let value = match self.next() {
            Some(Token::Word(text) | Token::Quoted(text)) => Literal::of(column, text)?,
            _ => return Err(format!("a value is missing to compare `{name}` with")),
        };
        Ok(Condition::Compare {
            column: name,
            comparison,
            value,
        })
    }

    fn column(&self, name: &str) -> Result<&'t Column<'t>, String> {
        let known = || {
            self.columns
                .iter()
                .filter(|column| column.role != Role::Ignored)
        };
        known()
            .find(|column| column.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| unknown_name("column", name, known().map(|column| column.name)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("offers")]
    #[table]
    #[entity(namespace = "cli")]
    struct Offer {
        #[key]
        symbol: String,
        #[decimal_precision(18, 4)]
        price: rust_decimal::Decimal,
        pieces: i64,
        ratio: Option<f64>,
        open: bool,
        quoted_at: DateTime<Utc>,
        tags: Vec<String>,
    }

    fn row() -> Columns {
        let columns = [
            ("symbol", json!("EURUSD")),
            ("price", json!("1.0800")),
            ("pieces", json!(9_007_199_254_740_993_i64)),
            ("ratio", json!(null)),
            ("open", json!(true)),
            ("quoted_at", json!("2024-05-08T11:30:00Z")),
            ("tags", json!(["a"])),
        ];
        Columns(columns.to_vec())
    }

    fn holds(text: &str) -> bool {
        let condition = Condition::parse(text, Offer::COLUMNS).unwrap();
        condition.holds(&row())
    }

    fn error(text: &str) -> String {
        Condition::parse(text, Offer::COLUMNS).unwrap_err()
    }

    #[test]
    fn columns_are_compared_by_their_types() {
        for text in [
            "price = 1.08",
            "price > 1.0799 and price < 1.0801",
            "pieces = 9007199254740993",
            "not pieces = 9007199254740992",
            "SYMBOL = EURUSD",
            "symbol = 'EURUSD' and open = true",
            "symbol like 'EUR%' and symbol like \"%_SD\"",
            "quoted_at = 2024-05-08T13:30:00+02:00",
            "quoted_at >= 2024-05-08 and quoted_at < '2024-05-08 12:00'",
            "ratio is null and symbol is not null",
            "symbol = X or (open = true and pieces > 0)",
            "symbol = X and open = false or pieces <> 0",
        ] {
            assert!(holds(text), "{text}");
            assert!(!holds(&format!("not ({text})")), "{text}");
        }
    }

    #[test]
    fn nothing_compares_with_null() {
        for text in ["ratio > 0", "ratio <= 0", "ratio = 0", "ratio <> 0"] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write() {
        for (text, expected) in [
            ("", "a comparison is missing, like `price > 10`"),
            (
                "prize > 10",
                "there is no column `prize`: did you mean `price`?",
            ),
            (
                "pieces > many",
                "`many` is no value of `pieces`: it is a whole number",
            ),
            (
                "price",
                "`price` is compared with `=`, `<>`, `<`, `<=`, `>`, `>=`, `like`, `is null` or `is not null`",
            ),
            ("price >", "a value is missing to compare `price` with"),
            ("(price > 1", "a `)` is missing"),
            (
                "price > 1 pieces > 2",
                "`pieces` is not expected here: conditions are joined by `and` and `or`",
            ),
            ("symbol = 'EUR", "the text 'EUR has no end: a ' is missing"),
            (
                "tags = a",
                "`tags` is no single value, and cannot be compared",
            ),
            (
                "quoted_at > noon",
                "`noon` is no value of `quoted_at`: it is a moment like `2024-05-08T11:30:00Z`, or a day like `2024-05-08`",
            ),
        ] {
            assert_eq!(error(text), expected, "{text}");
        }
        assert!(
            error("xyz = 1").starts_with("there is no column `xyz`; there are `symbol`, `price`")
        );
    }

    #[test]
    fn quotes_stand_twice_for_themselves() {
        assert_eq!(
            tokens("'it''s' \"a \"\"b\"\"\"").unwrap(),
            [
                Token::Quoted("it's".to_owned()),
                Token::Quoted("a \"b\"".to_owned())
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_condition_or_an_error(text in "[a-z<>=!()'\" %_0-9.]{0,40}") {
            let _ = Condition::parse(&text, Offer::COLUMNS);
        }
    }
}
