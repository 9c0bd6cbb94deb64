//! Tests of this module's rules.

use super::*;

static POINT: Struct<'static> = Struct {
    name: "Point",
    fields: &[],
};

#[test]
fn an_element_gives_back_what_it_was_made_of() {
    let scalars = [
        Sql::Boolean,
        Sql::Integer,
        Sql::Bigint,
        Sql::Double,
        Sql::Decimal {
            precision: 18,
            scale: 4,
        },
        Sql::String,
        Sql::Bytes,
        Sql::Date,
        Sql::Time,
        Sql::Timestamp,
        Sql::Struct(&POINT),
        Sql::Unknown,
    ];
    for scalar in scalars {
        for nullable in [false, true] {
            let one = Elem::new(scalar, nullable);
            assert_eq!((one.ty(), one.nullable()), (scalar, nullable));
            for inner in [false, true] {
                for list in [Sql::Array(one), Sql::Map(one)] {
                    let two = Elem::new(list, inner);
                    assert_eq!((two.ty(), two.nullable()), (list, inner));
                    let three = Elem::new(Sql::Map(two), nullable);
                    assert_eq!(three.ty(), Sql::Map(two));
                }
            }
        }
    }
}

#[test]
fn what_is_too_deep_is_unknown_and_nothing_else() {
    let mut ty = Sql::Bigint;
    for _ in 0..=MOST_LAYERS {
        ty = Sql::Array(Elem::new(ty, true));
        assert!(!matches!(ty, Sql::Unknown));
    }
    let Sql::Array(elem) = Sql::Array(Elem::new(ty, true)) else {
        unreachable!()
    };
    assert_eq!(elem.ty(), Sql::Unknown);
}

#[test]
fn unknown_is_like_all_and_null_like_itself() {
    assert!(Sql::Unknown.same(Sql::Date));
    assert!(Sql::Bytes.same(Sql::Unknown));
    assert!(Sql::Null.same(Sql::Null));
    assert!(!Sql::Null.same(Sql::String));
    assert!(
        Sql::Array(Elem::new(Sql::Bigint, true)).same(Sql::Array(Elem::new(Sql::Bigint, false)))
    );
    assert!(!Sql::Array(Elem::new(Sql::Bigint, true)).same(Sql::Map(Elem::new(Sql::Bigint, true))));
}
