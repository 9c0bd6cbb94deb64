//! The answer of a query as the server sends it: one JSON array over the whole connection, an element whenever there is
//! one. Chunks end anywhere; [`Elements`] gives an element as soon as its last byte is there, and holds no more than it.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Cuts an endless array into its elements.
///
/// ```
/// use ksql_runtime::ksqldb::Elements;
///
/// let mut elements = Elements::new(1024);
/// elements.push(br#"[{"row":{"col"#);
/// assert_eq!(elements.next()?, None);
/// elements.push(b"umns\":[\"]\"]}},\n{}]");
/// assert_eq!(elements.next()?.as_deref(), Some(r#"{"row":{"columns":["]"]}}"#));
/// assert_eq!(elements.next()?.as_deref(), Some("{}"));
/// assert_eq!(elements.next()?, None);
/// assert!(elements.is_complete(), "and not only out of bytes");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct Elements {
    bytes: Vec<u8>,
    /// Where the element that is being read begins.
    start: usize,
    /// How far was looked.
    looked: usize,
    place: Place,
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the `[`.
    Before,
    /// Between elements.
    Between,
    /// Inside one.
    Inside {
        depth: usize,
        string: bool,
        escaped: bool,
    },
    /// Behind the `]`.
    Behind,
}

impl Elements {
    /// At the start of an answer, with the most bytes an element may have.
    pub fn new(limit: usize) -> Elements {
        Elements {
            bytes: Vec::new(),
            start: 0,
            looked: 0,
            place: Place::Before,
            limit,
        }
    }

    /// Takes bytes as they come.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes.drain(..self.start);
        self.looked -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(chunk);
    }

    /// Whether the `]` was read: the server says that there is no more.
    pub fn is_complete(&self) -> bool {
        self.place == Place::Behind
    }

    /// The next element that is complete.
    ///
    /// # Errors
    /// Where the bytes are no such array, or an element is too long.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator ends; this goes on when more bytes come"
    )]
    pub fn next(&mut self) -> Result<Option<String>, String> {
        while let Some(byte) = self.bytes.get(self.looked).copied() {
            self.place = match self.place {
                Place::Before if byte == b'[' => Place::Between,
                Place::Between if byte == b']' => Place::Behind,
                Place::Between if byte == b',' => Place::Between,
                Place::Between if byte == b'{' => {
                    self.start = self.looked;
                    Place::Inside {
                        depth: 1,
                        string: false,
                        escaped: false,
                    }
                }
                Place::Before | Place::Between | Place::Behind if byte.is_ascii_whitespace() => {
                    self.place
                }
                Place::Before | Place::Between | Place::Behind => {
                    return Err(format!(
                        "`{}` stands where no element can",
                        char::from(byte).escape_default()
                    ));
                }
                Place::Inside {
                    depth,
                    string,
                    escaped,
                } => inside(depth, string, escaped, byte),
            };
            self.looked += 1;
            match self.place {
                Place::Inside { depth: 0, .. } => return self.take().map(Some),
                Place::Inside { .. } => {}
                Place::Before | Place::Between | Place::Behind => self.start = self.looked,
            }
        }
        if self.looked - self.start > self.limit {
            return Err(format!("an element has more than {} bytes", self.limit));
        }
        Ok(None)
    }

    fn take(&mut self) -> Result<String, String> {
        let element = self.bytes.get(self.start..self.looked).unwrap_or_default();
        let text = std::str::from_utf8(element)
            .map(str::to_owned)
            .map_err(|_| "an element is no UTF-8".to_owned());
        self.start = self.looked;
        self.place = Place::Between;
        text
    }
}

fn inside(depth: usize, string: bool, escaped: bool, byte: u8) -> Place {
    let (depth, string, escaped) = match (string, escaped, byte) {
        (true, true, _) => (depth, true, false),
        (true, false, b'\\') => (depth, true, true),
        (true, false, b'"') => (depth, false, false),
        (true, false, _) => (depth, true, false),
        (false, _, b'"') => (depth, true, false),
        (false, _, b'{' | b'[') => (depth + 1, false, false),
        (false, _, b'}' | b']') => (depth - 1, false, false),
        (false, _, _) => (depth, false, false),
    };
    Place::Inside {
        depth,
        string,
        escaped,
    }
}

/// One element of an answer.
#[derive(Debug)]
pub enum Element<'a> {
    /// The first: which query this is, and its columns.
    Header {
        /// The query's id; empty where an old server gives none.
        query_id: String,
        /// The columns, as text.
        schema: String,
    },
    /// A row.
    Row {
        /// The values, unread.
        columns: Vec<&'a RawValue>,
        /// Whether the row is gone; only its key columns have values then.
        tombstone: bool,
    },
    /// Why there is no more.
    Final(String),
    /// An error behind the header.
    Error {
        /// ksqlDB's code.
        code: u32,
        /// Its text.
        message: String,
    },
    /// Something else: a newer server has more to say.
    Other,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(default)]
    header: Option<Header>,
    #[serde(borrow, default)]
    row: Option<Values<'a>>,
    #[serde(default, rename = "finalMessage")]
    final_message: Option<String>,
    #[serde(default, rename = "errorMessage")]
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default, rename = "queryId")]
    query_id: Option<String>,
    #[serde(default)]
    schema: Option<String>,
}

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(borrow, default)]
    columns: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    tombstone: Option<bool>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    error_code: Option<u32>,
    #[serde(default)]
    message: Option<String>,
}

impl<'a> Element<'a> {
    /// Reads an element's text.
    ///
    /// # Errors
    /// Where it is no JSON object of this kind.
    pub fn read(text: &'a str) -> Result<Element<'a>, String> {
        let parts: Parts<'a> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if let Some(error) = parts.error {
            return Ok(Element::Error {
                code: error.error_code.unwrap_or(50000),
                message: error.message.unwrap_or_default(),
            });
        }
        if let Some(header) = parts.header {
            return Ok(Element::Header {
                query_id: header.query_id.unwrap_or_default(),
                schema: header.schema.unwrap_or_default(),
            });
        }
        if let Some(Values {
            columns: Some(columns),
            tombstone,
        }) = parts.row
        {
            return Ok(Element::Row {
                columns,
                tombstone: tombstone.unwrap_or(false),
            });
        }
        Ok(parts.final_message.map_or(Element::Other, Element::Final))
    }
}
