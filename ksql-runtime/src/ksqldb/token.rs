//! KSQL text as tokens: what types, headers and statements are read with.
//!
//! Names are folded as ksqlDB folds them: unquoted ones to upper case, and a quoted one that would mean the same without
//! its quotes is the same token. So two texts that differ in quotes, case, comments and white space have equal tokens.

use ksql_schema::names::is_reserved;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword or a name that needs no quotes, upper-case.
    Word(String),
    /// A name that needs its quotes, without them.
    Quoted(String),
    /// The inside of a string literal.
    Text(String),
    /// A number as written.
    Number(String),
    /// Anything else: brackets, commas, operators.
    Symbol(&'static str),
}

impl Token {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word == keyword)
    }

    /// The name, where it can be one.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Token::Word(name) | Token::Quoted(name) => Some(name),
            Token::Text(_) | Token::Number(_) | Token::Symbol(_) => None,
        }
    }
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 29] = [
    "->", ":=", "=>", "<=", ">=", "<>", "!=", "||", "(", ")", "[", "]", "{", "}", "<", ">", ",",
    ";", ".", "=", "+", "-", "*", "/", "%", ":", "?", "$", "!",
];

/// A token and the byte behind it.
#[derive(Debug, Clone)]
pub(super) struct Lexed {
    pub(super) token: Token,
    pub(super) end: usize,
}

/// The tokens of a text, or what is no KSQL in it.
pub(super) fn tokens(text: &str) -> Result<Vec<Lexed>, String> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(Lexed {
            token,
            end: lexer.at,
        });
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest
            .find(|character| !keep(character))
            .unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn next(&mut self) -> Result<Option<Token>, String> {
        self.skip()?;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        match first {
            '\'' => self.enclosed('\'').map(|text| Some(Token::Text(text))),
            '`' | '"' => self.enclosed(first).map(|name| Some(named(name))),
            '0'..='9' => Ok(Some(self.number())),
            _ if is_name(first) => {
                let word = self.take_while(is_name);
                Ok(Some(Token::Word(word.to_uppercase())))
            }
            _ => {
                let symbol = SYMBOLS
                    .into_iter()
                    .find(|symbol| rest.starts_with(symbol))
                    .ok_or_else(|| format!("`{first}` means nothing in KSQL"))?;
                self.at += symbol.len();
                Ok(Some(Token::Symbol(symbol)))
            }
        }
    }

    /// White space and comments.
    fn skip(&mut self) -> Result<(), String> {
        loop {
            self.take_while(char::is_whitespace);
            let rest = self.rest();
            if rest.starts_with("--") {
                self.take_while(|character| character != '\n');
            } else if rest.starts_with("/*") {
                let length = rest.find("*/").ok_or("a comment has no end")?;
                self.at += length + 2;
            } else {
                return Ok(());
            }
        }
    }

    /// What stands between two quotes; a doubled quote is one.
    fn enclosed(&mut self, quote: char) -> Result<String, String> {
        self.at += quote.len_utf8();
        let mut inside = String::new();
        loop {
            inside.push_str(self.take_while(|character| character != quote));
            if self.rest().is_empty() {
                return Err(format!("a {quote} has no partner"));
            }
            self.at += quote.len_utf8();
            if !self.rest().starts_with(quote) {
                return Ok(inside);
            }
            inside.push(quote);
            self.at += quote.len_utf8();
        }
    }

    /// A number, or a name that begins with digits.
    fn number(&mut self) -> Token {
        let start = self.at;
        self.take_while(|character| character.is_ascii_digit());
        let whole = self.at;
        if self.rest().starts_with('.') {
            self.at += 1;
            self.take_while(|character| character.is_ascii_digit());
        }
        let rest = self.rest();
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.starts_with(|character: char| character.is_ascii_digit()) {
                self.at += rest.len() - digits.len();
                self.take_while(|character| character.is_ascii_digit());
            }
        }
        if self.at == whole && self.rest().starts_with(is_name) {
            self.take_while(is_name);
            return Token::Word(
                self.text
                    .get(start..self.at)
                    .unwrap_or_default()
                    .to_uppercase(),
            );
        }
        Token::Number(self.text.get(start..self.at).unwrap_or_default().to_owned())
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '@'
}

/// A quoted name; without its quotes where it means the same.
fn named(name: String) -> Token {
    let plain = name.chars().all(is_name)
        && name.starts_with(|character: char| character.is_ascii_alphabetic() || character == '_')
        && !name.contains(|character: char| character.is_ascii_lowercase())
        && !is_reserved(&name);
    if plain {
        Token::Word(name)
    } else {
        Token::Quoted(name)
    }
}

/// Reads tokens from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    tokens: &'a [Lexed],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [Lexed]) -> Cursor<'a> {
        Cursor { tokens }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.first().map(|lexed| &lexed.token)
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(&first.token)
    }

    pub(super) fn rest(&self) -> &'a [Lexed] {
        self.tokens
    }

    /// Goes past a keyword, if it comes next.
    pub(super) fn eat(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(keyword));
        if found {
            self.next();
        }
        found
    }

    /// Goes past some keywords, if all come next.
    pub(super) fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let mut ahead = *self;
        let found = keywords.iter().all(|keyword| ahead.eat(keyword));
        if found {
            *self = ahead;
        }
        found
    }

    pub(super) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(next)) if *next == symbol);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let name = self.peek()?.name()?.to_owned();
        self.next();
        Some(name)
    }
}
