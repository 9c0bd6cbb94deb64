//! Values of keys as KSQL writes them: text in quotes, numbers without, every key column named.
//!
//! ksqlDB compares a key with a literal of its own type only: `'7'` for an INTEGER key is an error.

use ksql_schema::{Role, Type, ordered};
use uuid::Uuid;

use crate::codec::DecodeError;
use crate::entity::{Entity, EntityKey};

/// A text as a literal: `it's` is `'it''s'`.
///
/// ```
/// assert_eq!(ksql_runtime::ksqldb::text_literal("it's"), "'it''s'");
/// ```
pub fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What fixes a key in a `WHERE`: ``(`SYMBOL` = 'IBM')``, and the window of a windowed table.
///
/// ```
/// use ksql_runtime::prelude::*;
/// use ksql_runtime::ksqldb::key_condition;
///
/// #[derive(Debug, Clone, PartialEq, Entity)]
/// #[topic("parts")]
/// #[table]
/// struct Part {
///     #[key]
///     shelf: i32,
///     #[key]
///     name: String,
///     count: i64,
/// }
///
/// let condition = key_condition::<Part>(&PartKey { shelf: 7, name: "bolt".into() })?;
/// assert_eq!(condition, "(`SHELF` = 7) AND (`NAME` = 'bolt')");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Where the entity has no key.
pub fn key_condition<T: Entity>(key: &T::Key) -> Result<String, DecodeError> {
    let mut bytes = Vec::new();
    key.encode_ordered(&mut bytes);
    let mut rest = bytes.as_slice();
    let windowed = T::MODEL.window.is_some();
    let columns: Vec<_> = T::COLUMNS
        .iter()
        .filter(|column| column.role == Role::Key)
        .collect();
    if columns.is_empty() {
        return Err(DecodeError::new(format!("`{}` has no key", T::MODEL.name)));
    }
    let mut parts = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let last = at + 1 == columns.len() && !windowed;
        let literal = literal(column.ty, last, &mut rest).map_err(|error| error.at(column.name))?;
        parts.push(format!("({} = {literal})", column.quoted));
    }
    if windowed {
        for bound in ["WINDOWSTART", "WINDOWEND"] {
            let millis = ordered::read_i64(&mut rest).map_err(wrong)?;
            parts.push(format!("({bound} = {millis})"));
        }
    }
    Ok(parts.join(" AND "))
}

fn literal(ty: Type<'_>, last: bool, rest: &mut &[u8]) -> Result<String, DecodeError> {
    Ok(match ty {
        Type::Int32 => ordered::read_i32(rest).map_err(wrong)?.to_string(),
        Type::Int64 => ordered::read_i64(rest).map_err(wrong)?.to_string(),
        Type::Uuid => {
            text_literal(&Uuid::from_bytes(ordered::read_uuid(rest).map_err(wrong)?).to_string())
        }
        Type::String => text_literal(&ordered::read_str(last, rest).map_err(wrong)?),
        _ => return Err(DecodeError::new("no type of a key")),
    })
}

fn wrong(_: ordered::NotAKey) -> DecodeError {
    DecodeError::new("the key cannot be read back")
}
