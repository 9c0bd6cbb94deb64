//! Rust as its author wrote it, from tokens: what the plan shows and messages name.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens on one line, with blanks where a formatter has them.
pub(crate) fn rust(tokens: &impl ToTokens) -> String {
    let mut writer = Writer::default();
    writer.stream(tokens.to_token_stream());
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Whether a blank is due before the next token that takes one.
    blank: bool,
    /// Whether the last token was a value's end, so that `-` and `<` are between two.
    value: bool,
    /// How many `<` of a type's arguments are open.
    angles: usize,
    /// Whether a closure's parameters are open.
    bars: bool,
}

impl Writer {
    fn push(&mut self, text: &str, before: bool, after: bool) {
        if self.blank && before && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.blank = after;
    }

    fn stream(&mut self, tokens: TokenStream) {
        let mut trees = tokens.into_iter().peekable();
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Group(group) => self.group(group.delimiter(), group.stream()),
                TokenTree::Ident(ident) => {
                    let word = ident.to_string();
                    self.push(&word, true, true);
                    self.value = !matches!(
                        word.as_str(),
                        "if" | "else" | "match" | "as" | "return" | "let" | "in"
                    );
                }
                TokenTree::Literal(literal) => {
                    self.push(&literal.to_string(), true, true);
                    self.value = true;
                }
                TokenTree::Punct(first) => {
                    let mut symbol = String::from(first.as_char());
                    let mut spacing = first.spacing();
                    while let (Spacing::Joint, Some(TokenTree::Punct(next))) =
                        (spacing, trees.peek())
                    {
                        let longer = format!("{symbol}{}", next.as_char());
                        if !is_symbol(&longer) {
                            break;
                        }
                        symbol = longer;
                        spacing = next.spacing();
                        let _ = trees.next();
                    }
                    self.symbol(&symbol);
                }
            }
        }
    }

    fn group(&mut self, delimiter: Delimiter, stream: TokenStream) {
        match delimiter {
            Delimiter::Parenthesis | Delimiter::Bracket => {
                let (open, close) = if delimiter == Delimiter::Bracket {
                    ("[", "]")
                } else {
                    ("(", ")")
                };
                // Behind a value it is a call or an index.
                let before = !self.value;
                self.push(open, before, false);
                self.value = false;
                self.stream(stream);
                self.push(close, false, true);
            }
            Delimiter::Brace => {
                self.push("{", true, true);
                self.value = false;
                self.stream(stream);
                self.push("}", true, true);
            }
            Delimiter::None => self.stream(stream),
        }
        self.value = true;
    }

    fn symbol(&mut self, symbol: &str) {
        let named = self.value
            && self
                .out
                .rsplit(|letter: char| !letter.is_alphanumeric())
                .next()
                .is_some_and(|word| word.starts_with(char::is_uppercase));
        match symbol {
            "." | "::" | ".." | "..=" => self.push(symbol, symbol != "::" && !self.value, false),
            "," | ";" | ":" => self.push(symbol, false, true),
            "?" => self.push(symbol, false, true),
            "<" if named || self.out.ends_with("::") => {
                self.angles += 1;
                self.push(symbol, false, false);
            }
            ">" if self.angles > 0 => {
                self.angles -= 1;
                self.push(symbol, false, true);
                self.value = true;
                return;
            }
            "|" if self.bars => {
                self.bars = false;
                self.push(symbol, false, true);
            }
            "|" if !self.value => {
                self.bars = true;
                self.push(symbol, true, false);
            }
            "!" => {
                // Behind a name it is a macro.
                let before = !self.value;
                self.push(symbol, before, false);
                self.value = !before;
                return;
            }
            "-" | "&" | "*" | "#" if !self.value => self.push(symbol, true, false),
            _ => self.push(symbol, true, true),
        }
        self.value = false;
    }
}

fn is_symbol(symbol: &str) -> bool {
    matches!(
        symbol,
        "==" | "!=" | "<=" | ">=" | "&&" | "||" | "::" | ".." | "..=" | "=>" | "->" | "+=" | "-="
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn tokens_are_written_as_a_formatter_would() {
        for text in [
            "r.size > 0",
            "!r.gone && r.note.is_none()",
            "(r.a + 1) * -r.b",
            "r.price as Decimal<9, 2>",
            "r.note.unwrap_or(\"none\")",
            "dec!(1.50)",
            "if r.a >= 1 { r.b } else { -1 }",
            "g.max(|r| r.price)",
            "r.tags[0]",
            "Unit::Hours",
            "match r.kind { \"a\" | \"b\" => 1, _ => 2 }",
            "(1..=5).contains(&r.n)",
            "r.a < r.b",
            "r.text.parse::<i64>()",
        ] {
            let expr: syn::Expr = syn::parse_str(text).unwrap();
            assert_eq!(rust(&expr), text);
        }
    }
}
