//! Words, numbers, texts and symbols of a statement.

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A word without quotes, in upper case.
    Word(String),
    /// A name in quotes, as it stands.
    Name(String),
    /// A text.
    Text(String),
    /// Digits alone.
    Whole(String),
    /// Digits with a point.
    Decimal(String),
    /// Digits with an exponent.
    Double(String),
    /// Anything else, one or two characters.
    Symbol(&'static str),
}

/// Symbols, the longer ones first.
const SYMBOLS: [&str; 27] = [
    "<>", "!=", "<=", ">=", "||", "->", ":=", "=>", "<", ">", "=", "+", "-", "*", "/", "%", "(",
    ")", "[", "]", ",", ".", ";", ":", "{", "}", "?",
];

/// The tokens of a text.
///
/// # Errors
/// What is no token, or a quote that does not end.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if matches!(first, '\'' | '`' | '"') {
            let (quoted, after) = quoted(rest, first)?;
            tokens.push(match first {
                '\'' => Token::Text(quoted),
                _ => Token::Name(quoted),
            });
            rest = after;
        } else if first.is_ascii_digit() {
            let (token, after) = number(rest);
            tokens.push(token);
            rest = after;
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word.to_ascii_uppercase()));
            rest = after;
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(*symbol));
            let symbol = symbol.ok_or_else(|| format!("no token begins at `{rest}`"))?;
            tokens.push(Token::Symbol(symbol));
            rest = &rest[symbol.len()..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '@')
}

/// What stands in quotes, doubled ones made single, and what comes behind.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = &text[1..];
    loop {
        let (part, after) = rest
            .split_once(quote)
            .ok_or_else(|| format!("a quote does not end: {text}"))?;
        out.push_str(part);
        match after.strip_prefix(quote) {
            Some(more) => {
                out.push(quote);
                rest = more;
            }
            None => return Ok((out, after)),
        }
    }
}

/// A number; digits before letters are a name that begins with digits.
fn number(text: &str) -> (Token, &str) {
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let mut end = digits(text);
    let mut point = false;
    if text[end..].starts_with('.') {
        point = true;
        end += 1 + digits(&text[end + 1..]);
    }
    let exponent = &text[end..];
    if let Some(power) = exponent.strip_prefix(['e', 'E']) {
        let signed = power.strip_prefix(['+', '-']).unwrap_or(power);
        let length = digits(signed);
        if length > 0 {
            end += exponent.len() - signed.len() + length;
            let (number, after) = text.split_at(end);
            return (Token::Double(number.to_owned()), after);
        }
    }
    if !point && text[end..].starts_with(is_word) {
        let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
        let (word, after) = text.split_at(end);
        return (Token::Word(word.to_ascii_uppercase()), after);
    }
    let (number, after) = text.split_at(end);
    let number = number.to_owned();
    match point {
        true => (Token::Decimal(number), after),
        false => (Token::Whole(number), after),
    }
}
