//! A statement taken apart: the clauses of a `CREATE .. AS SELECT`, what it selects, which columns it reads, which aggregates
//! it keeps.
//!
//! What the macro joined is read here again, so that a picture shows what the statement says and nothing else. Invariant: no
//! text is refused; what is not found is empty. Called by explanations only.

use super::super::aggregates::Aggregate;

/// A statement's clauses, as they stand in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clauses<'s> {
    pub(super) items: Vec<Item<'s>>,
    pub(super) filter: &'s str,
    pub(super) group_by: Vec<&'s str>,
    pub(super) partition_by: Vec<&'s str>,
    pub(super) having: &'s str,
}

/// What is selected, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'s> {
    pub(super) expression: &'s str,
    /// Without its quotes.
    pub(super) alias: &'s str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// A name in back quotes.
    Name,
    /// Text in single quotes.
    Text,
    Mark,
}

#[derive(Debug, Clone, Copy)]
struct Token<'s> {
    kind: Kind,
    text: &'s str,
    start: usize,
    /// How many brackets are open around it; those of types count too.
    depth: usize,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text == text
    }
}

fn tokens(statement: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut start = 0;
    let mut depth = 0_usize;
    let mut types = 0_usize;
    while let Some(rest) = statement.get(start..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        }
        let (kind, len) = match first {
            '\'' | '`' => {
                let inside = rest.get(1..).unwrap_or_default();
                let len = inside.find(first).map_or(rest.len(), |end| end + 2);
                (if first == '`' { Kind::Name } else { Kind::Text }, len)
            }
            first if is_word(first) => {
                let len = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
                (Kind::Word, len)
            }
            _ if rest.starts_with("->") || rest.starts_with(":=") => (Kind::Mark, 2),
            first => (Kind::Mark, first.len_utf8()),
        };
        let text = rest.get(..len).unwrap_or(rest);
        // `ARRAY<`, `MAP<`, `STRUCT<`: operators stand between blanks.
        let opens_type = text == "<"
            && statement
                .get(..start)
                .is_some_and(|before| before.ends_with(is_word));
        match text {
            ")" | "]" => depth = depth.saturating_sub(1),
            ">" if types > 0 => {
                types -= 1;
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        tokens.push(Token {
            kind,
            text,
            start,
            depth,
        });
        match text {
            "(" | "[" => depth += 1,
            _ if opens_type => {
                types += 1;
                depth += 1;
            }
            _ => {}
        }
        start += text.len().max(1);
    }
    tokens
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

impl<'s> Clauses<'s> {
    /// The clauses of a statement.
    pub(super) fn of(statement: &'s str) -> Clauses<'s> {
        let tokens = tokens(statement);
        let mut starts: Vec<(&str, usize, usize)> = Vec::new();
        let mut before = "";
        for token in tokens
            .iter()
            .filter(|token| token.depth == 0 && token.kind == Kind::Word)
        {
            let selecting = !starts.is_empty();
            let clause = match token.text {
                "SELECT" => !selecting,
                "FROM" => before != "DISTINCT" && selecting,
                "WINDOW" | "WHERE" | "HAVING" | "EMIT" => selecting,
                "BY" => matches!(before, "GROUP" | "PARTITION"),
                _ => false,
            };
            if clause {
                let name = if token.text == "BY" {
                    before
                } else {
                    token.text
                };
                let from = if token.text == "BY" {
                    token.start.saturating_sub(before.len() + 1)
                } else {
                    token.start
                };
                starts.push((name, from, token.end()));
            }
            before = token.text;
        }
        let end = tokens
            .last()
            .filter(|token| token.is(";"))
            .map_or(statement.len(), |token| token.start);
        let mut clauses = Clauses::default();
        for (at, (name, _, from)) in starts.iter().enumerate() {
            let to = starts.get(at + 1).map_or(end, |(_, start, _)| *start);
            let inside: Vec<Token<'s>> = tokens
                .iter()
                .filter(|token| token.start >= *from && token.start < to)
                .copied()
                .collect();
            let text = span(statement, &inside);
            match *name {
                "SELECT" => clauses.items = items(statement, &inside),
                "WHERE" => clauses.filter = text,
                "GROUP" => clauses.group_by = parts(statement, &inside),
                "PARTITION" => clauses.partition_by = parts(statement, &inside),
                "HAVING" => clauses.having = text,
                _ => {}
            }
        }
        clauses
    }

    /// The columns that are read, without their quotes, in the order in which they are named.
    pub(super) fn columns(&self) -> Vec<&'s str> {
        let mut columns = Vec::new();
        let expressions = self.items.iter().map(|item| item.expression);
        let rest = [self.filter, self.having];
        let texts = [
            self.group_by.as_slice(),
            self.partition_by.as_slice(),
            &rest,
        ];
        for text in expressions.chain(texts.into_iter().flatten().copied()) {
            for column in read_columns(text) {
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        columns
    }

    /// The calls of aggregates, each once, in the order in which ksqlDB numbers its variables.
    pub(super) fn aggregates(&self) -> Vec<&'s str> {
        let mut calls = Vec::new();
        let expressions = self.items.iter().map(|item| item.expression);
        for text in expressions.chain([self.having]) {
            for call in aggregate_calls(text) {
                if !calls.contains(&call) {
                    calls.push(call);
                }
            }
        }
        calls
    }
}

/// The text from the first to the last of some tokens.
fn span<'s>(statement: &'s str, tokens: &[Token<'s>]) -> &'s str {
    match tokens {
        [only] => only.text,
        [first, .., last] => statement.get(first.start..last.end()).unwrap_or_default(),
        [] => "",
    }
}

/// What commas part that stand in no bracket.
fn split<'t, 's>(tokens: &'t [Token<'s>]) -> impl Iterator<Item = &'t [Token<'s>]> {
    tokens
        .split(|token| token.depth == 0 && token.is(","))
        .filter(|part| !part.is_empty())
}

fn parts<'s>(statement: &'s str, tokens: &[Token<'s>]) -> Vec<&'s str> {
    // Several may stand in brackets of their own.
    let inner: Vec<Token<'s>> = match tokens {
        [first, inner @ .., last]
            if first.is("(") && last.is(")") && inner.iter().all(|token| token.depth > 0) =>
        {
            inner
                .iter()
                .map(|token| Token {
                    depth: token.depth - 1,
                    ..*token
                })
                .collect()
        }
        tokens => tokens.to_vec(),
    };
    split(&inner).map(|part| span(statement, part)).collect()
}

fn items<'s>(statement: &'s str, tokens: &[Token<'s>]) -> Vec<Item<'s>> {
    split(tokens)
        .map(|part| match part {
            [expression @ .., name, alias] if name.is("AS") && name.depth == 0 => Item {
                expression: span(statement, expression),
                alias: unquoted(alias.text),
            },
            part => Item {
                expression: span(statement, part),
                alias: part.last().map_or("", |last| unquoted(last.text)),
            },
        })
        .collect()
}

fn unquoted(name: &str) -> &str {
    name.trim_matches('`')
}

/// Names in back quotes that are columns: no alias of a source, no field of a struct.
fn read_columns(expression: &str) -> Vec<&str> {
    let tokens = tokens(expression);
    let typed: Vec<bool> = in_types(&tokens);
    (0..tokens.len())
        .filter_map(|at| {
            let token = tokens.get(at)?;
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let after = tokens.get(at + 1);
            let is_column = token.kind == Kind::Name
                && !typed.get(at).copied().unwrap_or_default()
                && !before.is_some_and(|before| before.is("->"))
                && !after.is_some_and(|after| after.is(".") || after.is(":="));
            is_column.then(|| unquoted(token.text))
        })
        .collect()
}

/// Which tokens stand inside a type, where names are those of fields.
fn in_types(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut around: Option<usize> = None;
    let mut before: Option<&Token<'_>> = None;
    tokens
        .iter()
        .map(|token| {
            if around.is_some_and(|depth| token.depth <= depth) {
                around = None;
            }
            let begins = token.is("<")
                && before
                    .is_some_and(|before| before.kind == Kind::Word && before.end() == token.start);
            if begins && around.is_none() {
                around = Some(token.depth);
            }
            before = Some(token);
            around.is_some() && !begins
        })
        .collect()
}

/// The calls of aggregates in an expression.
fn aggregate_calls(expression: &str) -> Vec<&str> {
    let tokens = tokens(expression);
    (0..tokens.len())
        .filter_map(|at| {
            let [name, open, rest @ ..] = tokens.get(at..)? else {
                return None;
            };
            let known = name.kind == Kind::Word
                && Aggregate::ALL
                    .iter()
                    .any(|aggregate| aggregate.spec().ksql == name.text);
            if !known || !open.is("(") {
                return None;
            }
            let close = rest
                .iter()
                .find(|token| token.is(")") && token.depth == open.depth)?;
            expression.get(name.start..close.end())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANDLES: &str = "CREATE TABLE IF NOT EXISTS `CANDLE` WITH (KAFKA_TOPIC='from where', PARTITIONS=4) AS SELECT \
        `SYMBOL` AS `SYMBOL`, MAX(`PRICE`) AS `HIGH`, CAST((SUM(`SIZE`) / (COUNT(*) + SUM(`SIZE`))) AS BIGINT) AS `MEAN` \
        FROM `RATE` `RATES` WINDOW TUMBLING (SIZE 5 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) \
        WHERE ((`NOTE` IS DISTINCT FROM 'x, HAVING') AND (`SIZE` > 0)) GROUP BY `SYMBOL`, (`REGION` + 1) \
        HAVING (COUNT(`NOTE`) > 1) EMIT CHANGES;";

    #[test]
    fn clauses_are_found_whatever_stands_in_texts_and_brackets() {
        let clauses = Clauses::of(CANDLES);
        let aliases: Vec<_> = clauses.items.iter().map(|item| item.alias).collect();
        assert_eq!(aliases, ["SYMBOL", "HIGH", "MEAN"]);
        assert_eq!(
            clauses.filter,
            "((`NOTE` IS DISTINCT FROM 'x, HAVING') AND (`SIZE` > 0))"
        );
        assert_eq!(clauses.group_by, ["`SYMBOL`", "(`REGION` + 1)"]);
        assert_eq!(clauses.having, "(COUNT(`NOTE`) > 1)");
        assert_eq!(clauses.partition_by, [""; 0]);
        assert_eq!(
            clauses.columns(),
            ["SYMBOL", "PRICE", "SIZE", "REGION", "NOTE"]
        );
    }

    #[test]
    fn aggregates_are_told_once_in_the_order_of_their_variables() {
        assert_eq!(
            Clauses::of(CANDLES).aggregates(),
            ["MAX(`PRICE`)", "SUM(`SIZE`)", "COUNT(*)", "COUNT(`NOTE`)"]
        );
    }

    #[test]
    fn names_of_sources_and_fields_are_no_columns() {
        let clauses = Clauses::of(
            "SELECT `O`.`ID` AS `ID`, `O`.`TO`->`CITY` AS `CITY`, CAST(`A` AS STRUCT<`B` INTEGER, `C` ARRAY<STRUCT<`D` DATE>>>) AS `E`, \
             STRUCT(`F`:=`G`) AS `H`, (`I` < `J`) AS `K` FROM `ORDER` `O` PARTITION BY (`L`, `M`) EMIT CHANGES;",
        );
        assert_eq!(
            clauses.columns(),
            ["ID", "TO", "A", "G", "I", "J", "L", "M"]
        );
        assert_eq!(clauses.partition_by, ["`L`", "`M`"]);
    }

    #[test]
    fn a_condition_without_brackets_keeps_its_null_safe_comparison() {
        let clauses =
            Clauses::of("SELECT `A` AS `A` FROM `S` WHERE `A` IS DISTINCT FROM `B` EMIT CHANGES;");
        assert_eq!(clauses.filter, "`A` IS DISTINCT FROM `B`");
    }

    #[test]
    fn what_is_no_query_has_no_clauses() {
        for text in [
            "",
            ";",
            "SELECT",
            "'",
            "`",
            "ä -> :=",
            "FROM x WHERE y",
            "SELECT , FROM ,;",
            ")))",
        ] {
            let clauses = Clauses::of(text);
            assert!(clauses.aggregates().is_empty(), "{text}");
            assert!(clauses.filter.is_empty(), "{text}");
        }
    }
}
