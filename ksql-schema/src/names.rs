//! Names: upper-casing, quoting, what topics, sources and Avro allow, reserved words, window labels.

use crate::ddl::push_label;
use crate::model::Window;
use crate::text::Sink;

/// FNV-1a 64: how const code finds a column by name.
pub const fn hash(name: &str) -> u64 {
    crate::fingerprint::of(name)
}

/// A Rust name as ksqlDB's identifier.
pub fn upper(name: &str) -> String {
    name.to_uppercase()
}

/// An identifier in back quotes, inner ones doubled.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A window's label: `5min`, `30s`, `1440min`, `60min_by_15min`, `30min_session`.
pub fn window_label(window: &Window<'_>, size_ms: u64) -> String {
    let mut sink = Sink::new(&mut []);
    push_label(window, size_ms, false, &mut sink);
    let mut out = vec![0; sink.len()];
    push_label(window, size_ms, false, &mut Sink::new(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}

/// Column names that ksqlDB keeps for itself.
pub const PSEUDO_COLUMNS: [&str; 5] = [
    "ROWTIME",
    "ROWPARTITION",
    "ROWOFFSET",
    "WINDOWSTART",
    "WINDOWEND",
];

/// Whether KSQL reserves an upper-case word. As an identifier we quote every name anyway; a column named in a property
/// needs its quotes for these only. A match, since constants ask.
pub(crate) const fn is_reserved_upper(name: &str) -> bool {
    #[rustfmt::skip]
    let reserved = matches!(name.as_bytes(),
        b"ADVANCE" | b"ALL" | b"AND" | b"AS" | b"AT" | b"BEGINNING" | b"BETWEEN" | b"BY" | b"CASE" | b"CAST" |
        b"CATALOG" | b"CONNECTOR" | b"CONNECTORS" | b"CREATE" | b"DAYS" | b"DECIMAL" | b"DELETE" | b"DESCRIBE" |
        b"DISTINCT" | b"DROP" | b"ELSE" | b"END" | b"EXISTS" | b"EXPORT" | b"EXTENDED" | b"FALSE" | b"FROM" |
        b"FULL" | b"GROUP" | b"HAVING" | b"HOPPING" | b"HOURS" | b"IN" | b"INNER" | b"INSERT" | b"INTO" | b"IS" |
        b"JOIN" | b"LEFT" | b"LIKE" | b"LIMIT" | b"LIST" | b"LOAD" | b"MATERIALIZED" | b"MILLISECOND" |
        b"MILLISECONDS" | b"MINUTES" | b"MONTHS" | b"NAMESPACE" | b"NOT" | b"NULL" | b"ON" | b"OR" | b"OUTER" |
        b"PAUSE" | b"PRINT" | b"PROPERTIES" | b"QUERIES" | b"QUERY" | b"RENAME" | b"RESUME" | b"RETENTION" |
        b"RIGHT" | b"RUN" | b"SAMPLE" | b"SCRIPT" | b"SECONDS" | b"SELECT" | b"SIZE" | b"STREAM" | b"STREAMS" |
        b"TABLE" | b"TERMINATE" | b"THEN" | b"TO" | b"TOPIC" | b"TOPICS" | b"TRUE" | b"TUMBLING" | b"UNSET" |
        b"VALUES" | b"VIEW" | b"WHEN" | b"WHERE" | b"WINDOW" | b"WITH" | b"WITHIN" | b"YEARS"
    );
    reserved
}

/// Whether KSQL reserves a word.
pub fn is_reserved(name: &str) -> bool {
    is_reserved_upper(&name.to_ascii_uppercase())
}

/// What stands behind the topic of a window's final values.
pub const FINAL_SUFFIX: &str = "_final";

/// Whether ksqlDB finds an Avro field of this name: it looks for the column's upper-case name and for the same in lower
/// case, and reads NULL from a field in mixed case without a word.
pub fn is_found_by_ksqldb(field: &str) -> bool {
    let has = |case: fn(&u8) -> bool| field.bytes().any(|byte| case(&byte));
    !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
}

/// A name in lower case, its words joined by `_`: `depDelayMin` is `dep_delay_min`.
pub fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut letters = name.chars().peekable();
    let mut before = '_';
    while let Some(letter) = letters.next() {
        let begins = letter.is_ascii_uppercase()
            && before != '_'
            && (!before.is_ascii_uppercase()
                || letters.peek().is_some_and(char::is_ascii_lowercase));
        if begins {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
        before = letter;
    }
    out
}

/// Whether Avro can hold a name.
pub fn is_avro_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether Avro can hold a dotted namespace (a module path counts as one; of a raw module's name the `r#` goes).
pub const fn is_namespace(namespace: &str) -> bool {
    let mut rest = namespace.as_bytes();
    if rest.is_empty() {
        return true;
    }
    let mut first = true;
    loop {
        rest = match rest {
            [b'r', b'#', after @ ..] if first => after,
            [b'.', after @ ..] | [b':', b':', after @ ..] if !first => {
                first = true;
                after
            }
            [b'a'..=b'z' | b'A'..=b'Z' | b'_', after @ ..] => {
                first = false;
                after
            }
            [b'0'..=b'9', after @ ..] if !first => after,
            rest => return rest.is_empty() && !first,
        };
    }
}

/// The most characters a topic's name has.
pub const TOPIC_LENGTH: usize = 249;

/// What is wrong with a topic's name, if anything.
pub fn topic_defect(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a topic's name cannot be empty".to_owned());
    }
    if name.len() > TOPIC_LENGTH {
        return Some(format!(
            "a topic's name has at most {TOPIC_LENGTH} characters, not {}",
            name.len()
        ));
    }
    if name == "." || name == ".." {
        return Some(format!("`{name}` cannot be a topic's name"));
    }
    let wrong = name
        .chars()
        .find(|character| !(character.is_ascii_alphanumeric() || "._-".contains(*character)))?;
    Some(format!("a topic's name cannot hold `{wrong}`"))
}
