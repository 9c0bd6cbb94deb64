//! Aggregates: under which names they are called, what they take and give, whether they can be taken back.

use super::check::{Part, refuse};
use super::node::{Elem, Node, Sql, Why};
pub use crate::types::{Field, Struct};

/// What an aggregate takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Anything.
    Any,
    /// Any number.
    Number,
    /// An INTEGER, a BIGINT or a DOUBLE.
    Plain,
    /// A number, text, bytes or time.
    Ordered,
    /// An INTEGER, a BIGINT, a DOUBLE or a STRING.
    Ranked,
    /// A STRING.
    Text,
    /// An array of INTEGER, BIGINT or DOUBLE.
    Numbers,
}

/// What an aggregate gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gives {
    /// Always the same, and never NULL.
    Fixed(Sql),
    /// What it takes, and never NULL.
    Same,
    /// One of the values it has seen; NULL if all were.
    One,
    /// The one value all rows have, else NULL.
    OnlyOne,
    /// A list of values it has seen, without NULLs.
    List,
    /// A list of values it has seen, NULLs too.
    ListWithNulls,
    /// How often each text was seen.
    Counts,
    /// What the arrays it takes hold, and never NULL.
    Sum,
}

/// One aggregate's row in the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// ksqlDB's name.
    pub ksql: &'static str,
    /// The names a user may write, the preferred one first.
    pub names: &'static [&'static str],
    /// What each of its expressions is.
    pub takes: &'static [Takes],
    /// Whether a number of values stands behind them.
    pub counted: bool,
    /// What it gives.
    pub gives: Gives,
    /// Whether a row can be taken back: usable over a table.
    pub undo: bool,
    /// Whether the embedded engine gives ksqlDB's very result.
    pub native: bool,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

macro_rules! aggregates {
    ($($name:ident $ksql:literal $names:expr, $takes:expr, $counted:literal, $gives:expr, undo $undo:literal, native $native:literal, $meaning:literal;)*) => {
        /// An aggregate of ksqlDB's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Aggregate {
            $(#[doc = $meaning] $name,)*
        }

        impl Aggregate {
            /// All aggregates.
            pub const ALL: &'static [Aggregate] = &[$(Aggregate::$name),*];
        }

        const SPECS: &[Spec] = &[$(Spec {
            ksql: $ksql,
            names: &$names,
            takes: &$takes,
            counted: $counted,
            gives: $gives,
            undo: $undo,
            native: $native,
            meaning: $meaning,
        }),*];
    };
}

const BIGINT: Gives = Gives::Fixed(Sql::Bigint);
const DOUBLE: Gives = Gives::Fixed(Sql::Double);

