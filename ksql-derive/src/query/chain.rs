//! The steps of a chain, one by one: what each takes, and what may stand before it.
//!
//! Invariant: a step out of place is said once, on its name, and the chain is read on.

use std::rc::Rc;

use ksql_schema::Kind as SourceKind;
use ksql_schema::query::plan::JoinKind;
use syn::{Expr as Syntax, ExprMethodCall};

use super::expression::{Named, Part, Reader};
use super::join::Join;
use super::steps::{Keys, Step};
use super::tree::{Made, Tree};
use super::words::{quoted, suggestion};
use super::written::rust;
use crate::errors::Place;
use crate::parse::args::plain;

pub(super) const STEPS: [&str; 14] = [
    "join",
    "left_join",
    "right_join",
    "full_join",
    "within",
    "grace",
    "filter",
    "map",
    "partition_by",
    "group_by",
    "aggregate",
    "having",
    "as_stream",
    "as_table",
];

/// What is gathered while the chain is read.
pub(super) struct Chain<'r, 'e> {
    pub(super) reader: &'r mut Reader<'e>,
    pub(super) filters: Vec<Tree>,
    pub(super) partition: Option<Keys>,
    pub(super) group: Option<Keys>,
    pub(super) having: Vec<Tree>,
    /// The last row made, and whether by an aggregation.
    pub(super) made: Option<Rc<Made>>,
    pub(super) aggregated: Option<Place>,
    pub(super) forced: Option<(SourceKind, Place)>,
    /// Stream or table, up to here.
    pub(super) kind: SourceKind,
    pub(super) joins: Vec<Join>,
    /// What follows is not read: a join before it was refused.
    pub(super) ended: bool,
    pub(super) steps: Vec<Step>,
}

impl Chain<'_, '_> {
    pub(super) fn step(&mut self, call: &ExprMethodCall) {
        let name = plain(&call.method.to_string());
        match name.as_str() {
            "join" => self.join(call, JoinKind::Inner),
            "left_join" => self.join(call, JoinKind::Left),
            "right_join" => self.join(call, JoinKind::Right),
            "full_join" => self.join(call, JoinKind::Full),
            "within" => self.within(call),
            "grace" => self.grace(call),
            "filter" => self.filter(call),
            "map" => self.map(call),
            "partition_by" => self.partition_by(call),
            "group_by" => self.group_by(call),
            "aggregate" => self.aggregate(call),
            "having" => self.having(call),
            "as_stream" => self.force(call, SourceKind::Stream),
            "as_table" => self.force(call, SourceKind::Table),
            _ => self.unknown(call, &name),
        }
    }

    fn unknown(&mut self, call: &ExprMethodCall, name: &str) {
        let place = Place::of(&call.method);
        let (message, help) = match name {
            "order_by" | "sort_by" | "limit" | "take" | "skip" | "distinct" => (
                format!("a query has no step `{name}`: a stream has no order and no end"),
                "sort and limit where results are read".to_owned(),
            ),
            "inner_join" => (
                "a query has no step `inner_join`; did you mean `join`?".to_owned(),
                "write `.join(planes, |f, p| f.tailnum == p.tailnum)`".to_owned(),
            ),
            "outer_join" | "full_outer_join" => (
                format!("a query has no step `{name}`; did you mean `full_join`?"),
                "`left_join`, `right_join` and `full_join` keep rows without a match".to_owned(),
            ),
            "merge" | "union" => (
                format!("`{name}` cannot be written yet"),
                "write two queries, each with an output of its own".to_owned(),
            ),
            "window" | "tumbling" | "hopping" | "session" => (
                format!("a query has no step `{name}`"),
                "the window stands on the output: `#[window(tumbling, minutes = [1])]`".to_owned(),
            ),
            "filter_map" => (
                "a query has no step `filter_map`: rows are left out by one step and made by another"
                    .to_owned(),
                "write `.filter(|r| ..).map(|r| Out { .. })`".to_owned(),
            ),
            "to" | "into" | "through" | "sink" | "with_topic" => (
                format!("a query has no step `{name}`"),
                "the topic stands on the output: `#[topic(\"orders\")]`".to_owned(),
            ),
            "collect" | "to_list" | "for_each" | "subscribe" | "inspect" | "peek" | "print" => (
                format!("a query has no step `{name}`: it is a definition that the engines run"),
                "results are read from a context: `ctx.set::<Out>()`".to_owned(),
            ),
            "select" => (
                "a query has no step `select`; did you mean `map`?".to_owned(),
                "write `.map(|r| Out { .. })`".to_owned(),
            ),
            "where" | "r#where" => (
                "a query has no step `where`; did you mean `filter`?".to_owned(),
                "write `.filter(|r| ..)`".to_owned(),
            ),
            _ if ksql_schema::query::aggregates::lookup(name, 1, false).is_some() => (
                format!("`{name}` is an aggregate"),
                format!(
                    "it belongs in `.aggregate(|g| ..)` or `.having(|g| ..)` after `.group_by(..)`, as `g.{name}(|r| ..)`"
                ),
            ),
            _ => (
                format!("a query has no step `{name}`{}", suggestion(name, &STEPS)),
                format!("steps are {}", quoted(&STEPS)),
            ),
        };
        self.reader.error(place, message, help);
    }

