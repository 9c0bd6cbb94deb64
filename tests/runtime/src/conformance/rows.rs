//! Rows of inputs of any type, as the plain joiner keeps them.
//!
//! Where inputs have windows the row has the window's part of its key beside it: it belongs to what is compared and to the key of
//! what is made, and to nothing else.

use std::any::Any;
use std::rc::Rc;

use ksql_runtime::entity::{Entity, EntityKey};
use ksql_runtime::query::{Part, Visit};
use ksql_schema::model::WindowKind;
use ksql_schema::query::plan;

/// What is known of an input's type.
pub(super) struct Source {
    pub(super) topic: &'static str,
    /// A key of its bytes, whose window ends so long after its start.
    pub(super) key: fn(&[u8], Option<i64>) -> Rc<dyn Any + Send>,
    pub(super) timestamp: fn(&[u8], &[u8]) -> Option<i64>,
    /// The size of the windows.
    pub(super) size: Option<i64>,
    /// How many bytes of a key are its window's.
    length: usize,
}

impl Source {
    /// The window's part of a key.
    pub(super) fn window<'k>(&self, key: &'k [u8]) -> &'k [u8] {
        &key[key.len() - self.length..]
    }
}

/// The inputs of a query, as they are shown.
pub(super) struct Sources {
    pub(super) all: Vec<Source>,
    size: Option<i64>,
}

impl Sources {
    /// None so far; those of this query have the window that its output has.
    pub(super) fn of(query: &plan::Query<'_>) -> Sources {
        let window = query.output.window.as_ref();
        let size = window.and_then(|window| window.sizes_ms.first());
        Sources {
            all: Vec::new(),
            size: size.map(|size| size.cast_signed()),
        }
    }
}

impl Visit for Sources {
    fn input<T: Entity>(&mut self) {
        let window = T::MODEL.window.as_ref();
        self.all.push(Source {
            topic: T::MODEL.topic.name,
            key: |bytes, size| {
                let mut key = T::Key::decode(bytes).expect("a key");
                if let Some(size) = size {
                    key.end_window(size);
                }
                Rc::new(key)
            },
            timestamp: |key, body| {
                let key = T::Key::decode(key).expect("a key");
                T::decode(key, body).expect("a row").timestamp()
            },
            size: self.size.filter(|_| window.is_some()),
            length: window.map_or(0, |window| match window.kind {
                WindowKind::Session => 16,
                WindowKind::Tumbling | WindowKind::Hopping => 8,
            }),
        });
    }
}

/// A part of a joined row.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) key: Rc<dyn Any + Send>,
    pub(super) body: Rc<[u8]>,
}

/// A joined row: a place for each input.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) parts: Vec<Option<Held>>,
    pub(super) timestamp: i64,
    /// The window's part of the key that all of them have.
    pub(super) window: Rc<[u8]>,
}

impl Row {
    /// This one and another, of other inputs; the time is the later one.
    pub(super) fn with(&self, other: &Row) -> Row {
        let parts = self.parts.iter().zip(&other.parts);
        Row {
            parts: parts
                .map(|(one, other)| one.clone().or_else(|| other.clone()))
                .collect(),
            timestamp: self.timestamp.max(other.timestamp),
            window: Rc::clone(&self.window),
        }
    }

    /// The parts as a query is given them.
    pub(super) fn parts(&self) -> Vec<Option<Part<'_>>> {
        let parts = self.parts.iter().map(|part| {
            part.as_ref().map(|held| Part {
                key: &*held.key,
                body: &held.body,
            })
        });
        parts.collect()
    }
}
