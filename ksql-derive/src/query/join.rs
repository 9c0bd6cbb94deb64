//! Joins in a query's chain: which input joins, what is compared, within which time.
//!
//! Invariant: joins stand in front of all other steps, so that every closure behind them is given one row for each input, in the
//! order in which they are joined. A comparison has its left side over one of the inputs before, its right one over the
//! input that joins, however its author turned it.

use ksql_schema::Kind as SourceKind;
use ksql_schema::query::plan::JoinKind;
use ksql_schema::query::{Compare, Function};
use syn::{Expr as Syntax, ExprMethodCall, Lit};

use super::chain::Chain;
use super::expression::{Named, Reader, simple};
use super::steps::Step;
use super::tree::{Expr, Kind, Tree};
use super::words::{quoted, suggestion};
use super::written::rust;
use crate::errors::Place;
use crate::parse::args::plain;

/// A join.
#[derive(Debug)]
pub(crate) struct Join {
    /// Which input joins, by its place in the function's head.
    pub(crate) input: usize,
    pub(crate) kind: JoinKind,
    /// What is made of streams and tables up to here.
    pub(crate) left_kind: SourceKind,
    pub(crate) right_kind: SourceKind,
    pub(crate) left: Tree,
    pub(crate) right: Tree,
    /// As its author wrote the comparison.
    pub(crate) on: String,
    pub(crate) on_place: Place,
    /// Milliseconds before and after.
    pub(crate) within: Option<(i64, i64)>,
    pub(crate) grace: Option<i64>,
    /// The step's name.
    pub(crate) place: Place,
}

/// How long ksqlDB takes late records where nothing is said.
const DAY: i64 = 86_400_000;

impl Join {
    /// The grace that the statement says. An outer join without one would write rows without a match at once and take them for
    /// matched later, so that it always says one.
    pub(crate) fn written_grace(&self) -> Option<i64> {
        let outer = !matches!(self.kind, JoinKind::Inner);
        self.grace.or(outer.then_some(DAY))
    }

    /// The side that is joined by, as far as it is a column of an input.
    pub(crate) fn column(tree: &Expr) -> Option<(usize, &proc_macro2::Ident)> {
        match &tree.kind {
            Kind::Column { input, field, .. } => Some((*input, field)),
            _ => None,
        }
    }
}

/// How a join is written.
const FORM: &str = "flights.left_join(planes, |f, p| f.tailnum == p.tailnum)";

impl Chain<'_, '_> {
    /// `.join(planes, |f, p| f.tailnum == p.tailnum)`
    pub(super) fn join(&mut self, call: &ExprMethodCall, kind: JoinKind) {
        // Behind a join that is none nobody knows which rows there are.
        self.ended = self.joined(call, kind).is_none();
    }

