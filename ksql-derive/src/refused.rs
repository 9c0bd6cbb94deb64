//! Types that can never be a column, each with what to write instead.

use crate::errors::{Errors, Place};
use crate::types::tidy;

/// Types that are not even a path.
pub(crate) fn syntax(ty: &syn::Type, errors: &mut Errors) {
    let (message, help) = match ty {
        syn::Type::Reference(reference) => {
            let inner = tidy(&reference.elem);
            let owned = match inner.as_str() {
                "str" => "String".to_owned(),
                "[u8]" => "Vec<u8>".to_owned(),
                _ => inner,
            };
            (
                format!("`{}` is borrowed, and an entity owns its values", tidy(ty)),
                format!("write `{owned}`; reading without copies is what the generated row is for"),
            )
        }
        syn::Type::Array(array) => {
            let owned = if tidy(&array.elem) == "u8" {
                "Vec<u8>".to_owned()
            } else {
                format!("Vec<{}>", tidy(&array.elem))
            };
            (
                "KSQL has no arrays of a fixed length".to_owned(),
                format!("write `{owned}`"),
            )
        }
        syn::Type::Slice(slice) => (
            "a slice has no size of its own".to_owned(),
            format!("write `Vec<{}>`", tidy(&slice.elem)),
        ),
        syn::Type::Tuple(tuple) if tuple.elems.is_empty() => (
            "`()` holds no value".to_owned(),
            "remove the field, or mark it `#[kafka_ignore]`".to_owned(),
        ),
        syn::Type::Tuple(_) => (
            "a tuple has no field names, and KSQL needs them".to_owned(),
            "write a struct with `#[derive(Struct)]`, or one field for each part".to_owned(),
        ),
        syn::Type::FnPtr(_) => (
            format!("`{}` cannot be a column", tidy(ty)),
            format!(
                "write a plain value type, or `Option<{}>` with `#[kafka_ignore]`",
                tidy(ty)
            ),
        ),
        // No `#[kafka_ignore]` helps: these cannot be a field, or cannot go to another thread, and an entity does.
        syn::Type::Ptr(_)
        | syn::Type::TraitObject(_)
        | syn::Type::ImplTrait(_)
        | syn::Type::Never(_)
        | syn::Type::Infer(_) => (
            format!("`{}` cannot be a column", tidy(ty)),
            "write a plain value type".to_owned(),
        ),
        // A macro, a qualified path, or syntax newer than this parser: the compiler decides.
        _ => return,
    };
    errors.push(Place::of(ty), message, help);
}

/// Well-known names that no trait implementation will ever stand behind.
pub(crate) fn named(ty: &syn::Type, name: &str, arguments: &[&syn::Type], errors: &mut Errors) {
    let inner = arguments.first().map_or_else(|| "T".to_owned(), tidy);
    let (message, help): (String, String) = match name {
        "u8" | "i8" => (
            format!("KSQL has no 8-bit integer: `{name}`"),
            "write `i16` (bytes are `Vec<u8>`)".into(),
        ),
        "u16" => (
            "KSQL has no unsigned integers: `u16`".into(),
            "write `i32`, which holds every `u16`".into(),
        ),
        "u32" => (
            "KSQL has no unsigned integers: `u32`".into(),
            "write `i64`, which holds every `u32`".into(),
        ),
        "u64" | "usize" => (
            format!("KSQL has no unsigned integers: `{name}`"),
            "write `i64`, or `Dec<20, 0>` where values above `i64::MAX` occur".into(),
        ),
        "isize" => (
            "the size of `isize` depends on the machine".into(),
            "write `i64`".into(),
        ),
        "i128" | "u128" => (
            format!("KSQL has no 128-bit integer: `{name}`"),
            "write `i64`, or `Dec<38, 0>`".into(),
        ),
        "char" => (
            "KSQL has no character: `char`".into(),
            "write `String`, with `#[max_length(1)]` if it matters".into(),
        ),
        "str" => (
            "`str` has no size of its own".into(),
            "write `String`".into(),
        ),
        "NaiveDateTime" => (
            "a date-time without a zone is another instant on every machine".into(),
            "write `DateTime<Utc>`, or `NaiveDate` or `NaiveTime` where only that part is meant"
                .into(),
        ),
        "Duration" | "TimeDelta" => (
            format!("KSQL has no durations: `{name}`"),
            "write `i64` and the unit into the field's name, such as `elapsed_ms`".into(),
        ),
        "Instant" | "SystemTime" | "OffsetDateTime" | "PrimitiveDateTime" | "Timestamp"
        | "Zoned" => (
            format!("`{name}` cannot be a column"),
            "write `DateTime<Utc>`".into(),
        ),
        "Bytes" | "BytesMut" => (
            format!("`{name}` cannot be a column"),
            "write `Vec<u8>`".into(),
        ),
        "BigDecimal" | "BigInt" => (
            format!("`{name}` has no fixed precision"),
            "write `Decimal` with `#[decimal_precision(18, 4)]`, or `Dec<38, 4>`".into(),
        ),
        "HashSet" | "BTreeSet" | "VecDeque" | "LinkedList" | "BinaryHeap" | "SmallVec"
        | "ArrayVec" => (
            format!("KSQL has arrays only, not `{name}`"),
            format!("write `Vec<{inner}>`"),
        ),
        "IndexMap" | "DashMap" => (
            format!("`{name}` cannot be a column"),
            "write `BTreeMap<String, T>` or `HashMap<String, T>`".into(),
        ),
        "Box" | "Rc" | "Arc" | "Cow" => {
            let owned = match inner.as_str() {
                "str" => "String".to_owned(),
                "[u8]" => "Vec<u8>".to_owned(),
                _ if name == "Cow" => "String".to_owned(),
                _ => inner,
            };
            (
                format!(
                    "`{}` cannot be a column: an entity owns plain values",
                    tidy(ty)
                ),
                format!("write `{owned}`"),
            )
        }
        "Cell" | "RefCell" | "OnceCell" => (
            format!("`{name}` is no value that could be written, and entities go to other threads"),
            format!("write `{inner}`"),
        ),
        "Mutex" | "RwLock" | "PhantomData" => (
            format!("`{name}` is no value that could be written"),
            "write a plain value type, or mark the field `#[kafka_ignore]`".into(),
        ),
        "PathBuf" | "OsString" | "CString" | "IpAddr" | "Ipv4Addr" | "Ipv6Addr" | "SocketAddr"
        | "Url" => (
            format!("`{name}` cannot be a column"),
            "write `String`".into(),
        ),
        _ => return,
    };
    errors.push(Place::of(ty), message, help);
}

/// Known types that are not `String`; other names may be aliases of it.
pub(crate) fn is_no_map_key(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "f32"
            | "f64"
            | "char"
            | "str"
            | "Uuid"
            | "Decimal"
            | "Dec"
            | "DateTime"
            | "NaiveDate"
            | "NaiveTime"
            | "Option"
            | "Vec"
            | "BTreeMap"
            | "HashMap"
            | "Box"
            | "Arc"
            | "Rc"
            | "Cow"
    )
}
