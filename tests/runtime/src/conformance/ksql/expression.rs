//! Tokens into an expression, with the precedence of ksqlDB's grammar.

use super::parse::{Parser, Read};
use super::token::Token;
use super::tree::Expr;

impl Parser {
    pub(super) fn expr(&mut self) -> Read<Expr> {
        let mut left = self.and()?;
        while self.word("OR") {
            left = Expr::Infix("OR", vec![left, self.and()?]);
        }
        Ok(left)
    }

    fn and(&mut self) -> Read<Expr> {
        let mut left = self.not()?;
        while self.word("AND") {
            left = Expr::Infix("AND", vec![left, self.not()?]);
        }
        Ok(left)
    }

    fn not(&mut self) -> Read<Expr> {
        if self.word("NOT") {
            return Ok(Expr::Prefix("NOT", Box::new(self.not()?)));
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Read<Expr> {
        let left = self.sum()?;
        for (symbol, op) in [
            ("=", "="),
            ("<>", "<>"),
            ("!=", "<>"),
            ("<=", "<="),
            (">=", ">="),
            ("<", "<"),
            (">", ">"),
        ] {
            if self.symbol(symbol) {
                return Ok(Expr::Infix(op, vec![left, self.sum()?]));
            }
        }
        if self.word("IS") {
            let not = self.word("NOT");
            if self.word("NULL") {
                return Ok(negated(not, Expr::IsNull(Box::new(left))));
            }
            self.need("DISTINCT")?;
            self.need("FROM")?;
            let distinct = Expr::Infix("IS DISTINCT FROM", vec![left, self.sum()?]);
            return Ok(negated(not, distinct));
        }
        let not = self.word("NOT");
        if self.word("BETWEEN") {
            let low = self.sum()?;
            self.need("AND")?;
            let high = self.sum()?;
            let from = Expr::Infix(">=", vec![left.clone(), low]);
            let to = Expr::Infix("<=", vec![left, high]);
            return Ok(negated(not, Expr::Infix("AND", vec![from, to])));
        }
        if self.word("IN") {
            self.need("(")?;
            let list = self.list(")")?;
            return Ok(negated(not, Expr::In(Box::new(left), list)));
        }
        if self.word("LIKE") {
            let pattern = self.sum()?;
            let escape = match self.word("ESCAPE") {
                true => match self.next()? {
                    Token::Text(text) => Some(literal_text(&text)),
                    other => return Err(format!("an escape is wanted, not {other:?}")),
                },
                false => None,
            };
            let like = Expr::Like(Box::new(left), Box::new(pattern), escape);
            return Ok(negated(not, like));
        }
        if not {
            return Err(format!("NOT stands before {:?}", self.peek()));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Read<Expr> {
        let mut left = self.product()?;
        loop {
            if self.symbol("+") {
                left = Expr::Infix("+", vec![left, self.product()?]);
            } else if self.symbol("-") {
                left = Expr::Infix("-", vec![left, self.product()?]);
            } else if self.symbol("||") {
                left = Expr::Call("CONCAT".to_owned(), vec![left, self.product()?]);
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Read<Expr> {
        let mut left = self.signed()?;
        'next: loop {
            for op in ["*", "/", "%"] {
                if self.symbol(op) {
                    left = Expr::Infix(op, vec![left, self.signed()?]);
                    continue 'next;
                }
            }
            return Ok(left);
        }
    }

    fn signed(&mut self) -> Read<Expr> {
        if self.symbol("+") {
            return self.signed();
        }
        if !self.symbol("-") {
            return self.postfix();
        }
        Ok(match self.signed()? {
            Expr::Literal(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                Expr::Literal(format!("-{text}"))
            }
            other => Expr::Prefix("-", Box::new(other)),
        })
    }

    fn postfix(&mut self) -> Read<Expr> {
        let mut of = self.primary()?;
        loop {
            if self.symbol("->") {
                // All fields: which they are only the struct knows.
                let field = match self.symbol("*") {
                    true => "*".to_owned(),
                    false => self.name()?,
                };
                of = Expr::Field(Box::new(of), field);
            } else if self.symbol("[") {
                let at = self.expr()?;
                self.need("]")?;
                of = Expr::Element(Box::new(of), Box::new(at));
            } else {
                return Ok(of);
            }
        }
    }

    fn list(&mut self, end: &str) -> Read<Vec<Expr>> {
        let mut list = Vec::new();
        while !self.symbol(end) {
            list.push(match (self.symbol("*"), self.variables()) {
                (true, _) => Expr::Star,
                (_, Some(names)) => self.lambda(&names)?,
                _ => self.expr()?,
            });
            self.symbol(",");
        }
        Ok(list)
    }

    /// The names before `=>`; nothing, and nothing read, where no closure begins.
    fn variables(&mut self) -> Option<Vec<String>> {
        let start = self.at;
        let mut names = Vec::new();
        let several = self.symbol("(");
        while let Some(Token::Word(name) | Token::Name(name)) = self.peek().cloned() {
            self.at += 1;
            names.push(name);
            if !several || !self.symbol(",") {
                break;
            }
        }
        let whole = !several || self.symbol(")");
        if whole && !names.is_empty() && self.symbol("=>") {
            return Some(names);
        }
        self.at = start;
        None
    }

    /// What a closure makes of its variables, which go by how many there are around them.
    fn lambda(&mut self, names: &[String]) -> Read<Expr> {
        let around = self.around;
        self.around += names.len();
        let body = self.expr()?;
        self.around = around;
        let body = body.map(&mut |expr| match &expr {
            Expr::Column(name) => match names.iter().position(|known| known == name) {
                Some(at) => Expr::Column(format!("=>{}", around + at)),
                None => expr,
            },
            _ => expr,
        });
        let variables = Expr::Literal(format!("{} =>", names.len()));
        Ok(Expr::Call("LAMBDA".to_owned(), vec![variables, body]))
    }

    fn primary(&mut self) -> Read<Expr> {
        let token = self.next()?;
        Ok(match token {
            Token::Symbol("(") => {
                let expr = self.expr()?;
                self.need(")")?;
                expr
            }
            Token::Text(text) => Expr::Literal(literal_text(&text)),
            Token::Whole(digits) => Expr::Literal(plain(&digits)),
            Token::Decimal(digits) => Expr::Literal(plain(&digits)),
            Token::Double(number) => {
                let number: f64 = number
                    .parse()
                    .map_err(|error| format!("{number}: {error}"))?;
                Expr::Literal(format!("{number:E}"))
            }
            Token::Symbol(":") => Expr::Literal(format!(":{}", self.name()?)),
            Token::Name(name) => self.column(name)?,
            Token::Word(word) => match word.as_str() {
                "NULL" | "TRUE" | "FALSE" => Expr::Literal(word),
                "CASE" => self.case()?,
                "CAST" if self.symbol("(") => {
                    let of = self.expr()?;
                    self.need("AS")?;
                    let ty = self.ty()?;
                    self.need(")")?;
                    Expr::Cast(Box::new(of), ty)
                }
                "ARRAY" if self.symbol("[") => Expr::Array(self.list("]")?),
                "STRUCT" if self.symbol("(") => Expr::Made("STRUCT", self.made()?),
                "MAP" if self.symbol("(") => Expr::Made("MAP", self.made()?),
                _ if self.symbol("(") => Expr::Call(word, self.list(")")?),
                _ => self.column(word)?,
            },
            other => return Err(format!("an expression is wanted, not {other:?}")),
        })
    }

    fn column(&mut self, name: String) -> Read<Expr> {
        if self.symbol(".") {
            let called = |(source, alias): &&(String, String)| *alias == name || *source == name;
            let Some((source, _)) = self.sources.iter().find(called).cloned() else {
                return Err(format!("`{name}` is no source"));
            };
            let column = match self.symbol("*") {
                true => "*".to_owned(),
                false => self.name()?,
            };
            return Ok(Expr::Column(match self.sources.len() {
                1 => column,
                _ => format!("{source}.{column}"),
            }));
        }
        Ok(Expr::Column(name))
    }

    fn case(&mut self) -> Read<Expr> {
        let mut whens = Vec::new();
        while self.word("WHEN") {
            let when = self.expr()?;
            self.need("THEN")?;
            whens.push((when, self.expr()?));
        }
        let otherwise = match self.word("ELSE") {
            true => Some(Box::new(self.expr()?)),
            false => None,
        };
        self.need("END")?;
        Ok(Expr::Case(whens, otherwise))
    }

    fn made(&mut self) -> Read<Vec<(String, Expr)>> {
        let mut list = Vec::new();
        while !self.symbol(")") {
            let name = match self.next()? {
                Token::Word(name) | Token::Name(name) => name,
                Token::Text(text) => literal_text(&text),
                other => return Err(format!("a field is wanted, not {other:?}")),
            };
            self.need(":=")?;
            list.push((name, self.expr()?));
            self.symbol(",");
        }
        Ok(list)
    }

    /// A type in one form: `DECIMAL(4, 2)`, `ARRAY<STRING>`, ``STRUCT<A INTEGER>``.
    fn ty(&mut self) -> Read<String> {
        let name = self.name()?;
        let name = match name.as_str() {
            "INT" => "INTEGER",
            "VARCHAR" => "STRING",
            "DEC" => "DECIMAL",
            other => other,
        };
        if self.symbol("(") {
            let mut sizes = Vec::new();
            while !self.symbol(")") {
                match self.next()? {
                    Token::Whole(digits) => sizes.push(digits),
                    other => return Err(format!("a size is wanted, not {other:?}")),
                }
                self.symbol(",");
            }
            return Ok(match name {
                "DECIMAL" => format!("DECIMAL({})", sizes.join(", ")),
                other => other.to_owned(),
            });
        }
        if self.symbol("<") {
            let mut parts = Vec::new();
            while !self.symbol(">") {
                parts.push(match name {
                    "STRUCT" => format!("{} {}", self.name()?, self.ty()?),
                    _ => self.ty()?,
                });
                self.symbol(",");
            }
            return Ok(format!("{name}<{}>", parts.join(", ")));
        }
        Ok(name.to_owned())
    }
}

/// `NOT x` where it is negated.
fn negated(not: bool, expr: Expr) -> Expr {
    match not {
        true => Expr::Prefix("NOT", Box::new(expr)),
        false => expr,
    }
}

/// A text with its quotes.
fn literal_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Digits without zeros in front; those behind a point count.
fn plain(digits: &str) -> String {
    let short = digits.trim_start_matches('0');
    match short.starts_with(|c: char| c.is_ascii_digit()) {
        true => short.to_owned(),
        false => format!("0{short}"),
    }
}
