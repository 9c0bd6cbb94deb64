//! Records of an entity without its type: columns by name, as JSON.
//!
//! Invariant: a record is opened as tables open it, whoever wrote it; what is no row says why, and keeps none of the others from being
//! shown. Decimals, times and bytes are texts, so that no digit is lost.

use chrono::{DateTime, SecondsFormat};
use ksql_schema::Type;
use ksql_schema::model::{Role, WindowKind};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

use crate::codec::{Reader, frame, result::Cells};
use crate::entity::{Entity, EntityKey, Window};
use crate::log::{RecordRef, dummy};
use crate::ops::{Any, Scratch, cast};
use crate::registry::Registry;
use crate::state::{Decoder, Origin, Refusal};

/// Opens records of one entity.
pub(crate) trait View: Send {
    /// What a record is.
    fn open(&mut self, record: &RecordRef<'_>) -> Opened;
}

/// Makes a view: of records of this origin, in windows of this size.
pub(crate) type MakeView = fn(Origin, Registry, Option<u64>) -> Box<dyn View>;

/// What a record is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Opened {
    /// A row: every column by its field's name, in the order of the fields.
    Row(Columns),
    /// A tombstone: the key's columns.
    Deleted(Columns),
    /// It only warms up.
    Marker,
    /// It is no row; why.
    Bad(String),
    /// The schema it was written with has to be asked for.
    Unknown(u32),
}

/// Columns by their fields' names, in the order of the fields; so they are serialised too.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Columns(pub(crate) Vec<(&'static str, Value)>);

impl Columns {
    /// A column by its field's name, or by its name in KSQL.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let mut columns = self.0.iter();
        let column = columns.find(|(column, _)| column.eq_ignore_ascii_case(name))?;
        Some(&column.1)
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The view of an entity.
pub(crate) fn of<T: Entity>(
    origin: Origin,
    registry: Registry,
    window: Option<u64>,
) -> Box<dyn View> {
    Box::new(Opening::<T> {
        decoder: Decoder::knowing(origin, registry),
        window: window.and_then(|size| i64::try_from(size).ok()),
        session: T::MODEL
            .window
            .is_some_and(|window| window.kind == WindowKind::Session),
    })
}

struct Opening<T> {
    decoder: Decoder<T>,
    window: Option<i64>,
    session: bool,
}

impl<T: Entity> View for Opening<T> {
    fn open(&mut self, record: &RecordRef<'_>) -> Opened {
        if dummy::is_marked(record.headers) {
            return Opened::Marker;
        }
        let key = match record.key {
            None => match T::Key::absent() {
                Some(key) => key,
                None => return Opened::Bad("it has no key".to_owned()),
            },
            Some(wire) => match self.decoder.key(wire) {
                Ok(key) => key,
                Err(Refusal::Unknown(id, _)) => return Opened::Unknown(id),
                Err(Refusal::Poison(reason)) => {
                    return Opened::Bad(format!("the key cannot be read: {reason}"));
                }
            },
        };
        let Some((keys, window)) = self.keys(&key) else {
            return Opened::Bad("the key cannot be shown".to_owned());
        };
        let Some(value) = record.value else {
            return Opened::Deleted(named::<T>(keys, None, window));
        };
        let body = match self.decoder.value(value) {
            Ok(body) => body,
            Err(Refusal::Unknown(id, _)) => return Opened::Unknown(id),
            Err(Refusal::Poison(reason)) => {
                return Opened::Bad(format!("the value cannot be read: {reason}"));
            }
        };
        let scratch = Scratch::new();
        match T::decode_row(&key, body) {
            Ok(row) => {
                let mut values = Values(Vec::new(), &scratch);
                T::cells(row, &scratch, &mut values);
                Opened::Row(named::<T>(keys, Some(values.0), window))
            }
            Err(error) => Opened::Bad(format!("the value cannot be read: {error}")),
        }
    }
}

/// The value columns of a row.
struct Values<'s>(Vec<Value>, &'s Scratch);

impl<'a> Cells<'a> for Values<'a> {
    fn key(&mut self, _value: Any<'a>) {}

    fn value(&mut self, value: Any<'a>) {
        self.0.push(json(value, self.1));
    }
}

