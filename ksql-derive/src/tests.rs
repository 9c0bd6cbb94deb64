//! The derives as functions: what comes out for items that no compiler test can hold well - anything at all.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use quote::quote;

use crate::derive;

/// The texts of all compile errors in generated tokens.
fn errors(tokens: &proc_macro2::TokenStream) -> Vec<String> {
    let text = tokens.to_string();
    text.split("compile_error !")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_right_definition_expands_to_items_without_an_error() {
    let tokens = derive::entity(quote! {
        #[topic("rates", partitions = 4)]
        struct Rate {
            #[key]
            symbol: String,
            size: i64,
        }
    });
    assert_eq!(errors(&tokens), Vec::<String>::new());
    let file: syn::File = syn::parse2(tokens).unwrap();
    let names: Vec<String> = file
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Struct(item) => Some(item.ident.to_string()),
            _ => None,
        })
        .collect();
    for expected in ["RateKey", "RateValue", "RateRow"] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected} is not among {names:?}"
        );
    }
}

#[test]
fn every_mistake_of_a_struct_is_an_error_of_its_own_and_stubs_follow() {
    let tokens = derive::entity(quote! {
        #[topic("orders", partitons = 3)]
        #[table]
        struct Order {
            #[key]
            id: f64,
            total: u64,
            #[max_length(3)]
            size: i64,
        }
    });
    let found = errors(&tokens);
    for (text, expected) in found.iter().zip(["partitons", "u64", "f64", "max_length"]) {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        tokens.to_string().contains("Entity for Order"),
        "stubs keep one mistake one message"
    );
}

/// Run with and without the cargo feature.
#[test]
fn the_cargo_feature_makes_every_struct_relaxed_and_without_it_none_is() {
    let tokens = derive::entity(quote! {
        #[stream]
        struct Order {
            #[key]
            id: i64,
            letter: char,
        }
    });
    let found = errors(&tokens);
    let text = tokens.to_string();
    if cfg!(feature = "relaxed") {
        assert_eq!(found, Vec::<String>::new());
        for code in ["const K0101", "const K0204"] {
            assert!(text.contains(code), "a warning {code} is in {text}");
        }
    } else {
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found.iter().any(|text| text.contains("[K0101]")),
            "{found:?}"
        );
        assert!(!text.contains("deprecated"), "{text}");
    }
}

#[test]
fn a_defect_of_the_macro_is_a_readable_error() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let tokens = derive::guarded(
        "Entity",
        quote!(
            struct A;
        ),
        |_| panic!("a defect"),
    );
    std::panic::set_hook(hook);
    let found = errors(&tokens);
    assert!(
        found
            .iter()
            .any(|text| text.contains("defect of the macro")),
        "{found:?}"
    );
}

#[test]
fn what_is_no_item_is_refused_without_a_panic() {
    for tokens in [
        quote!(),
        quote!(struct),
        quote!(
            fn f() {}
        ),
    ] {
        assert!(!derive::entity(tokens.clone()).is_empty());
        assert!(!derive::nested(tokens.clone()).is_empty());
        assert!(!derive::variants(tokens).is_empty());
    }
}
