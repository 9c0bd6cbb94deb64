//! Tokens into a statement. Precedence and clause order are those of ksqlDB's grammar.

use super::token::{Token, tokens};
use super::tree::{Expr, Item, Kind, Statement, Window, WindowKind};

/// Reads `CREATE STREAM|TABLE .. AS SELECT ..`.
///
/// # Errors
/// Where the text is nothing of the kind; says what was met.
pub fn parse(text: &str) -> Result<Statement, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        aliases: Vec::new(),
    };
    parser
        .statement()
        .map_err(|error| format!("{error}, in: {text}"))
}

/// Words an alias without AS cannot be.
const CLAUSES: [&str; 10] = [
    "WINDOW",
    "WHERE",
    "GROUP",
    "PARTITION",
    "HAVING",
    "EMIT",
    "FROM",
    "LIMIT",
    "JOIN",
    "AS",
];

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// What a column may be qualified with.
    aliases: Vec<String>,
}

type Read<T> = Result<T, String>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Read<Token> {
        let token = self.peek().cloned().ok_or("the statement ends early")?;
        self.at += 1;
        Ok(token)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found == word)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, what: &str) -> Read<()> {
        if self.word(what) || self.symbol(what) {
            return Ok(());
        }
        Err(format!("`{what}` is wanted, not {:?}", self.peek()))
    }

    fn name(&mut self) -> Read<String> {
        match self.next()? {
            Token::Word(name) | Token::Name(name) => Ok(name),
            other => Err(format!("a name is wanted, not {other:?}")),
        }
    }

    fn statement(&mut self) -> Read<Statement> {
        self.need("CREATE")?;
        if self.word("OR") {
            self.need("REPLACE")?;
        }
        let kind = match self.next()? {
            Token::Word(word) if word == "STREAM" => Kind::Stream,
            Token::Word(word) if word == "TABLE" => Kind::Table,
            other => return Err(format!("STREAM or TABLE is wanted, not {other:?}")),
        };
        if self.word("IF") {
            self.need("NOT")?;
            self.need("EXISTS")?;
        }
        let name = self.name()?;
        let mut with = Vec::new();
        if self.word("WITH") {
            self.need("(")?;
            while !self.symbol(")") {
                let key = self.name()?;
                self.need("=")?;
                let negative = if self.symbol("-") { "-" } else { "" };
                let value = match self.next()? {
                    Token::Text(text) | Token::Whole(text) | Token::Word(text) => text,
                    other => return Err(format!("a value is wanted, not {other:?}")),
                };
                with.push((key, format!("{negative}{value}")));
                self.symbol(",");
            }
        }
        self.need("AS")?;
        self.need("SELECT")?;
        // What a column is qualified with stands behind the columns.
        let begin = self.at;
        self.find_from()?;
        let from = self.name()?;
        self.aliases.push(from.clone());
        if self.word("AS") || !self.is_clause() {
            let alias = self.name()?;
            self.aliases.push(alias);
        }
        let behind = self.at;
        self.at = begin;
        let mut select = vec![self.item()?];
        while self.symbol(",") {
            select.push(self.item()?);
        }
        self.need("FROM")?;
        self.at = behind;
        let window = match self.word("WINDOW") {
            true => Some(self.window()?),
            false => None,
        };
        let filter = self.clause(&["WHERE"])?.map(|mut list| list.remove(0));
        let group_by = self.clause(&["GROUP", "BY"])?.unwrap_or_default();
        let partition_by = self.clause(&["PARTITION", "BY"])?.unwrap_or_default();
        let having = self.clause(&["HAVING"])?.map(|mut list| list.remove(0));
        let mut emits_final = false;
        if self.word("EMIT") {
            emits_final = self.word("FINAL");
            if !emits_final {
                self.need("CHANGES")?;
            }
        }
        self.need(";")?;
        if let Some(rest) = self.peek() {
            return Err(format!("{rest:?} stands behind the statement"));
        }
        Ok(Statement {
            kind,
            name,
            with,
            select,
            from,
            window,
            filter,
            group_by,
            partition_by,
            having,
            emits_final,
        })
    }

    fn is_clause(&self) -> bool {
        match self.peek() {
            Some(Token::Word(word)) => CLAUSES.contains(&word.as_str()) || word == "NWINDOW",
            Some(Token::Name(_)) => false,
            _ => true,
        }
    }

    /// Goes behind the FROM of this SELECT.
    fn find_from(&mut self) -> Read<()> {
        let mut depth = 0;
        loop {
            match self.next()? {
                Token::Symbol("(" | "[") => depth += 1,
                Token::Symbol(")" | "]") => depth -= 1,
                // `IS DISTINCT FROM` is no clause.
                Token::Word(word) if word == "DISTINCT" => {
                    self.word("FROM");
                }
                Token::Word(word) if word == "FROM" && depth == 0 => return Ok(()),
                _ => {}
            }
        }
    }

    /// The expressions of a clause, if it is there.
    fn clause(&mut self, words: &[&str]) -> Read<Option<Vec<Expr>>> {
        let Some((first, rest)) = words.split_first() else {
            return Ok(None);
        };
        if !self.word(first) {
            return Ok(None);
        }
        for word in rest {
            self.need(word)?;
        }
        let mut list = vec![self.expr()?];
        while self.symbol(",") {
            list.push(self.expr()?);
        }
        // `(a, b)` and `a, b` are the same keys.
        Ok(Some(list))
    }

    fn window(&mut self) -> Read<Window> {
        // A window may have a name, which says nothing.
        let kind = loop {
            match self.name()?.as_str() {
                "TUMBLING" => break WindowKind::Tumbling,
                "HOPPING" => break WindowKind::Hopping,
                "SESSION" => break WindowKind::Session,
                _ => {}
            }
        };
        self.need("(")?;
        if kind != WindowKind::Session {
            self.need("SIZE")?;
        }
        let mut window = Window {
            kind,
            size: self.duration()?,
            advance: None,
            retention: None,
            grace: None,
        };
        while self.symbol(",") {
            match self.name()?.as_str() {
                "ADVANCE" => {
                    self.need("BY")?;
                    window.advance = Some(self.duration()?);
                }
                "RETENTION" => window.retention = Some(self.duration()?),
                "GRACE" => {
                    self.need("PERIOD")?;
                    window.grace = Some(self.duration()?);
                }
                other => return Err(format!("a window has no {other}")),
            }
        }
        self.need(")")?;
        Ok(window)
    }

    fn duration(&mut self) -> Read<i64> {
        let Token::Whole(number) = self.next()? else {
            return Err("a duration is wanted".to_owned());
        };
        let number: i64 = number
            .parse()
            .map_err(|error| format!("{number}: {error}"))?;
        let unit = self.name()?;
        let millis = match unit.strip_suffix('S').unwrap_or(&unit) {
            "MILLISECOND" => 1,
            "SECOND" => 1000,
            "MINUTE" => 60_000,
            "HOUR" => 3_600_000,
            "DAY" => 86_400_000,
            other => return Err(format!("{other} is no unit of time")),
        };
        Ok(number * millis)
    }

    fn item(&mut self) -> Read<Item> {
        if self.symbol("*") {
            return Ok(Item {
                expr: Expr::Star,
                alias: None,
            });
        }
        let expr = self.expr()?;
        let named = self.word("AS")
            || matches!(self.peek(), Some(Token::Name(_)))
            || matches!(self.peek(), Some(Token::Word(word)) if word != "FROM");
        let alias = match named {
            true => Some(self.name()?),
            false => None,
        };
        Ok(Item { expr, alias })
    }

    fn expr(&mut self) -> Read<Expr> {
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
                of = Expr::Field(Box::new(of), self.name()?);
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
            list.push(match self.symbol("*") {
                true => Expr::Star,
                false => self.expr()?,
            });
            self.symbol(",");
        }
        Ok(list)
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
            let column = self.name()?;
            return match self.aliases.contains(&name) {
                true => Ok(Expr::Column(column)),
                false => Err(format!("`{name}` is no source")),
            };
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
