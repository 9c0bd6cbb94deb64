//! Where `explode` may stand: ksqlDB makes rows of elements in what a stream's query selects, and nowhere else.

use ksql_schema::Kind as SourceKind;

use proc_macro2::TokenStream;
use quote::quote;

use super::chain::Chain;
use super::expand::Whole;
use super::lower::Native;
use super::tree::{Expr, Kind, Made, Tree};
use crate::errors::Place;

/// An `explode` of what is selected.
#[derive(Debug)]
pub(crate) struct Exploded {
    /// That of the call.
    pub(crate) identity: String,
    /// Whether it is `cube_explode`.
    pub(crate) cube: bool,
    /// The array.
    pub(crate) of: Tree,
}

/// All `explode`s in an expression, the outermost first.
pub(crate) fn exploded(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    expr.walk(&mut |expr| {
        if matches!(expr.kind, Kind::Explode(..)) {
            found.push(expr);
        }
    });
    found
}

fn name(expr: &Expr) -> &'static str {
    match &expr.kind {
        Kind::Explode(true, _) => "cube_explode",
        _ => "explode",
    }
}

impl Chain<'_, '_> {
    /// The different `explode`s of what is selected; what stands elsewhere is an error.
    pub(super) fn explodes(&mut self, made: &Made, source: SourceKind) -> Vec<Exploded> {
        let mut errors: Vec<(String, Place, String, &str)> = Vec::new();
        let own = "rows are exploded in a query of its own: this one then reads its result";
        let mut misplaced = |expr: &Expr, whole: &str, help: &'static str| {
            for one in exploded(expr) {
                let message = format!("`{}` {whole}", name(one));
                errors.push((one.identity.clone(), one.place, message, help));
            }
        };
        for filter in self.filters.iter().chain(&self.having) {
            misplaced(
                filter,
                "makes rows of those that a condition kept, and cannot stand in one",
                own,
            );
        }
        for keys in [&self.partition, &self.group].into_iter().flatten() {
            for part in &keys.parts {
                misplaced(
                    &part.tree,
                    "makes rows, and a key is of a row that is there",
                    own,
                );
            }
        }
        for aggregated in &self.reader.aggregates {
            for argument in &aggregated.arguments {
                misplaced(argument, "cannot stand beside aggregates", own);
            }
        }
        let rows = self.reader.rows.iter().flat_map(|row| &row.fields);
        for (_, tree) in rows.chain(&made.fields) {
            if self.group.is_some() {
                misplaced(tree, "cannot stand beside aggregates", own);
            } else if source == SourceKind::Table {
                misplaced(
                    tree,
                    "makes several rows of one, and a table has one row a key",
                    "read a `Stream`",
                );
            }
            tree.walk(&mut |expr| match &expr.kind {
                Kind::Explode(_, of) => misplaced(
                    of,
                    "cannot stand inside of another",
                    "explode the inner one in a query of its own",
                ),
                Kind::Case { condition, then, otherwise, .. } => {
                    for of in [condition, then, otherwise] {
                        misplaced(
                            of,
                            "makes rows whatever a condition says, and cannot stand in one",
                            "explode what the `if` chooses: `(if .. { r.a } else { r.b }).explode()`",
                        );
                    }
                }
                Kind::Each(each) => {
                    for lambda in &each.lambdas {
                        misplaced(
                            &lambda.body,
                            "makes rows, and a closure over elements makes none",
                            "explode what the closure is over",
                        );
                    }
                }
                _ => {}
            });
        }
        let written: Vec<&Expr> = made
            .fields
            .iter()
            .flat_map(|(_, tree)| exploded(tree))
            .collect();
        for (_, tree) in self.reader.rows.iter().flat_map(|row| &row.fields) {
            for one in exploded(tree) {
                if !written.iter().any(|other| other.identity == one.identity) {
                    errors.push((
                        one.identity.clone(),
                        one.place,
                        format!(
                            "what this `{}` makes is not in what the query writes",
                            name(one)
                        ),
                        "its rows would be missing: write it into a field of the output",
                    ));
                }
            }
        }
        let mut said: Vec<String> = Vec::new();
        for (identity, place, message, help) in errors {
            if !said.contains(&identity) {
                self.reader.error(place, message, help);
                said.push(identity);
            }
        }
        let mut found: Vec<Exploded> = Vec::new();
        for one in written {
            if let Kind::Explode(cube, of) = &one.kind
                && !found.iter().any(|known| known.identity == one.identity)
            {
                found.push(Exploded {
                    identity: one.identity.clone(),
                    cube: *cube,
                    of: of.clone(),
                });
            }
        }
        found
    }
}

impl Whole<'_> {
    /// What makes several rows of one, where something does.
    pub(super) fn explode(&self, native: &Native<'_>) -> TokenStream {
        let exploded = &self.query.exploded;
        if exploded.is_empty() {
            return TokenStream::new();
        }
        let rows = self.rows(exploded.iter().map(|one| &*one.of));
        let arrays = native.arrays(exploded.iter().map(|one| (&*one.of, one.cube)));
        quote! {
            const EXPLODES: ::core::primitive::bool = true;
            fn explode<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>) -> &'a [&'a [__k::Any<'a>]] {
                let __scratch = __at.scratch;
                #rows
                __scratch.list(&#arrays)
            }
        }
    }
}