#[rustfmt::skip]
aggregates! {
    Count "COUNT" ["count"], [], false, BIGINT, undo true, native true,
        "How many rows there are.";
    CountOf "COUNT" ["count", "count_of"], [Takes::Any], false, BIGINT, undo true, native true,
        "How many rows have a value that is not NULL.";
    Sum "SUM" ["sum"], [Takes::Number], false, Gives::Same, undo true, native true,
        "The sum; NULLs are left out, 0 of nothing. Integers wrap, a decimal that overflows stops the query.";
    Avg "AVG" ["avg", "mean", "average"], [Takes::Plain], false, DOUBLE, undo true, native true,
        "The mean; NULLs are left out, 0.0 of nothing.";
    Min "MIN" ["min"], [Takes::Ordered], false, Gives::One, undo false, native true,
        "The smallest value; NULLs are left out.";
    Max "MAX" ["max"], [Takes::Ordered], false, Gives::One, undo false, native true,
        "The largest value; NULLs are left out.";
    Latest "LATEST_BY_OFFSET" ["latest", "last"], [Takes::Any], false, Gives::One, undo false, native true,
        "The value of the row that came last; NULLs are left out.";
    Earliest "EARLIEST_BY_OFFSET" ["earliest", "first"], [Takes::Any], false, Gives::One, undo false, native true,
        "The value of the row that came first; NULLs are left out.";
    LatestN "LATEST_BY_OFFSET" ["latest_n"], [Takes::Any], true, Gives::List, undo false, native true,
        "The values of the rows that came last; NULLs are left out.";
    EarliestN "EARLIEST_BY_OFFSET" ["earliest_n"], [Takes::Any], true, Gives::List, undo false, native true,
        "The values of the rows that came first; NULLs are left out.";
    LatestOrNull "LATEST_BY_OFFSET" ["latest_with_nulls"], [Takes::Any], false, Gives::One, undo false, native true,
        "The value of the row that came last, NULL too.";
    EarliestOrNull "EARLIEST_BY_OFFSET" ["earliest_with_nulls"], [Takes::Any], false, Gives::One, undo false, native true,
        "The value of the row that came first, NULL too.";
    LatestNOrNull "LATEST_BY_OFFSET" ["latest_n_with_nulls"], [Takes::Any], true, Gives::ListWithNulls, undo false, native true,
        "The values of the rows that came last, NULLs too.";
    EarliestNOrNull "EARLIEST_BY_OFFSET" ["earliest_n_with_nulls"], [Takes::Any], true, Gives::ListWithNulls, undo false, native true,
        "The values of the rows that came first, NULLs too.";
    TopK "TOPK" ["top_k", "topk"], [Takes::Ranked], true, Gives::List, undo false, native true,
        "The largest values, in falling order; NULLs are left out.";
    TopKWith "TOPK" ["top_k", "topk"], [Takes::Ranked, Takes::Any], true, Gives::List, undo false, native true,
        "The largest values, in falling order, each with what stands beside it: structs of `sort_col` and `col0`, `col1`, ..";
    TopKDistinct "TOPKDISTINCT" ["top_k_distinct", "topkdistinct"], [Takes::Ordered], true, Gives::List, undo false, native true,
        "The largest values, each once, in falling order; NULLs are left out.";
    CollectList "COLLECT_LIST" ["collect_list"], [Takes::Any], false, Gives::ListWithNulls, undo true, native true,
        "All values in the order they came, NULLs too.";
    CollectSet "COLLECT_SET" ["collect_set"], [Takes::Any], false, Gives::ListWithNulls, undo false, native true,
        "Each value once in the order they came first, NULL too.";
    Histogram "HISTOGRAM" ["histogram"], [Takes::Text], false, Gives::Counts, undo true, native true,
        "How often each text came; of at most 1,000 texts.";
    CountDistinct "COUNT_DISTINCT" ["count_distinct"], [Takes::Any], false, BIGINT, undo false, native false,
        "About how many different values there are.";
    StddevSample "STDDEV_SAMPLE" ["stddev_sample"], [Takes::Plain], false, DOUBLE, undo true, native true,
        "The standard deviation of a sample.";
    StddevSamp "STDDEV_SAMP" ["stddev_samp"], [Takes::Plain], false, DOUBLE, undo true, native true,
        "The variance of a sample; ksqlDB keeps the name.";
    Correlation "CORRELATION" ["correlation"], [Takes::Number, Takes::Number], false, DOUBLE, undo true, native true,
        "Pearson's correlation of two numbers; NaN below two rows.";
    SumList "SUM_LIST" ["sum_list"], [Takes::Numbers], false, Gives::Sum, undo true, native true,
        "The sum of all elements of all arrays.";
    Attr "ATTR" ["attr"], [Takes::Any], false, Gives::OnlyOne, undo true, native true,
        "The value all rows have; NULL if they differ.";
}

impl Aggregate {
    /// The aggregate's row.
    #[allow(
        clippy::indexing_slicing,
        reason = "the enum and the table are made of the same rows by one macro"
    )]
    pub const fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    /// What ksqlDB's form is told behind its arguments.
    pub const fn tail(self) -> &'static str {
        match self {
            // That NULLs are not left out.
            Aggregate::LatestOrNull
            | Aggregate::EarliestOrNull
            | Aggregate::LatestNOrNull
            | Aggregate::EarliestNOrNull => ", false",
            _ => "",
        }
    }

    /// Whether it takes so many expressions.
    pub const fn takes_so_many(self, expressions: usize) -> bool {
        match self {
            // One that is ranked and any number beside it.
            Aggregate::TopKWith => expressions >= 2 && expressions <= RANKED.len(),
            _ => self.spec().takes.len() == expressions,
        }
    }

    /// The name a user writes.
    pub const fn name(self) -> &'static str {
        match self.spec().names {
            [name, ..] => name,
            [] => self.spec().ksql,
        }
    }
}

/// The aggregate of a name, in any case, for so many expressions and, with `counted`, a number behind them. Where the
/// name is known but takes others, the one that comes nearest.
pub fn lookup(name: &str, expressions: usize, counted: bool) -> Option<Aggregate> {
    let named = || {
        Aggregate::ALL.iter().copied().filter(|aggregate| {
            let spec = aggregate.spec();
            let known = spec
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name));
            known || spec.ksql.eq_ignore_ascii_case(name)
        })
    };
    named()
        .find(|aggregate| {
            let spec = aggregate.spec();
            aggregate.takes_so_many(expressions) && spec.counted == counted
        })
        .or_else(|| named().next())
}

