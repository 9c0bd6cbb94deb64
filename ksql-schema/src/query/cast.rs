//! Casts: from what to what, and whether every value fits.

use super::node::{Elem, Node, Sql, Why};
use crate::types::Struct;

/// What a cast does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// Every value fits.
    Fits,
    /// Some values have no counterpart and become NULL.
    MayFail,
    /// There is no such cast.
    Refused,
}

impl Cast {
    const fn and(self, other: Cast) -> Cast {
        match (self, other) {
            (Cast::Refused, _) | (_, Cast::Refused) => Cast::Refused,
            (Cast::MayFail, _) | (_, Cast::MayFail) => Cast::MayFail,
            _ => Cast::Fits,
        }
    }
}

/// What a cast between two types does.
pub(crate) const fn kind(from: Sql, to: Sql) -> Cast {
    match (from, to) {
        (Sql::Unknown | Sql::Null, _) | (_, Sql::Unknown) => Cast::Fits,
        (_, Sql::Null) => Cast::Refused,
        // One that changes nothing; in a decimal only the digits may differ.
        (Sql::Boolean, Sql::Boolean)
        | (Sql::Bytes, Sql::Bytes)
        | (Sql::Date, Sql::Date | Sql::Timestamp)
        | (Sql::Time, Sql::Time)
        | (Sql::Timestamp, Sql::Timestamp | Sql::Date | Sql::Time) => Cast::Fits,
        // Too large a number wraps, or saturates where it is a double: there always is a result.
        (
            Sql::Integer | Sql::Bigint | Sql::Double | Sql::Decimal { .. },
            Sql::Integer | Sql::Bigint | Sql::Double,
        ) => Cast::Fits,
        (Sql::Double, Sql::Decimal { .. }) => Cast::MayFail,
        (Sql::Integer | Sql::Bigint | Sql::Decimal { .. }, Sql::Decimal { precision, scale }) => {
            match from.digits() {
                Some((digits, after)) if digits - after <= precision.saturating_sub(scale) => {
                    Cast::Fits
                }
                _ => Cast::MayFail,
            }
        }
        (Sql::Bytes, Sql::String) => Cast::Refused,
        (_, Sql::String) => Cast::Fits,
        // Everything that is no prefix of `true` or `yes` is false.
        (Sql::String, Sql::Boolean) => Cast::Fits,
        (Sql::String, to) if to.is_number() => Cast::MayFail,
        (Sql::String, Sql::Date | Sql::Time | Sql::Timestamp | Sql::Bytes) => Cast::MayFail,
        (Sql::Array(from), Sql::Array(to)) | (Sql::Map(from), Sql::Map(to)) => {
            kind_of_elements(from, to)
        }
        (Sql::Struct(from), Sql::Struct(to)) => kind_of_fields(from, to),
        _ => Cast::Refused,
    }
}

/// Elements that do not fit are NULL themselves, not the whole.
const fn kind_of_elements(from: Elem, to: Elem) -> Cast {
    match kind(from.ty(), to.ty()) {
        Cast::Refused => Cast::Refused,
        _ => Cast::Fits,
    }
}

const fn kind_of_fields(from: &Struct<'static>, to: &Struct<'static>) -> Cast {
    let mut result = Cast::Fits;
    let mut wanted = to.fields;
    while let [field, rest @ ..] = wanted {
        wanted = rest;
        let mut fields = from.fields;
        while let [other, rest @ ..] = fields {
            fields = rest;
            if crate::names::hash(other.name) == crate::names::hash(field.name) {
                result = result.and(kind(Sql::of(&other.ty), Sql::of(&field.ty)));
            }
        }
    }
    match result {
        Cast::Refused => Cast::Refused,
        _ => Cast::Fits,
    }
}

/// Whether what may not be NULL inside of a type never is, after a cast: a struct's field that the other one has, that is there
/// and fits.
pub(crate) const fn sure(from: Sql, to: Sql) -> bool {
    match (from, to) {
        (Sql::Array(from), Sql::Array(to)) | (Sql::Map(from), Sql::Map(to)) => {
            sure(from.ty(), to.ty())
        }
        (Sql::Struct(from), Sql::Struct(to)) => {
            let mut wanted = to.fields;
            while let [field, rest @ ..] = wanted {
                wanted = rest;
                let mut given = false;
                let mut fields = from.fields;
                while let [other, rest @ ..] = fields {
                    fields = rest;
                    if crate::names::hash(other.name) == crate::names::hash(field.name) {
                        let (from, to) = (Sql::of(&other.ty), Sql::of(&field.ty));
                        let fits = matches!(kind(from, to), Cast::Fits);
                        given = fits && !other.nullable;
                        if !sure(from, to) {
                            return false;
                        }
                        if let (Sql::Array(from), Sql::Array(to)) | (Sql::Map(from), Sql::Map(to)) =
                            (from, to)
                            && elements(from, to).nullable()
                            && !to.nullable()
                        {
                            return false;
                        }
                    }
                }
                if !given && !field.nullable {
                    return false;
                }
            }
            true
        }
        _ => true,
    }
}