    fn joined(&mut self, call: &ExprMethodCall, kind: JoinKind) -> Option<()> {
        let place = Place::of(&call.method);
        if !self.steps.iter().all(|step| matches!(step, Step::Join(_))) {
            self.reader.error(
                place,
                format!(
                    "`{}` comes first: the other steps are over what is joined",
                    call.method
                ),
                "move it to the front, right behind the input",
            );
            return None;
        }
        let (2, Some(other), Some(Syntax::Closure(closure))) =
            (call.args.len(), call.args.first(), call.args.last())
        else {
            let place = call.args.first().map_or(place, Place::of);
            self.reader.error(
                place,
                format!(
                    "`{}` takes an input and what is equal in both rows",
                    call.method
                ),
                format!("write `{FORM}`"),
            );
            return None;
        };
        let input = self.joins_input(other)?;
        let right_kind = self
            .reader
            .inputs
            .get(input)
            .map_or(SourceKind::Stream, |(_, kind)| *kind);
        let left_kind = self.kind;
        if !self.fits(call, kind, left_kind, right_kind) {
            return None;
        }
        let before = self.reader.joined.clone();
        self.reader.joined.push(input);
        let row = Named::Input(input);
        let tree = self.reader.closure(closure, row, Reader::read_body);
        let (left, right) = self.sides(&tree?, &before, input)?;
        let optional = &mut self.reader.optional;
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            for one in &before {
                if let Some(optional) = optional.get_mut(*one) {
                    *optional = true;
                }
            }
        }
        if matches!(kind, JoinKind::Left | JoinKind::Full)
            && let Some(optional) = optional.get_mut(input)
        {
            *optional = true;
        }
        self.steps.push(Step::Join(self.joins.len()));
        self.joins.push(Join {
            input,
            kind,
            left_kind,
            right_kind,
            left,
            right,
            on: rust(&closure.body),
            on_place: Place::of(&closure.body),
            within: None,
            grace: None,
            place,
        });
        Some(())
    }

    /// The input that joins.
    fn joins_input(&mut self, syntax: &Syntax) -> Option<usize> {
        let place = Place::of(syntax);
        let names: Vec<String> = self
            .reader
            .inputs
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let name = simple(syntax).map(|ident| plain(&ident.to_string()));
        let found = name
            .as_ref()
            .and_then(|name| names.iter().position(|known| known == name));
        let Some(input) = found else {
            let hint = name.map_or_else(String::new, |name| suggestion(&name, &known));
            self.reader.error(
                place,
                format!("what joins is one of the query's inputs{hint}"),
                format!("its inputs are {}", quoted(&known)),
            );
            return None;
        };
        if self.reader.joined.contains(&input) {
            self.reader.error(
                place,
                "this input is read already, and no source is joined with itself",
                "declare a second entity, on another topic",
            );
            return None;
        }
        Some(input)
    }

    /// Whether ksqlDB has such a join.
    fn fits(
        &mut self,
        call: &ExprMethodCall,
        kind: JoinKind,
        left: SourceKind,
        right: SourceKind,
    ) -> bool {
        let place = Place::of(&call.method);
        match (left, right, kind) {
            (SourceKind::Table, SourceKind::Stream, _) => {
                self.reader.error(
                    place,
                    "a stream cannot join a table",
                    "start with the stream and join the table to it",
                );
                false
            }
            (SourceKind::Stream, SourceKind::Table, JoinKind::Right | JoinKind::Full) => {
                self.reader.error(
                    place,
                    "a table's rows are looked up when a record of the stream comes, so that only the stream's side may have no match",
                    "write `join` or `left_join`",
                );
                false
            }
            _ => true,
        }
    }

    /// What is compared: of the inputs before, and of the one that joins.
    fn sides(&mut self, tree: &Tree, before: &[usize], input: usize) -> Option<(Tree, Tree)> {
        let (left, right) = match &tree.kind {
            Kind::Compare(Compare::Equal, left, right) => (left, right),
            Kind::Broken => return None,
            Kind::And(..) => {
                self.reader.error(
                    tree.place,
                    "a join compares one pair of values",
                    "keep one of the comparisons here, and put the others into `.filter(..)` behind the joins",
                );
                return None;
            }
            _ => {
                self.reader.error(
                    tree.place,
                    "a join says what is equal in both rows",
                    "write one comparison with `==`, each side of it over one input",
                );
                return None;
            }
        };
        let mut broken = false;
        tree.walk(&mut |expr| broken |= matches!(expr.kind, Kind::Broken));
        if broken {
            return None;
        }
        let of = |side: &Tree| {
            let mut inputs: Vec<usize> = Vec::new();
            side.walk(&mut |expr| {
                if let Kind::Column { input, .. } = &expr.kind
                    && !inputs.contains(input)
                {
                    inputs.push(*input);
                }
            });
            inputs
        };
        match (of(left).as_slice(), of(right).as_slice()) {
            ([one], [other]) if before.contains(one) && *other == input => {
                Some((left.clone(), right.clone()))
            }
            ([other], [one]) if before.contains(one) && *other == input => {
                Some((right.clone(), left.clone()))
            }
            _ => {
                let name = self
                    .reader
                    .inputs
                    .get(input)
                    .map_or("", |(name, _)| name.as_str());
                let message = format!(
                    "one side of the comparison is over `{name}`, the other over one of the inputs before"
                );
                self.reader
                    .error(tree.place, message, format!("write `{FORM}`"));
                None
            }
        }
    }

    /// `.within("1h")`, `.within("10m", "1h")`
    pub(super) fn within(&mut self, call: &ExprMethodCall) {
        let form = "within(\"10m\")";
        let Some(join) = self.last_join(call, form) else {
            return;
        };
        let streams = self.joins.get(join).is_some_and(|join| {
            (join.left_kind, join.right_kind) == (SourceKind::Stream, SourceKind::Stream)
        });
        if !streams {
            self.reader.error(
                Place::of(&call.method),
                "only two streams are joined within a time",
                "a table has one row for a key, whenever it came: remove this",
            );
            return;
        }
        let times: Vec<Option<i64>> = call.args.iter().map(|time| self.duration(time)).collect();
        let within = match times.as_slice() {
            [both] => both.map(|both| (both, both)),
            [before, after] => before.zip(*after),
            _ => {
                self.reader.error(
                    Place::of(&call.method),
                    "`within` takes a time, or how much earlier and how much later the other record may be",
                    "write `.within(\"10m\")` or `.within(\"10m\", \"1h\")`",
                );
                None
            }
        };
        let right = self
            .joins
            .get(join)
            .is_some_and(|join| join.kind == JoinKind::Right);
        if right && within.is_some_and(|(before, after)| before != after) {
            self.reader.error(
                Place::of(&call.method),
                "ksqlDB counts the times of a right join from the other side",
                "write one time, for both sides; or turn the join around: `left_join`",
            );
        }
        if let Some(join) = self.joins.get_mut(join) {
            // After an error something stands here, so that it is not missed as well.
            join.within = within.or(Some((1, 1)));
        }
    }

    /// `.grace("10m")`
    pub(super) fn grace(&mut self, call: &ExprMethodCall) {
        let form = "within(\"10m\").grace(\"1h\")";
        let Some(join) = self.last_join(call, form) else {
            return;
        };
        if self
            .joins
            .get(join)
            .is_some_and(|join| join.within.is_none())
        {
            self.reader.error(
                Place::of(&call.method),
                "`grace` says how late records may come to a join within a time",
                format!("write `.{form}`"),
            );
            return;
        }
        let grace = match call.args.first() {
            Some(time) if call.args.len() == 1 => self.duration(time),
            _ => {
                self.reader.error(
                    Place::of(&call.method),
                    "`grace` takes one time",
                    format!("write `.{form}`"),
                );
                None
            }
        };
        if let Some(join) = self.joins.get_mut(join) {
            join.grace = grace;
        }
    }

    /// The join that stands right before.
    fn last_join(&mut self, call: &ExprMethodCall, form: &str) -> Option<usize> {
        if let Some(Step::Join(join)) = self.steps.last() {
            return Some(*join);
        }
        // Of a join that was refused nothing more is said.
        if self.reader.errors.is_empty() {
            self.reader.error(
                Place::of(&call.method),
                format!(
                    "`{}` belongs to a join of two streams, right behind it",
                    call.method
                ),
                format!("write `.join(shipments, |o, s| o.id == s.order).{form}`"),
            );
        }
        None
    }

    fn duration(&mut self, syntax: &Syntax) -> Option<i64> {
        let place = Place::of(syntax);
        let text = match syntax {
            Syntax::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        };
        let Some(text) = text else {
            self.reader.error(
                place,
                "a time is written as a text with its unit",
                "write `\"500ms\"`, `\"10s\"`, `\"5m\"`, `\"1h\"` or `\"1d\"`",
            );
            return None;
        };
        match ksql_schema::duration::parse(&text).map(i64::try_from) {
            Ok(Ok(millis)) => Some(millis),
            Ok(Err(_)) => {
                self.reader
                    .error(place, "this time is too long", "write a shorter one");
                None
            }
            Err(message) => {
                self.reader
                    .error(place, message, "write `\"10s\"`, `\"5m\"` or `\"1h\"`");
                None
            }
        }
    }

    /// What is missing once all steps are read.
    pub(super) fn check_joins(&mut self) {
        for join in &self.joins {
            let streams =
                (join.left_kind, join.right_kind) == (SourceKind::Stream, SourceKind::Stream);
            if streams && join.within.is_none() {
                self.reader.errors.push(
                    join.place,
                    "two streams are joined within a time: records have no end",
                    "write `.within(\"10m\")` behind it: how far apart the times of both records may be",
                );
            }
        }
    }
}

