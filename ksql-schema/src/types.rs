//! Column types: what a field is in Rust, Avro and KSQL at once.
//!
//! `Type` is what the trait of the runtime reports as a constant for a Rust type, and what the
//! derive macro recognises from well-known names. Renderers turn it into Avro and KSQL.

/// The type of a column, element or nested field, without its nullability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Type<'a> {
    /// `bool`: Avro `boolean`, KSQL `BOOLEAN`.
    Boolean,
    /// `i16`: Avro `int`, KSQL `INTEGER`; reading is checked.
    Int16,
    /// `i32`: Avro `int`, KSQL `INTEGER`.
    Int32,
    /// `i64`: Avro `long`, KSQL `BIGINT`.
    Int64,
    /// `f32`: Avro `float`, KSQL `DOUBLE`; reading is checked.
    Float32,
    /// `f64`: Avro `double`, KSQL `DOUBLE`.
    Float64,
    /// `String`: Avro `string`, KSQL `STRING`.
    String,
    /// `Uuid`: Avro `string`, KSQL `STRING`.
    Uuid,
    /// An enum of unit variants: Avro `string`, KSQL `STRING`.
    Enum,
    /// `Vec<u8>`: Avro `bytes`, KSQL `BYTES`.
    Bytes,
    /// A decimal: Avro `bytes` with `decimal(p, s)`, KSQL `DECIMAL(p, s)`. Precision 0: not stated yet.
    Decimal {
        /// All digits.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// `DateTime<Utc>` or with offset (converted to UTC): Avro `long` + `timestamp-millis`, KSQL `TIMESTAMP`.
    DateTime,
    /// `NaiveDate`: Avro `int` + `date`, KSQL `DATE`.
    Date,
    /// `NaiveTime`: Avro `int` + `time-millis`, KSQL `TIME`.
    Time,
    /// `Vec<T>`: Avro array, KSQL `ARRAY<T>`.
    Array(&'a Item<'a>),
    /// A map with `String` keys: Avro map, KSQL `MAP<STRING, T>`.
    Map(&'a Item<'a>),
    /// A nested `#[derive(Struct)]` type: Avro record, KSQL `STRUCT<..>`.
    Struct(&'a Struct<'a>),
    /// A name the macro cannot see through (an alias, a nested type): the compiler decides.
    Unknown,
}

/// The element of an array or the value of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// The element's type.
    pub ty: Type<'a>,
    /// Whether elements are `Option`.
    pub nullable: bool,
}

/// A nested record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Struct<'a> {
    /// The struct's name as written in Rust.
    pub name: &'a str,
    /// Its fields in order of definition.
    pub fields: &'a [Field<'a>],
}

/// A field of a nested record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// The field's name as written, without `r#`.
    pub name: &'a str,
    /// The upper-cased name.
    pub sql_name: &'a str,
    /// Its type.
    pub ty: Type<'a>,
    /// Whether it is an `Option`.
    pub nullable: bool,
}