/// The node of `value as T`, of `.parse::<T>()` and of `.to_string()`; unknown where there is no such cast.
pub const fn cast(of: Node, to: Sql) -> Node {
    if of.is_unknown() {
        return Node::UNKNOWN;
    }
    if let Sql::Decimal { precision, scale } = to
        && (precision < 1 || precision > Sql::MOST_DIGITS || scale > precision)
    {
        return Node::UNKNOWN;
    }
    let why = match kind(of.ty, to) {
        Cast::Refused => return Node::UNKNOWN,
        Cast::MayFail if !super::literal::takes(of, to) => of.why.or(Why::Cast),
        Cast::Fits | Cast::MayFail => of.why,
    };
    let ty = match (of.ty, to) {
        (Sql::Array(from), Sql::Array(to)) => Sql::Array(elements(from, to)),
        (Sql::Map(from), Sql::Map(to)) => Sql::Map(elements(from, to)),
        _ => to,
    };
    // One that changes nothing is not written, and so catches nothing.
    Node {
        fails: of.fails && of.ty.same(to),
        ..Node::new(ty, why)
    }
}

const fn elements(from: Elem, to: Elem) -> Elem {
    let nullable = from.nullable() || matches!(kind(from.ty(), to.ty()), Cast::MayFail);
    Elem::new(to.ty(), nullable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::compare::tests::kinds;
    use crate::query::literal;

    fn dec(precision: u32, scale: u32) -> Sql {
        Sql::Decimal { precision, scale }
    }

    #[test]
    fn casts_are_those_of_the_table() {
        // Rows and columns as in `kinds`: `y` fits, `n` may be NULL, `-` refused.
        // bool int big dbl dec(9,2) str bytes date time ts array map struct
        let table = [
            "y----y-------",
            "-yyyny-------",
            "-yyyny-------",
            "-yyyny-------",
            "-yyyyy-------",
            "ynnnnynnnn---",
            "------y------",
            "-----y-y-y---",
            "-----y--y----",
            "-----y-yyy---",
            "-----y----y--",
            "-----y-----y-",
            "-----y------y",
        ];
        for (from, row) in kinds().into_iter().zip(table) {
            for (to, cell) in kinds().into_iter().zip(row.chars()) {
                let expected = match cell {
                    'y' => Cast::Fits,
                    'n' => Cast::MayFail,
                    _ => Cast::Refused,
                };
                assert_eq!(kind(from, to), expected, "{from:?} as {to:?}");
                let node = cast(Node::new(from, Why::Never), to);
                match expected {
                    Cast::Fits => assert_eq!(node, Node::new(to, Why::Never)),
                    Cast::MayFail => assert_eq!(node, Node::new(to, Why::Cast)),
                    Cast::Refused => assert!(node.is_unknown()),
                }
            }
        }
    }

    #[test]
    fn a_decimal_fits_where_its_whole_digits_do() {
        let table = [
            (dec(9, 4), dec(7, 2), Cast::Fits),
            (dec(29, 4), dec(18, 4), Cast::MayFail),
            (dec(18, 4), dec(29, 4), Cast::Fits),
            (dec(4, 2), dec(4, 3), Cast::MayFail),
            (Sql::Integer, dec(14, 4), Cast::Fits),
            (Sql::Integer, dec(13, 4), Cast::MayFail),
            (Sql::Bigint, dec(18, 4), Cast::MayFail),
            (Sql::Bigint, dec(19, 0), Cast::Fits),
        ];
        for (from, to, expected) in table {
            assert_eq!(kind(from, to), expected, "{from:?} as {to:?}");
        }
        assert_eq!(
            cast(literal::integer(5), dec(4, 2)),
            Node::new(dec(4, 2), Why::Never)
        );
        assert_eq!(cast(literal::integer(500), dec(4, 2)).why, Why::Cast);
    }

    #[test]
    fn null_has_any_type_and_stays_null() {
        for to in kinds() {
            assert_eq!(cast(literal::null(), to), Node::new(to, Why::Null));
        }
    }

    #[test]
    fn elements_are_null_where_they_do_not_fit() {
        let texts = Sql::Array(Elem::new(Sql::String, false));
        let numbers = Sql::Array(Elem::new(Sql::Bigint, false));
        let cast_texts = cast(Node::new(texts, Why::Never), numbers);
        assert!(!cast_texts.nullable());
        assert_eq!(cast_texts.ty, Sql::Array(Elem::new(Sql::Bigint, true)));
        assert!(
            cast(
                Node::new(texts, Why::Never),
                Sql::Array(Elem::new(Sql::Bytes, false))
            )
            .element()
            .nullable()
        );
        assert!(
            cast(
                Node::new(numbers, Why::Never),
                Sql::Array(Elem::new(Sql::Date, false))
            )
            .is_unknown()
        );
    }

    #[test]
    fn an_impossible_size_is_poison() {
        assert!(cast(Node::new(Sql::Integer, Why::Never), dec(77, 2)).is_unknown());
        assert!(cast(Node::new(Sql::Integer, Why::Never), dec(4, 5)).is_unknown());
        assert!(cast(Node::new(Sql::Integer, Why::Never), dec(0, 0)).is_unknown());
    }
}
