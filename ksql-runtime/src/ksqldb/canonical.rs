//! Whether two texts are the same statement: ours, and the form ksqlDB keeps it in.
//!
//! ksqlDB writes a statement anew: quotes go, properties are sorted and added to, sources get an alias, columns their
//! source, expressions brackets. Compared is what is left when all that is taken away. Two texts that are told apart here
//! although they mean the same lead to a reported difference, never to a changed query: when in doubt they differ.

use std::collections::BTreeMap;

use super::statement::properties;
use super::token::{Cursor, Lexed, Token, tokens};

/// Whether two texts are the same statement. Properties that the server adds by itself do not count; those of `ours` do.
pub(super) fn same_query(servers: &str, ours: &str) -> bool {
    match (Form::of(servers), Form::of(ours)) {
        (Some(servers), Some(ours)) => {
            let same_properties = ours.properties.iter().all(|(name, value)| {
                servers
                    .properties
                    .get(name)
                    .is_some_and(|found| same_value(found, value))
            });
            same_properties && servers.head == ours.head && servers.body == ours.body
        }
        _ => false,
    }
}

/// Whether ksqlDB is expected to take `ours` in the place of `servers`: the same sink, topic and source, with another filter,
/// other expressions, or more columns at the end; neither groups, joins, windows nor gives records another key. The server has
/// the last word.
pub(super) fn replaceable(servers: &str, ours: &str) -> bool {
    let (Some(servers), Some(ours)) = (Form::of(servers), Form::of(ours)) else {
        return false;
    };
    let same_properties = ours.properties.iter().all(|(name, value)| {
        let found = servers.properties.get(name);
        found.is_some_and(|found| same_value(found, value))
    });
    let stateful = |form: &Form| {
        let keywords = ["GROUP", "JOIN", "WINDOW", "PARTITION", "HAVING"];
        let mut nodes = form.body.iter();
        nodes.any(|node| keywords.iter().any(|keyword| node.is(keyword)))
    };
    let source = |form: &Form| {
        let from = form.body.iter().skip_while(|node| !node.is("FROM"));
        let source = from.take_while(|node| !node.is("WHERE") && !node.is("EMIT"));
        source.cloned().collect::<Vec<Node>>()
    };
    let columns = |form: &Form| {
        let items = form.body.iter().take_while(|node| !node.is("FROM"));
        let items: Vec<&Node> = items.collect();
        let items = items.split(|node| node.is_symbol(","));
        // An item ends with its name.
        let names = items.map(|item| item.last().map(|node| (*node).clone()));
        names.collect::<Vec<_>>()
    };
    same_properties
        && servers.head == ours.head
        && !stateful(&servers)
        && !stateful(&ours)
        && source(&servers) == source(&ours)
        && columns(&ours).starts_with(&columns(&servers))
}

/// Formats are written in any case; everything else is compared as it is.
fn same_value(servers: &str, ours: &str) -> bool {
    servers == ours
        || (servers.eq_ignore_ascii_case(ours)
            && ours
                .chars()
                .all(|character| character.is_ascii_uppercase() || character == '_'))
}

/// What is left of a statement.
#[derive(Debug, PartialEq)]
struct Form {
    /// Everything before the properties, without `OR REPLACE` and `IF NOT EXISTS`.
    head: Vec<Node>,
    properties: BTreeMap<String, String>,
    /// The query.
    body: Vec<Node>,
}

/// A token, or what stands in round brackets.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Token(Token),
    Group {
        /// Whether the brackets belong to what stands before them: a function, a type, a list.
        call: bool,
        inside: Vec<Node>,
    },
}

impl Node {
    fn is(&self, keyword: &str) -> bool {
        matches!(self, Node::Token(token) if token.is(keyword))
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self, Node::Token(Token::Symbol(found)) if *found == symbol)
    }

    fn name(&self) -> Option<&str> {
        match self {
            Node::Token(token) => token.name(),
            Node::Group { .. } => None,
        }
    }
}

impl Form {
    fn of(text: &str) -> Option<Form> {
        let mut lexed = tokens(text).ok()?;
        while lexed
            .last()
            .is_some_and(|lexed| lexed.token == Token::Symbol(";"))
        {
            lexed.pop();
        }
        let mut cursor = Cursor::new(&lexed);
        let mut head = Vec::new();
        while cursor.peek().is_some_and(|token| {
            !["WITH", "AS", "SELECT"]
                .iter()
                .any(|keyword| token.is(keyword))
        }) {
            if cursor.eat_all(&["OR", "REPLACE"]) || cursor.eat_all(&["IF", "NOT", "EXISTS"]) {
                continue;
            }
            head.extend(cursor.next().cloned().map(Node::Token));
        }
        let properties = properties(&mut cursor).ok()?;
        cursor.eat("AS");
        Some(Form {
            head,
            properties,
            body: query(nodes(cursor.rest())?),
        })
    }
}

