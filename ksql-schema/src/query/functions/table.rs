//! The scalar functions, a row each: names, arguments, result, NULL, form, meaning. Everything else about a function is
//! computed from its row.

use super::{Argument as A, Form as F, Gives as R, Nulls as N};
use crate::query::node::Sql;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $ksql:literal $names:expr, $arguments:expr, $required:literal $(rest $rest:literal)?,
        $result:expr, $nulls:expr, $form:expr, $meaning:literal;)*) => {
        /// A scalar function of ksqlDB's, or what a Rust method is written with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Function {
            $(#[doc = $meaning] $name,)*
        }

        impl Function {
            /// All functions.
            pub const ALL: &'static [Function] = &[$(Function::$name),*];
        }

        pub(super) const SPECS: &[super::Spec] = &[$(super::Spec {
            ksql: $ksql,
            names: &$names,
            arguments: &$arguments,
            required: $required,
            rest: false $(|| $rest)?,
            result: $result,
            nulls: $nulls,
            form: $form,
            meaning: $meaning,
        }),*];
    };
}

const INTEGER: R = R::Fixed(Sql::Integer);
const BIGINT: R = R::Fixed(Sql::Bigint);
const DOUBLE: R = R::Fixed(Sql::Double);
const STRING: R = R::Fixed(Sql::String);
const BOOLEAN: R = R::Fixed(Sql::Boolean);
const BYTES: R = R::Fixed(Sql::Bytes);
const DATE: R = R::Fixed(Sql::Date);
const TIME: R = R::Fixed(Sql::Time);
const TIMESTAMP: R = R::Fixed(Sql::Timestamp);