/// What the key of a join's result may be: everything that is equal to what the last join compares.
pub(crate) fn equal_to_key(joins: &[Join]) -> Vec<String> {
    let mut equal: Vec<String> = Vec::new();
    let Some(last) = joins.last() else {
        return equal;
    };
    if last.kind == JoinKind::Full {
        // Either side may be missing: the one that is there.
        let (left, right) = (last.left.clone(), last.right.clone());
        for arguments in [vec![left.clone(), right.clone()], vec![right, left]] {
            let either = Kind::Call {
                function: Function::Coalesce,
                arguments,
                unit: None,
            };
            equal.push(Expr::new(either, last.left.place).meaning());
        }
        return equal;
    }
    for join in joins.iter().rev() {
        let sides = [join.left.meaning(), join.right.meaning()];
        if equal.is_empty() || sides.iter().any(|side| equal.contains(side)) {
            equal.extend(sides);
        }
    }
    equal
}

/// Whether ksqlDB makes a key column of its own, `ROWKEY`: neither side of what is compared can stand for it.
pub(crate) fn is_synthetic(joins: &[Join]) -> bool {
    let Some(last) = joins.last() else {
        return false;
    };
    if last.kind == JoinKind::Full {
        return true;
    }
    let equal = equal_to_key(joins);
    !joins
        .iter()
        .flat_map(|join| [&join.left, &join.right])
        .any(|side| Join::column(side).is_some() && equal.contains(&side.meaning()))
}
