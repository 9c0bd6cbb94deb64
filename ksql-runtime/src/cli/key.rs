//! A key as it is typed, one value a column.

use std::cmp::Ordering;

use ksql_schema::model::{Column, Role};

use super::exit::{Failure, Outcome};
use super::literal::Literal;
use super::view::Columns;
use crate::context::reach::Place;

/// What the key's columns are to be.
pub(super) struct KeyIs(Vec<(&'static str, Literal)>);

impl KeyIs {
    /// Several columns with commas between; a comma is a comma where there is one column.
    pub(super) fn parse_line(text: &str, place: &Place) -> Outcome<KeyIs> {
        let texts: Vec<&str> = match place.model.key_columns() {
            0 | 1 => vec![text],
            _ => text.split(',').map(str::trim).collect(),
        };
        KeyIs::parse(&texts, place)
    }

    pub(super) fn parse(texts: &[&str], place: &Place) -> Outcome<KeyIs> {
        let columns: Vec<&Column<'static>> = place
            .model
            .columns
            .iter()
            .filter(|column| column.role == Role::Key)
            .collect();
        if columns.len() != texts.len() {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            let entity = place.model.name;
            return Err(Failure::usage(match (names.as_slice(), texts.len()) {
                ([], _) => format!("`{entity}` has no key"),
                (names, 1) => {
                    format!(
                        "the key of `{entity}` is ({}): 1 value is given",
                        names.join(", ")
                    )
                }
                (names, several) => format!(
                    "the key of `{entity}` is ({}): {several} values are given",
                    names.join(", ")
                ),
            }));
        }
        let parts = columns.iter().zip(texts).map(|(column, text)| {
            let literal = Literal::of(column, text).map_err(Failure::usage)?;
            Ok((column.name, literal))
        });
        Ok(KeyIs(parts.collect::<Outcome<_>>()?))
    }

    pub(super) fn is(&self, row: &Columns) -> bool {
        self.0.iter().all(|(name, literal)| {
            let found = row.get(name);
            found.is_some_and(|found| literal.compared(found) == Some(Ordering::Equal))
        })
    }
}