impl<T: Entity> Opening<T> {
    /// The key's columns in their order, and the window it names.
    fn keys(&self, key: &T::Key) -> Option<(Vec<Value>, Option<Window>)> {
        let mut wire = Vec::new();
        key.encode(0, &mut wire);
        let (inner, window) = match T::MODEL.window {
            None => (wire.as_slice(), None),
            Some(_) => {
                let (inner, mut window) = Window::decode(&wire, self.session).ok()?;
                if let Some(size) = self.window.filter(|_| !self.session) {
                    window.end = window.start.saturating_add(size);
                }
                (inner, Some(window))
            }
        };
        let columns: Vec<Type<'_>> = T::MODEL
            .columns
            .iter()
            .filter(|column| column.role == Role::Key)
            .map(|column| column.ty)
            .collect();
        let keys = match columns.as_slice() {
            [] => Vec::new(),
            [_] if key.is_absent() => vec![Value::Null],
            [ty] => vec![primitive(ty, inner)?],
            several => {
                let (_, body) = frame::read(inner).ok()?;
                let mut input = Reader::new(body);
                let parts = several.iter().map(|ty| part(ty, &mut input));
                parts.collect::<Option<Vec<Value>>>()?
            }
        };
        Some((keys, window))
    }
}

/// A key of one column: Kafka's primitive bytes.
fn primitive(ty: &Type<'_>, bytes: &[u8]) -> Option<Value> {
    Some(match ty {
        Type::Int32 => Value::from(i32::from_be_bytes(bytes.try_into().ok()?)),
        Type::Int64 => Value::from(i64::from_be_bytes(bytes.try_into().ok()?)),
        _ => Value::from(std::str::from_utf8(bytes).ok()?),
    })
}

/// A column of a key of several: a nullable field of a record.
fn part(ty: &Type<'_>, input: &mut Reader<'_>) -> Option<Value> {
    if !input.present().ok()? {
        return Some(Value::Null);
    }
    Some(match ty {
        Type::Int32 | Type::Int64 => Value::from(input.long().ok()?),
        _ => Value::from(input.text().ok()?),
    })
}

/// Columns by name, in the order of the fields.
fn named<T: Entity>(
    keys: Vec<Value>,
    values: Option<Vec<Value>>,
    window: Option<Window>,
) -> Columns {
    let (mut keys, has_values) = (keys.into_iter(), values.is_some());
    let mut values = values.into_iter().flatten();
    let mut row: Vec<(&'static str, Value)> = Vec::with_capacity(T::MODEL.columns.len());
    for column in T::MODEL.columns {
        let value = match column.role {
            Role::Key => keys.next(),
            Role::Value if has_values => values.next(),
            Role::WindowStart => window.map(|window| moment(window.start)),
            Role::WindowEnd => window.map(|window| moment(window.end)),
            Role::Value | Role::Ignored => continue,
        };
        row.push((column.name, value.unwrap_or(Value::Null)));
    }
    // Rows of a window are told apart by it, whether the entity has a field for it or not.
    if let Some(window) = window {
        let has = |role| T::MODEL.columns.iter().any(|column| column.role == role);
        for (role, name, at) in [
            (Role::WindowStart, "window_start", window.start),
            (Role::WindowEnd, "window_end", window.end),
        ] {
            if !has(role) && row.iter().all(|(known, _)| *known != name) {
                row.push((name, moment(at)));
            }
        }
    }
    Columns(row)
}

fn moment(millis: i64) -> Value {
    DateTime::from_timestamp_millis(millis).map_or(Value::from(millis), |time| {
        Value::from(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    })
}

/// A value as JSON.
fn json<'a>(any: Any<'a>, scratch: &'a Scratch) -> Value {
    match any {
        Any::Null | Any::Failed => Value::Null,
        Any::Boolean(value) => Value::from(value),
        Any::Integer(value) => Value::from(value),
        Any::Bigint(value) => Value::from(value),
        Any::Double(value) => serde_json::Number::from_f64(value)
            .map_or_else(|| Value::from(value.to_string()), Value::Number),
        Any::String(text) => Value::from(text),
        Any::Decimal(..)
        | Any::Wide(..)
        | Any::Uuid(_)
        | Any::Bytes(_)
        | Any::Date(_)
        | Any::Time(_) => Value::from(cast::text(scratch, any)),
        Any::Timestamp(millis) => moment(millis),
        Any::List(list) => {
            let items = list.items(scratch);
            items.iter().map(|item| json(*item, scratch)).collect()
        }
        Any::Map(map) => object(map.entries(scratch), scratch),
        Any::Struct(fields) => object(fields, scratch),
    }
}

fn object<'a>(fields: &[(&'a str, Any<'a>)], scratch: &'a Scratch) -> Value {
    let fields = fields.iter();
    let fields = fields.map(|(name, value)| ((*name).to_owned(), json(*value, scratch)));
    Value::Object(fields.collect())
}