/// Words after which brackets only group.
const BEFORE_AN_OPERAND: [&str; 22] = [
    "SELECT", "WHERE", "ON", "HAVING", "BY", "AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "BETWEEN",
    "LIKE", "AS", "FROM", "JOIN", "DISTINCT", "IS", "CASE", "END", "ESCAPE", "ZONE",
];

/// The tokens as a tree of brackets.
fn nodes(tokens: &[Lexed]) -> Option<Vec<Node>> {
    let mut open: Vec<(bool, Vec<Node>)> = Vec::new();
    let mut here: Vec<Node> = Vec::new();
    for Lexed { token, .. } in tokens {
        match token {
            Token::Symbol("(") => {
                let call = match here.last() {
                    Some(Node::Token(Token::Word(word))) => {
                        !BEFORE_AN_OPERAND.contains(&word.as_str())
                    }
                    Some(Node::Token(Token::Quoted(_))) => true,
                    _ => false,
                };
                open.push((call, std::mem::take(&mut here)));
            }
            Token::Symbol(")") => {
                let (call, outer) = open.pop()?;
                let inside = std::mem::replace(&mut here, outer);
                here.push(group(call, inside));
            }
            Token::Symbol("!=") => here.push(Node::Token(Token::Symbol("<>"))),
            token => here.push(Node::Token(token.clone())),
        }
    }
    open.is_empty().then_some(here)
}

/// Brackets, or what is in them where they say nothing.
fn group(call: bool, inside: Vec<Node>) -> Node {
    let inside = unwrapped(inside);
    match inside.as_slice() {
        [only @ Node::Token(_)] if !call => only.clone(),
        _ => Node::Group { call, inside },
    }
}

/// Takes brackets off that surround all of an item: between commas, keywords and the ends.
fn unwrapped(nodes: Vec<Node>) -> Vec<Node> {
    let ends = |node: Option<&Node>| match node {
        None => true,
        Some(node) => node.is_symbol(",") || CLAUSES.iter().any(|keyword| node.is(keyword)),
    };
    let mut out: Vec<Node> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        match node {
            Node::Group {
                call: false,
                inside,
            } if ends(out.last()) && ends_item(nodes.get(at + 1..)) => {
                out.extend(inside.iter().cloned());
            }
            other => out.push(other.clone()),
        }
    }
    return out;

    // An alias may stand between the item and its end.
    fn ends_item(rest: Option<&[Node]>) -> bool {
        let ends =
            |node: &Node| node.is_symbol(",") || CLAUSES.iter().any(|keyword| node.is(keyword));
        match rest.unwrap_or_default() {
            [] => true,
            [next, ..] if ends(next) || next.is("AS") => true,
            [next, after, ..] => next.name().is_some() && ends(after),
            [next] => next.name().is_some(),
        }
    }
}

const CLAUSES: [&str; 16] = [
    "SELECT",
    "FROM",
    "ON",
    "WITHIN",
    "WINDOW",
    "WHERE",
    "GROUP",
    "PARTITION",
    "HAVING",
    "EMIT",
    "LIMIT",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
];

/// The query without what ksqlDB adds and leaves out.
fn query(nodes: Vec<Node>) -> Vec<Node> {
    let nodes = unwrapped(joins(nodes));
    let Some(from) = nodes.iter().position(|node| node.is("FROM")) else {
        return nodes;
    };
    let (select, rest) = nodes.split_at(from);
    let (rest, sources) = sources(rest);
    let single = match sources.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let mut out = items(select, single.as_ref());
    out.extend(match &single {
        Some(source) => unqualified(&rest, source),
        None => rest,
    });
    out
}

/// `LEFT OUTER JOIN` is `LEFT JOIN`, `INNER JOIN` is `JOIN`.
fn joins(nodes: Vec<Node>) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let before_join = |ahead: usize| nodes.get(at + ahead).is_some_and(|node| node.is("JOIN"));
        if !((node.is("INNER") || node.is("OUTER")) && before_join(1)) {
            out.push(node.clone());
        }
    }
    out
}