/// The preferred names of all aggregates, each once: the list a message ends with.
pub fn names() -> Vec<&'static str> {
    let mut names = Vec::with_capacity(Aggregate::ALL.len());
    for aggregate in Aggregate::ALL {
        if !names.contains(&aggregate.name()) {
            names.push(aggregate.name());
        }
    }
    names
}

/// The aggregate meant by a name that edit distance does not find.
pub fn synonym(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "maximum" | "largest" | "greatest" | "highest" => "max",
        "minimum" | "smallest" | "least" | "lowest" => "min",
        "total" | "add" => "sum",
        "size" | "len" | "length" | "number" => "count",
        "newest" | "close" => "latest",
        "oldest" | "open" => "earliest",
        "list" | "collect" | "array_agg" => "collect_list",
        "set" | "distinct" | "unique" => "collect_set",
        "stddev" | "std" | "deviation" => "stddev_sample",
        "variance" | "var" => "stddev_samp",
        "corr" => "correlation",
        "largest_n" | "max_n" | "top" => "top_k",
        "frequencies" | "counts" => "histogram",
        _ => return None,
    })
}

/// The node of an aggregate; unknown where it does not take what it is given.
pub const fn aggregate(aggregate: Aggregate, expressions: &[Node]) -> Node {
    let spec = aggregate.spec();
    if !aggregate.takes_so_many(expressions.len()) || wrong(aggregate, expressions).is_some() {
        return Node::UNKNOWN;
    }
    let mut rest = expressions;
    while let [expression, more @ ..] = rest {
        rest = more;
        if expression.is_unknown() {
            return Node::UNKNOWN;
        }
    }
    let first = match expressions {
        [first, ..] => *first,
        [] => Node::UNKNOWN,
    };
    match spec.gives {
        Gives::Fixed(ty) => Node::new(ty, Why::Never),
        Gives::Same => Node::new(first.ty, Why::Never),
        Gives::One => Node {
            origin: first.origin,
            ..first.plain().lenient()
        },
        Gives::OnlyOne => Node {
            origin: first.origin,
            ..Node::new(first.ty, first.why.or(Why::Aggregate(aggregate.name())))
        },
        Gives::List => Node::new(Sql::Array(Elem::new(first.ty, false)), Why::Never),
        Gives::ListWithNulls => Node::new(
            Sql::Array(Elem::new(first.ty, first.nullable())),
            Why::Never,
        ),
        Gives::Counts => Node::new(Sql::Map(Elem::new(Sql::Bigint, false)), Why::Never),
        Gives::Sum => first.element().not_null(),
    }
}

/// The node of a ranking with columns beside it, whose structs `row` is.
pub const fn ranked(expressions: &[Node], row: Node) -> Node {
    if aggregate(Aggregate::TopKWith, expressions).is_unknown() {
        return Node::UNKNOWN;
    }
    Node::new(Sql::Array(Elem::new(row.ty, false)), Why::Never)
}

const RANKED: [&str; 9] = [
    "sort_col", "col0", "col1", "col2", "col3", "col4", "col5", "col6", "col7",
];

/// ksqlDB's names of the fields of a ranking's structs, which are in lower case.
pub const fn ranked_name(position: usize) -> &'static str {
    let mut names = RANKED.as_slice();
    let mut before = position;
    while let [name, rest @ ..] = names {
        if before == 0 {
            return name;
        }
        names = rest;
        before -= 1;
    }
    ""
}

/// A field of a ranking's structs.
pub const fn ranked_field(node: &Node, position: usize) -> Field<'static> {
    let name = ranked_name(position);
    Field {
        name,
        sql_name: name,
        ty: node.model(),
        nullable: true,
    }
}

/// The first expression an aggregate does not take: its place and what would be.
const fn wrong(aggregate: Aggregate, expressions: &[Node]) -> Option<(usize, Takes, Sql)> {
    let mut takes = aggregate.spec().takes;
    let mut rest = expressions;
    let mut at = 0;
    while let ([kind, kinds @ ..], [expression, more @ ..]) = (takes, rest) {
        if !accepts(*kind, expression.ty) {
            return Some((at, *kind, expression.ty));
        }
        // The last one is for all that follow.
        (takes, rest) = (if kinds.is_empty() { takes } else { kinds }, more);
        at += 1;
    }
    None
}