    /// The one closure a step takes.
    fn closure<'c>(
        &mut self,
        call: &'c ExprMethodCall,
        form: &str,
    ) -> Option<&'c syn::ExprClosure> {
        if let (1, Some(Syntax::Closure(closure))) = (call.args.len(), call.args.first()) {
            return Some(closure);
        }
        let place = match call.args.first() {
            Some(argument) => Place::of(argument),
            None => Place::of(&call.method),
        };
        self.reader.error(
            place,
            format!("`{}` takes one closure", call.method),
            format!("write `.{form}`"),
        );
        None
    }

    /// Says why a step cannot stand behind the grouping; whether it did.
    fn grouped(&mut self, call: &ExprMethodCall, help: &str) -> bool {
        let (message, grouped) = match (&self.aggregated, &self.group) {
            (Some(_), _) => ("the rows are aggregated here already", true),
            (None, Some(_)) => ("the rows are in groups here", true),
            _ => ("", false),
        };
        if grouped {
            let message = format!("{message}: `{}` comes before `group_by`", call.method);
            self.reader.error(Place::of(&call.method), message, help);
        }
        grouped
    }

    fn filter(&mut self, call: &ExprMethodCall) {
        let Some(closure) = self.closure(call, "filter(|r| r.size > 0)") else {
            return;
        };
        if self.grouped(call, "to leave out groups, write `.having(|g| ..)`") {
            return;
        }
        let row = self.reader.row.clone();
        self.reader.conditional = true;
        if let Some(tree) = self.reader.closure(closure, row, Reader::read_body) {
            self.filters.push(tree);
        }
        self.reader.conditional = false;
        self.steps.push(Step::Filter(rust(&closure.body)));
    }

    fn map(&mut self, call: &ExprMethodCall) {
        let Some(closure) = self.closure(call, "map(|r| Out { id: r.id, .. })") else {
            return;
        };
        if self.grouped(
            call,
            "what is made of a group stands in `.aggregate(|g| Out { .. })`",
        ) {
            return;
        }
        let row = self.reader.row.clone();
        let mut shown = Vec::new();
        let made = self
            .reader
            .closure(closure, row, |reader, body| reader.made(body, &mut shown))
            .flatten();
        if let Some(made) = made {
            let made = Rc::new(made);
            self.made = Some(made.clone());
            self.reader.rows.push(made);
            self.reader.row = Named::Made(self.reader.rows.len() - 1);
        }
        self.steps.push(Step::Map(shown));
    }

    fn keys(&mut self, call: &ExprMethodCall, form: &str) -> Option<Keys> {
        let closure = self.closure(call, form)?;
        let row = self.reader.row.clone();
        let place = Place::of(&closure.body);
        let parts = self.reader.closure(closure, row, Reader::key_parts)?;
        if parts.is_empty() {
            self.reader.error(
                place,
                "a key has at least one part",
                format!("write `.{form}`"),
            );
            return None;
        }
        Some(Keys { parts, place })
    }

    fn partition_by(&mut self, call: &ExprMethodCall) {
        if self.grouped(
            call,
            "the group's key is what the result is partitioned by: remove this step",
        ) {
            return;
        }
        if self.kind == SourceKind::Table {
            self.reader.error(
                Place::of(&call.method),
                "a table's rows cannot get another key: an update would not find the row it replaces",
                "read a `Stream`, or group the table: `.group_by(..)`",
            );
            return;
        }
        if self.partition.is_some() {
            self.reader.error(
                Place::of(&call.method),
                "`partition_by` stands here twice, and the last one alone would count",
                "remove one of them",
            );
            return;
        }
        if let Some(keys) = self.keys(call, "partition_by(|r| r.id)") {
            self.steps.push(Step::PartitionBy(texts(&keys)));
            self.partition = Some(keys);
        }
    }

    fn group_by(&mut self, call: &ExprMethodCall) {
        if self.grouped(
            call,
            "group by several at once: `.group_by(|r| (r.a, r.b))`",
        ) {
            return;
        }
        if self.partition.is_some() {
            self.reader.error(
                Place::of(&call.method),
                "`group_by` and `partition_by` both choose the key",
                "remove `partition_by`: the group's key is what the result is partitioned by",
            );
        }
        if let Some(keys) = self.keys(call, "group_by(|r| r.id)") {
            self.steps.push(Step::GroupBy(texts(&keys)));
            self.reader.group = Some(keys.parts.len());
            self.group = Some(keys);
        } else {
            // So that what follows is not wrong as well.
            self.group = Some(Keys {
                parts: Vec::new(),
                place: Place::of(&call.method),
            });
        }
    }

    fn ungrouped(&mut self, call: &ExprMethodCall) -> bool {
        let missing = self.group.is_none();
        if missing {
            self.reader.error(
                Place::of(&call.method),
                format!(
                    "`{}` is of groups, and nothing is grouped here",
                    call.method
                ),
                "write `.group_by(|r| ..)` before it",
            );
            // Said once.
            self.group = Some(Keys {
                parts: Vec::new(),
                place: Place::of(&call.method),
            });
        }
        missing
    }

    fn aggregate(&mut self, call: &ExprMethodCall) {
        let Some(closure) = self.closure(call, "aggregate(|g| Out { id: g.key(), n: g.count() })")
        else {
            return;
        };
        let _ = self.ungrouped(call);
        if self.aggregated.is_some() {
            self.reader.error(
                Place::of(&call.method),
                "the rows are aggregated here already",
                "aggregate the result in a query of its own",
            );
            return;
        }
        self.aggregated = Some(Place::of(&call.method));
        self.reader.part = Part::Aggregate;
        let mut shown = Vec::new();
        let made = self
            .reader
            .closure(closure, Named::Group, |reader, body| {
                reader.made(body, &mut shown)
            })
            .flatten();
        self.reader.part = Part::Row;
        self.made = made.map(Rc::new);
        self.steps.push(Step::Aggregate(shown));
    }

    fn having(&mut self, call: &ExprMethodCall) {
        let Some(closure) = self.closure(call, "having(|g| g.count() > 1)") else {
            return;
        };
        if self.ungrouped(call) {
            return;
        }
        self.reader.part = Part::Having;
        if let Some(tree) = self
            .reader
            .closure(closure, Named::Group, Reader::read_body)
        {
            self.having.push(tree);
        }
        self.reader.part = Part::Row;
        self.steps.push(Step::Having(rust(&closure.body)));
    }

    fn force(&mut self, call: &ExprMethodCall, kind: SourceKind) {
        if let Some(argument) = call.args.first() {
            self.reader.error(
                Place::of(argument),
                format!("`{}` takes nothing", call.method),
                "remove this",
            );
        }
        self.forced = Some((kind, Place::of(&call.method)));
    }
}

fn texts(keys: &Keys) -> Vec<String> {
    keys.parts.iter().map(|part| part.text.clone()).collect()
}