/// Names a source goes by: its own and its alias.
#[derive(Debug, Clone)]
struct Source {
    name: String,
    alias: String,
}

/// The sources behind `FROM` and `JOIN`; each is left as name and alias.
fn sources(nodes: &[Node]) -> (Vec<Node>, Vec<Source>) {
    let mut out = Vec::with_capacity(nodes.len());
    let mut sources = Vec::new();
    let mut rest = nodes;
    while let [node, after @ ..] = rest {
        rest = after;
        out.push(node.clone());
        if !(node.is("FROM") || node.is("JOIN")) {
            continue;
        }
        let [named, after @ ..] = rest else { continue };
        let Some(name) = named.name().map(str::to_owned) else {
            continue;
        };
        rest = after;
        if let [next, after @ ..] = rest
            && next.is("AS")
        {
            rest = after;
        }
        let alias = match rest {
            [next, after @ ..]
                if next.name().is_some() && !CLAUSES.iter().any(|keyword| next.is(keyword)) =>
            {
                rest = after;
                next.clone()
            }
            _ => named.clone(),
        };
        let alias_name = alias.name().unwrap_or_default().to_owned();
        out.push(named.clone());
        out.push(alias);
        sources.push(Source {
            name,
            alias: alias_name,
        });
    }
    (out, sources)
}

/// The items behind `SELECT`, each with its name and without `AS`.
fn items(select: &[Node], source: Option<&Source>) -> Vec<Node> {
    let select = match source {
        Some(source) => unqualified(select, source),
        None => select.to_vec(),
    };
    let mut out = Vec::with_capacity(select.len());
    for item in select.split_inclusive(|node| node.is_symbol(",")) {
        let (item, comma) = match item {
            [item @ .., last] if last.is_symbol(",") => (item, Some(last)),
            item => (item, None),
        };
        match item {
            [expression @ .., as_, name] if as_.is("AS") => {
                out.extend(unwrapped(expression.to_vec()));
                out.push(name.clone());
            }
            // A column alone has its own name.
            [select, column] if select.is("SELECT") && column.name().is_some() => {
                out.extend([select.clone(), column.clone(), column.clone()]);
            }
            [column] if column.name().is_some() => out.extend([column.clone(), column.clone()]),
            other => out.extend(other.iter().cloned()),
        }
        out.extend(comma.cloned());
    }
    out
}