#[rustfmt::skip]
functions! {
    Abs "ABS" ["abs"], [A::Number], 1, R::First, N::Strict, F::Call,
        "The number without its sign; the smallest integer stays negative.";
    Sign "SIGN" ["signum", "sign"], [A::Number], 1, INTEGER, N::Strict, F::Call,
        "-1, 0 or 1.";
    Sqrt "SQRT" ["sqrt"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The square root; NaN of a negative number.";
    Exp "EXP" ["exp"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "e to this power.";
    Ln "LN" ["ln", "log"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The natural logarithm; NaN of a negative number, minus infinity of zero.";
    Log "LOG" ["log"], [A::Number, A::Number], 2, DOUBLE, N::Strict, F::Template("LOG({1}, {0})"),
        "The logarithm to a base; NaN for a base of 1 or not above zero.";
    Power "POWER" ["pow", "powf", "powi", "power"], [A::Number, A::Number], 2, DOUBLE, N::Strict, F::Call,
        "The number to a power, as a double.";
    Ceil "CEIL" ["ceil", "ceiling"], [A::Number], 1, R::First, N::Strict, F::Call,
        "The next whole number upwards; type and scale stay.";
    Floor "FLOOR" ["floor"], [A::Number], 1, R::First, N::Strict, F::Call,
        "The next whole number downwards; type and scale stay.";
    Round "ROUND" ["round"], [A::Number], 1, R::Whole, N::Strict, F::Call,
        "The nearest whole number, a half upwards: a BIGINT, or a decimal without scale.";
    RoundTo "ROUND" ["round"], [A::Fraction, A::Integer], 2, R::First, N::Strict, F::Call,
        "Rounded to so many digits after the point, a half upwards; type and scale stay.";
    Trunc "TRUNC" ["trunc"], [A::Number], 1, R::Whole, N::Strict, F::Call,
        "Without its fraction: a BIGINT, or a decimal without scale.";
    TruncTo "TRUNC" ["trunc"], [A::Fraction, A::Integer], 2, R::First, N::Strict, F::Call,
        "Cut to so many digits after the point; type and scale stay.";
    Greatest "GREATEST" ["max", "greatest"], [A::Widest, A::Widest], 2 rest true, R::Common, N::AllNull, F::Call,
        "The largest of several; NULLs are left out.";
    Least "LEAST" ["min", "least"], [A::Widest, A::Widest], 2 rest true, R::Common, N::AllNull, F::Call,
        "The smallest of several; NULLs are left out.";

    Cbrt "CBRT" ["cbrt"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The cube root.";
    Sin "SIN" ["sin"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The sine of an angle in radians.";
    Cos "COS" ["cos"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The cosine of an angle in radians.";
    Tan "TAN" ["tan"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The tangent of an angle in radians.";
    Cot "COT" ["cot"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The cotangent of an angle in radians; infinite of zero.";
    Asin "ASIN" ["asin"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The angle of a sine; NaN beyond 1.";
    Acos "ACOS" ["acos"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The angle of a cosine; NaN beyond 1.";
    Atan "ATAN" ["atan"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The angle of a tangent.";
    Sinh "SINH" ["sinh"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The hyperbolic sine.";
    Cosh "COSH" ["cosh"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The hyperbolic cosine.";
    Tanh "TANH" ["tanh"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "The hyperbolic tangent.";
    Degrees "DEGREES" ["to_degrees", "degrees"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "Radians as degrees.";
    Radians "RADIANS" ["to_radians", "radians"], [A::Number], 1, DOUBLE, N::Strict, F::Call,
        "Degrees as radians.";
    Atan2 "ATAN2" ["atan2"], [A::Number, A::Number], 2, DOUBLE, N::Strict, F::Call,
        "The angle of a point, of y and x.";
    GenerateSeries "GENERATE_SERIES" ["generate_series"], [A::Long, A::SameWhole, A::Integer], 2, R::ListOfFirst, N::MayFail, F::Call,
        "The whole numbers from one to another, both included, by steps of 1 or as said; NULL for a step of 0 or the wrong way.";

    Coalesce "COALESCE" ["unwrap_or", "or", "coalesce"], [A::Alike, A::Alike], 2 rest true, R::Common, N::AllNull, F::Call,
        "The first of several that is not NULL.";
    IfNull "IFNULL" ["ifnull", "if_null"], [A::Alike, A::Alike], 2, R::Common, N::AllNull, F::Call,
        "The second where the first is NULL.";
    NullIf "NULLIF" ["nullif", "null_if"], [A::Alike, A::Alike], 2, R::Common, N::MayFail, F::Call,
        "NULL where both are equal, else the first.";
    IsNull "" ["is_none"], [A::Any], 1, BOOLEAN, N::Never, F::Template("({0} IS NULL)"),
        "Whether it is NULL.";
    IsNotNull "" ["is_some"], [A::Any], 1, BOOLEAN, N::Never, F::Template("({0} IS NOT NULL)"),
        "Whether it is not NULL.";
    AsValue "AS_VALUE" ["as_value"], [A::Any], 1, R::First, N::Strict, F::Call,
        "A copy of a key column for the value.";

    Concat "CONCAT" ["concat"], [A::Stringy, A::SameOrNull], 2 rest true, R::First, N::Never, F::Call,
        "Several texts, or bytes, one after another; NULLs are left out.";
    ConcatWs "CONCAT_WS" ["concat_ws"], [A::Stringy, A::SameOrNull, A::SameOrNull], 2 rest true, R::First, N::First, F::Call,
        "Several texts, or bytes, with this one between them; NULLs are left out.";
    Len "LEN" ["len", "array_length"], [A::Sized], 1, INTEGER, N::Strict, F::Template("{f}({0})"),
        "The length: of a text in UTF-16 units, of bytes in bytes, of an array in elements.";
    IsEmpty "" ["is_empty"], [A::Sized], 1, BOOLEAN, N::Never, F::Template("({f}({0}) = 0)"),
        "Whether the length is 0; false of NULL.";
    Substring "SUBSTRING" ["substring"], [A::Stringy, A::Integer, A::Integer], 2, R::First, N::Strict, F::Call,
        "From a position on, so many UTF-16 units, or bytes: the first is 1, negative ones count from the end.";
    Ucase "UCASE" ["to_uppercase", "ucase"], [A::Text], 1, STRING, N::Strict, F::Call,
        "In upper case.";
    Lcase "LCASE" ["to_lowercase", "lcase"], [A::Text], 1, STRING, N::Strict, F::Call,
        "In lower case.";
    InitCap "INITCAP" ["initcap"], [A::Text], 1, STRING, N::Strict, F::Call,
        "In lower case, the first letter of each word in upper case.";
    Trim "TRIM" ["trim"], [A::Text], 1, STRING, N::Strict, F::Call,
        "Without blanks and control characters at both ends.";
    Replace "REPLACE" ["replace"], [A::Text, A::Text, A::Text], 3, STRING, N::Strict, F::Call,
        "Every occurrence of one text replaced by another.";
    Instr "INSTR" ["instr"], [A::Text, A::Text, A::Integer, A::Integer], 2, INTEGER, N::Never, F::Call,
        "Where a text occurs, from 1; 0 if it does not, or of NULL.";
    StartsWith "" ["starts_with"], [A::Text, A::Text], 2, BOOLEAN, N::Never, F::Template("(INSTR({0}, {1}) = 1)"),
        "Whether it begins with a text; false of NULL.";
    EndsWith "" ["ends_with"], [A::Text, A::Text], 2, BOOLEAN, N::Strict,
        F::Template("(SUBSTRING({0}, (LEN({0}) - LEN({1})) + 1) = {1})"),
        "Whether it ends with a text.";
    Contains "" ["contains", "array_contains"], [A::Searchable, A::Item], 2, BOOLEAN, N::Never, F::Template("({f}({0}, {1}){t})"),
        "Whether a text occurs in it, or an array holds it; false of NULL.";
    LPad "LPAD" ["pad_start", "lpad"], [A::Stringy, A::Integer, A::Same], 3, R::First, N::MayFail, F::Call,
        "Padded in front to a length; a longer one is cut. NULL for an empty padding.";
    RPad "RPAD" ["pad_end", "rpad"], [A::Stringy, A::Integer, A::Same], 3, R::First, N::MayFail, F::Call,
        "Padded behind to a length; a longer one is cut. NULL for an empty padding.";
    Split "SPLIT" ["split"], [A::Stringy, A::Same], 2, R::ListOfFirst, N::Strict, F::Call,
        "Its parts between a delimiter; an empty one splits into characters, or bytes.";
    RegexpExtract "REGEXP_EXTRACT" ["regexp_extract"], [A::Text, A::Text, A::Integer], 2, STRING, N::MayFail,
        F::Template("REGEXP_EXTRACT({1}, {0}{2..})"),
        "What a regular expression, or one of its groups, matches first.";
    Mask "MASK" ["mask"], [A::Text, A::Text, A::Text, A::Text, A::Text], 1, STRING, N::UnlessLiteral, F::Call,
        "With letters, digits and the rest replaced by `X`, `x`, `n` and `-`, or by four masks of one character each.";
    ToBytes "TO_BYTES" ["to_bytes"], [A::Text, A::Text], 2, BYTES, N::MayFail, F::Call,
        "The bytes a text says in an encoding: `hex`, `utf8`, `ascii` or `base64`.";
    FromBytes "FROM_BYTES" ["from_bytes"], [A::Bytes, A::Text], 2, STRING, N::UnlessLiteral, F::Call,
        "Bytes as text in an encoding: `hex`, `utf8`, `ascii` or `base64`.";

    Encode "ENCODE" ["encode"], [A::Text, A::Text, A::Text], 3, STRING, N::MayFail, F::Call,
        "A text of one encoding in another: `hex`, `utf8`, `ascii` or `base64`.";
    IntFromBytes "INT_FROM_BYTES" ["int_from_bytes"], [A::Bytes, A::Text], 1, INTEGER, N::MayFail, F::Call,
        "The INTEGER in four bytes, in the order `BIG_ENDIAN` or as said, `LITTLE_ENDIAN`.";
    BigintFromBytes "BIGINT_FROM_BYTES" ["bigint_from_bytes"], [A::Bytes, A::Text], 1, BIGINT, N::MayFail, F::Call,
        "The BIGINT in eight bytes, in the order `BIG_ENDIAN` or as said, `LITTLE_ENDIAN`.";
    DoubleFromBytes "DOUBLE_FROM_BYTES" ["double_from_bytes"], [A::Bytes, A::Text], 1, DOUBLE, N::MayFail, F::Call,
        "The DOUBLE in eight bytes, in the order `BIG_ENDIAN` or as said, `LITTLE_ENDIAN`.";
    Chr "CHR" ["chr"], [A::Code], 1, STRING, N::MayFail, F::Call,
        "The character of a code point, or of its UTF-16 code as text: `\\u004b`.";
    Elt "ELT" ["elt"], [A::Integer, A::Text], 2 rest true, STRING, N::MayFail, F::Call,
        "The text of this number among several, the first is 1.";
    Field "FIELD" ["field"], [A::Text, A::Text], 2 rest true, INTEGER, N::Never, F::Call,
        "The number of this text among several, the first is 1; 0 if it is none of them, or NULL.";
    Md5 "MD5" ["md5"], [A::Text], 1, STRING, N::Strict, F::Call,
        "The MD5 digest of a text's UTF-8, in lower-case hex.";

    ArrayMax "ARRAY_MAX" ["array_max"], [A::Ordered], 1, R::Element, N::MayFail, F::Call,
        "The largest element; NULL if there is none.";
    ArrayMin "ARRAY_MIN" ["array_min"], [A::Ordered], 1, R::Element, N::MayFail, F::Call,
        "The smallest element; NULL if there is none.";
    ArrayDistinct "ARRAY_DISTINCT" ["distinct", "array_distinct"], [A::Array], 1, R::First, N::Strict, F::Call,
        "Each element once, in the order of their first occurrence.";
    ArrayJoin "ARRAY_JOIN" ["join", "array_join"], [A::Scalars, A::Text], 1, STRING, N::First, F::Call,
        "The elements as one text with a delimiter between them, `,` if none is written.";
    Slice "SLICE" ["slice"], [A::Array, A::Integer, A::Integer], 3, R::First, N::MayFail, F::Call,
        "The elements from one position to another, both included, the first is 1; NULL out of range.";
    MapKeys "MAP_KEYS" ["keys", "map_keys"], [A::Map], 1, R::Texts, N::Strict, F::Call,
        "The keys of a map, in no order.";
    MapValues "MAP_VALUES" ["values", "map_values"], [A::Map], 1, R::Values, N::Strict, F::Call,
        "The values of a map, in no order.";
    AsMap "AS_MAP" ["as_map"], [A::Texts, A::Array], 2, R::MapOfSecond, N::Strict, F::Call,
        "A map of these keys and the values of another array.";

    ArrayConcat "ARRAY_CONCAT" ["array_concat"], [A::Array, A::Alike], 2, R::Common, N::AllNull, F::Call,
        "The elements of both; one that is NULL has none.";
    ArrayUnion "ARRAY_UNION" ["array_union", "union"], [A::Array, A::Alike], 2, R::Common, N::Strict, F::Call,
        "The elements of either, each once.";
    ArrayIntersect "ARRAY_INTERSECT" ["array_intersect", "intersect"], [A::Array, A::Alike], 2, R::Common, N::Strict, F::Call,
        "The elements of both, each once.";
    ArrayExcept "ARRAY_EXCEPT" ["array_except", "except"], [A::Array, A::Alike], 2, R::Common, N::Strict, F::Call,
        "The elements that the other has not, each once.";
    ArrayRemove "ARRAY_REMOVE" ["array_remove", "remove"], [A::Array, A::Item], 2, R::First, N::First, F::Call,
        "The elements that are not this one.";
    ArraySort "ARRAY_SORT" ["array_sort", "sort", "sorted"], [A::Ordered, A::Text], 1, R::First, N::UnlessLiteral, F::Call,
        "The elements in order, falling if `DESC` is written; NULLs come last.";
    MapUnion "MAP_UNION" ["map_union"], [A::Map, A::Alike], 2, R::Common, N::AllNull, F::Call,
        "The entries of both, of one key the second's; one that is NULL has none.";
    Entries "ENTRIES" ["entries"], [A::Entries, A::Boolean], 2, R::Entries, N::Strict, F::Call,
        "The entries of a map as structs of `k` and `v`, by their keys if it is `true`.";

    UnixTimestamp "UNIX_TIMESTAMP" ["unix_timestamp", "timestamp_millis"], [A::Timestamp], 1, BIGINT, N::Strict, F::Call,
        "Milliseconds since 1970-01-01 UTC.";
    FromUnixtime "FROM_UNIXTIME" ["from_unixtime"], [A::Long], 1, TIMESTAMP, N::Strict, F::Call,
        "The time so many milliseconds after 1970-01-01 UTC.";
    UnixDate "UNIX_DATE" ["unix_date"], [A::Date], 1, INTEGER, N::Strict, F::Call,
        "Days since 1970-01-01.";
    FromDays "FROM_DAYS" ["from_days"], [A::Integer], 1, DATE, N::Strict, F::Call,
        "The date so many days after 1970-01-01.";
    FormatTimestamp "FORMAT_TIMESTAMP" ["format_timestamp"], [A::Timestamp, A::Text, A::Text], 2, STRING, N::UnlessLiteral, F::Call,
        "A time as text by a Java pattern, in a zone (UTC).";
    FormatDate "FORMAT_DATE" ["format_date"], [A::Date, A::Text], 2, STRING, N::UnlessLiteral, F::Call,
        "A date as text by a Java pattern.";
    FormatTime "FORMAT_TIME" ["format_time"], [A::Time, A::Text], 2, STRING, N::UnlessLiteral, F::Call,
        "A time of day as text by a Java pattern.";
    Format "" ["format"], [A::Temporal, A::Text], 2, STRING, N::UnlessLiteral, F::Template("{f}({0}, {1})"),
        "A time, a date or a time of day as text by a Java pattern.";
    ParseTimestamp "PARSE_TIMESTAMP" ["parse_timestamp"], [A::Text, A::Text, A::Text], 2, TIMESTAMP, N::MayFail, F::Call,
        "The time a text says by a Java pattern, in a zone (UTC).";
    ParseDate "PARSE_DATE" ["parse_date"], [A::Text, A::Text], 2, DATE, N::MayFail, F::Call,
        "The date a text says by a Java pattern.";
    ParseTime "PARSE_TIME" ["parse_time"], [A::Text, A::Text], 2, TIME, N::MayFail, F::Call,
        "The time of day a text says by a Java pattern.";
    TimestampAdd "TIMESTAMPADD" ["timestamp_add", "timestampadd"], [A::Timestamp, A::Integer], 2, TIMESTAMP, N::Strict,
        F::Template("TIMESTAMPADD({u}, {1}, {0})"),
        "A time so many units later.";
    TimestampSub "TIMESTAMPSUB" ["timestamp_sub", "timestampsub"], [A::Timestamp, A::Integer], 2, TIMESTAMP, N::Strict,
        F::Template("TIMESTAMPSUB({u}, {1}, {0})"),
        "A time so many units earlier.";
    DateAdd "DATEADD" ["date_add", "dateadd"], [A::Date, A::Integer], 2, DATE, N::Strict,
        F::Template("DATEADD({u}, {1}, {0})"),
        "A date so many units later; what is under a day is dropped.";
    DateSub "DATESUB" ["date_sub", "datesub"], [A::Date, A::Integer], 2, DATE, N::Strict,
        F::Template("DATESUB({u}, {1}, {0})"),
        "A date so many units earlier; what is under a day is dropped.";
    TimeAdd "TIMEADD" ["time_add", "timeadd"], [A::Time, A::Integer], 2, TIME, N::Strict,
        F::Template("TIMEADD({u}, {1}, {0})"),
        "A time of day so many units later.";
    TimeSub "TIMESUB" ["time_sub", "timesub"], [A::Time, A::Integer], 2, TIME, N::Strict,
        F::Template("TIMESUB({u}, {1}, {0})"),
        "A time of day so many units earlier.";
    ConvertTz "CONVERT_TZ" ["convert_tz"], [A::Timestamp, A::Text, A::Text], 3, TIMESTAMP, N::UnlessLiteral, F::Call,
        "A time of one zone as that of another.";
    Year "" ["year"], [A::Moment], 1, INTEGER, N::Strict,
        F::Template("CAST(FORMAT_TIMESTAMP(CAST({0} AS TIMESTAMP), 'yyyy') AS INTEGER)"),
        "The year, in UTC.";
    Month "" ["month"], [A::Moment], 1, INTEGER, N::Strict,
        F::Template("CAST(FORMAT_TIMESTAMP(CAST({0} AS TIMESTAMP), 'MM') AS INTEGER)"),
        "The month from 1, in UTC.";
    Day "" ["day"], [A::Moment], 1, INTEGER, N::Strict,
        F::Template("CAST(FORMAT_TIMESTAMP(CAST({0} AS TIMESTAMP), 'dd') AS INTEGER)"),
        "The day of the month from 1, in UTC.";
    Hour "" ["hour"], [A::Clock], 1, INTEGER, N::Strict, F::Template("CAST({f}({0}, 'HH') AS INTEGER)"),
        "The hour from 0 to 23, in UTC.";
    Minute "" ["minute"], [A::Clock], 1, INTEGER, N::Strict, F::Template("CAST({f}({0}, 'mm') AS INTEGER)"),
        "The minute from 0 to 59.";
    Second "" ["second"], [A::Clock], 1, INTEGER, N::Strict, F::Template("CAST({f}({0}, 'ss') AS INTEGER)"),
        "The second from 0 to 59.";

    ExtractJsonField "EXTRACTJSONFIELD" ["extract_json_field", "extractjsonfield"], [A::Text, A::Text], 2, STRING, N::MayFail, F::Call,
        "What stands at a path such as `$.a[0]` in JSON text; NULL if nothing does.";
    ToJsonString "TO_JSON_STRING" ["to_json_string"], [A::Any], 1, STRING, N::Never, F::Call,
        "As JSON text; of NULL the text `null`.";
    IsJsonString "IS_JSON_STRING" ["is_json_string"], [A::Text], 1, BOOLEAN, N::Never, F::Call,
        "Whether a text is JSON; false of NULL.";
}