const fn accepts(kind: Takes, ty: Sql) -> bool {
    match (kind, ty) {
        (_, Sql::Unknown) => true,
        (_, Sql::Null) => false,
        (Takes::Any, _) => true,
        (Takes::Number, ty) => ty.is_number(),
        (Takes::Plain, Sql::Integer | Sql::Bigint | Sql::Double) => true,
        (Takes::Ordered, Sql::String | Sql::Bytes | Sql::Date | Sql::Time | Sql::Timestamp) => true,
        (Takes::Ordered, ty) => ty.is_number(),
        (Takes::Ranked, Sql::Integer | Sql::Bigint | Sql::Double | Sql::String) => true,
        (Takes::Text, Sql::String) => true,
        (Takes::Numbers, Sql::Array(elem)) => matches!(
            elem.ty(),
            Sql::Integer | Sql::Bigint | Sql::Double | Sql::Unknown
        ),
        _ => false,
    }
}

/// The type an expression is converted to where it is written: ksqlDB's aggregates convert nothing themselves, and two
/// numbers must be of one type.
pub const fn parameter(aggregate: Aggregate, expressions: &[Node], index: usize) -> Sql {
    match (aggregate, expressions, index) {
        (Aggregate::Correlation, [one, two], 0 | 1) => {
            if one.ty.same(two.ty) && accepts(Takes::Plain, one.ty) {
                one.ty
            } else {
                Sql::Double
            }
        }
        (_, [one, ..], 0) => one.ty,
        _ => Sql::Unknown,
    }
}

/// Refuses what an aggregate does not take.
#[track_caller]
pub const fn check_aggregate(aggregate: Aggregate, expressions: &[Node]) {
    if let (Aggregate::TopKWith, [_, beside @ ..]) = (aggregate, expressions) {
        check_beside(beside);
    }
    let Some((_, takes, ty)) = wrong(aggregate, expressions) else {
        return;
    };
    let what = match takes {
        Takes::Any => "a value",
        Takes::Number => "a number",
        Takes::Plain => "an INTEGER, a BIGINT or a DOUBLE",
        Takes::Ordered => "a number, a text or a time",
        Takes::Ranked => "an INTEGER, a BIGINT, a DOUBLE or a STRING",
        Takes::Text => "a STRING",
        Takes::Numbers => "an array of INTEGER, BIGINT or DOUBLE",
    };
    let help = match (takes, ty) {
        (_, Sql::Null) => ": write `None` in its place",
        (Takes::Plain, Sql::Decimal { .. }) => {
            ": convert it first with `as f64`, which loses its exact digits"
        }
        (Takes::Ranked, Sql::Decimal { .. }) => {
            ": write `top_k_distinct`, which takes it, or convert it with `as f64`, which loses its exact digits"
        }
        (Takes::Ranked, Sql::Date | Sql::Time | Sql::Timestamp | Sql::Bytes) => {
            ": write `top_k_distinct`, which takes it"
        }
        (Takes::Text | Takes::Ranked, ty) if !matches!(ty, Sql::Bytes) => ": write `.to_string()`",
        (Takes::Ordered | Takes::Number, Sql::Boolean) => ": write `if x { 1 } else { 0 }`",
        _ => "",
    };
    refuse(&[
        Part::Text("`"),
        Part::Text(aggregate.name()),
        Part::Text("` takes "),
        Part::Text(what),
        Part::Text(", not "),
        Part::Type(ty),
        Part::Text(help),
    ]);
}

/// Refuses what cannot stand in the structs of a ranking.
#[track_caller]
const fn check_beside(beside: &[Node]) {
    let mut rest = beside;
    while let [node, more @ ..] = rest {
        rest = more;
        if !node.is_unknown() && matches!(node.model(), crate::types::Type::Unknown) {
            refuse(&[
                Part::Text("`top_k` keeps no "),
                Part::Type(node.ty),
                Part::Text(
                    " that is made here beside a value: take a column, or one of its elements",
                ),
            ]);
        }
    }
}

/// Refuses an aggregate over a table (`table`) that cannot take a row back.
#[track_caller]
pub const fn check_table_aggregate(aggregate: Aggregate, table: bool) {
    if table && !aggregate.spec().undo {
        refuse(&[
            Part::Text("`"),
            Part::Text(aggregate.name()),
            Part::Text(
                "` cannot take back a row that changed, so it is for streams only: read a `Stream`, or over a table use one of count, sum, avg, collect_list, histogram, stddev_sample, correlation, attr",
            ),
        ]);
    }
}

/// Refuses an aggregate whose results the embedded engine cannot reproduce.
#[track_caller]
pub const fn check_native_aggregate(aggregate: Aggregate) {
    if !aggregate.spec().native {
        refuse(&[
            Part::Text("`"),
            Part::Text(aggregate.name()),
            Part::Text(
                "` is an estimate of ksqlDB's own that only the ksqldb engine gives: count `collect_set`, or use it there",
            ),
        ]);
    }
}

#[cfg(test)]
mod tests;