/// Columns of the only source without its name.
fn unqualified(nodes: &[Node], source: &Source) -> Vec<Node> {
    let mut out = Vec::with_capacity(nodes.len());
    let mut rest = nodes;
    while let [node, after @ ..] = rest {
        if let [dot, column, ..] = after
            && dot.is_symbol(".")
            && column.name().is_some()
            && node
                .name()
                .is_some_and(|name| name == source.name || name == source.alias)
        {
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        out.push(match node {
            Node::Group { call, inside } => group(*call, unqualified(inside, source)),
            token => token.clone(),
        });
        rest = after;
    }
    // The alias itself says nothing any more.
    if let Some(from) = out.iter().position(|node| node.is("FROM"))
        && out
            .get(from + 2)
            .and_then(Node::name)
            .is_some_and(|name| name == source.alias)
    {
        out.remove(from + 2);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{replaceable, same_query};

    const SERVERS: &str = "CREATE TABLE TOTAL WITH (CLEANUP_POLICY='compact,delete', KAFKA_TOPIC='total', KEY_FORMAT='KAFKA', PARTITIONS=1, RETENTION_MS=604800000, VALUE_FORMAT='AVRO') AS SELECT\n  ORDERS.CUSTOMER CUSTOMER,\n  COUNT(*) N,\n  SUM((ORDERS.AMOUNT + 1)) TOTAL\nFROM ORDERS ORDERS\nWINDOW TUMBLING ( SIZE 5 MINUTES , RETENTION 7 DAYS , GRACE PERIOD 10 SECONDS ) \nWHERE ((ORDERS.AMOUNT > 5) AND (NOT (ORDERS.NOTE = 'it''s')))\nGROUP BY ORDERS.CUSTOMER\nEMIT CHANGES;";
    const OURS: &str = "CREATE TABLE IF NOT EXISTS `TOTAL` WITH (KAFKA_TOPIC='total', PARTITIONS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO') AS SELECT `CUSTOMER` AS `CUSTOMER`, COUNT(*) AS `N`, SUM((`AMOUNT` + 1)) AS `TOTAL` FROM `ORDERS` WINDOW TUMBLING (SIZE 5 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) WHERE ((`AMOUNT` > 5) AND (NOT (`NOTE` = 'it''s'))) GROUP BY `CUSTOMER` EMIT CHANGES;";

    #[test]
    fn the_form_ksqldb_keeps_is_the_same_statement() {
        assert!(same_query(SERVERS, OURS));
    }

    #[test]
    fn a_join_is_the_same_with_and_without_its_noise_words() {
        assert!(same_query(
            "CREATE STREAM X WITH (KAFKA_TOPIC='x') AS SELECT\n  O.CUSTOMER CUSTOMER,\n  C.`NAME OF` NAME\nFROM ORDERS O\nLEFT OUTER JOIN CUSTOMERS C ON ((O.CUSTOMER = C.ID))\nEMIT CHANGES;",
            "CREATE STREAM `X` WITH (KAFKA_TOPIC='x') AS SELECT `O`.`CUSTOMER` AS `CUSTOMER`, `C`.`NAME OF` AS `NAME` FROM `ORDERS` `O` LEFT JOIN `CUSTOMERS` `C` ON (`O`.`CUSTOMER` = `C`.`ID`) EMIT CHANGES;",
        ));
    }

    #[test]
    fn filters_expressions_and_columns_at_the_end_can_be_replaced() {
        const BIG: &str = "CREATE STREAM BIG WITH (KAFKA_TOPIC='big', PARTITIONS=1) AS SELECT\n  ORDERS.ID ID,\n  ORDERS.N N\nFROM ORDERS ORDERS\nWHERE (ORDERS.N > 5)\nEMIT CHANGES;";
        const NEW: &str = "CREATE STREAM IF NOT EXISTS `BIG` WITH (KAFKA_TOPIC='big', PARTITIONS=1) AS SELECT `ID` AS `ID`, `N` AS `N` FROM `ORDERS` WHERE (`N` > 5) EMIT CHANGES;";
        for (from, to, expected) in [
            ("> 5", "> 6", true),
            (" WHERE (`N` > 5)", "", true),
            ("`N` AS `N`", "(`N` + 1) AS `N`", true),
            ("AS `N` FROM", "AS `N`, `M` AS `M` FROM", true),
            ("`N` AS `N`", "`N` AS `M`", false),
            (", `N` AS `N`", "", false),
            (
                "`ID` AS `ID`, `N` AS `N`",
                "`N` AS `N`, `ID` AS `ID`",
                false,
            ),
            ("FROM `ORDERS`", "FROM `OTHERS`", false),
            ("'big'", "'large'", false),
            ("PARTITIONS=1", "PARTITIONS=2", false),
            ("STREAM", "TABLE", false),
            (" EMIT", " PARTITION BY `N` EMIT", false),
            (" EMIT", " GROUP BY `N` EMIT", false),
        ] {
            let changed = NEW.replacen(from, to, 1);
            assert_ne!(changed, NEW, "{from}");
            assert_eq!(replaceable(BIG, &changed), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn every_change_of_meaning_is_a_difference() {
        for (from, to) in [
            ("> 5", "> 6"),
            ("+ 1", "- 1"),
            ("SUM", "MAX"),
            ("'total'", "'totals'"),
            ("PARTITIONS=1", "PARTITIONS=2"),
            ("5 MINUTES", "6 MINUTES"),
            ("GROUP BY `CUSTOMER`", "GROUP BY `NOTE`"),
            ("AS `N`", "AS `M`"),
            ("FROM `ORDERS`", "FROM `ORDERS2`"),
            ("EMIT CHANGES", "EMIT FINAL"),
            ("(NOT (`NOTE` = 'it''s'))", "(`NOTE` = 'it''s')"),
            ("'it''s'", "'its'"),
            ("VALUE_FORMAT='AVRO'", "VALUE_FORMAT='AVRO', TIMESTAMP='AT'"),
        ] {
            let changed = OURS.replace(from, to);
            assert_ne!(changed, OURS, "{from} is in the statement");
            assert!(!same_query(SERVERS, &changed), "{from} -> {to}");
        }
        assert!(!same_query(
            "CREATE STREAM X AS SELECT ((A + B) * C) D FROM S S EMIT CHANGES;",
            "CREATE STREAM X AS SELECT (A + (B * C)) AS D FROM S EMIT CHANGES;",
        ));
    }
}
