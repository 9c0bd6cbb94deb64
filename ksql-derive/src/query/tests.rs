//! The macro as a function: what comes out for functions that no compiler test can hold well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use quote::quote;

use super::chain::STEPS;
use super::query;

fn made(item: proc_macro2::TokenStream) -> String {
    query(proc_macro2::TokenStream::new(), item).to_string()
}

/// A projection of one expression.
fn of(expression: &str) -> String {
    let expression: proc_macro2::TokenStream = expression.parse().unwrap();
    made(quote! {
        fn q(orders: Stream<Order>, limit: i64) -> Stream<Out> {
            orders.map(|o| Out { id: o.id, value: #expression })
        }
    })
}

#[test]
fn a_right_query_expands_to_items() {
    let tokens = made(quote! {
        fn totals(orders: Stream<Order>) -> Table<Total> {
            orders.group_by(|o| o.id).aggregate(|g| Total { id: g.key(), n: g.count() })
        }
    });
    assert!(!tokens.contains("compile_error"), "{tokens}");
    let file: syn::File = syn::parse_str(&tokens).unwrap();
    assert_eq!(
        file.items.len(),
        3,
        "the struct, the function, and all else in a constant"
    );
}

#[test]
fn what_the_formatter_wraps_in_a_block_is_what_it_was() {
    let grouped = made(quote! {
        fn totals(orders: Stream<Order>) -> Table<Total> {
            orders.group_by(|o| { (o.id, o.name) }).aggregate(|g| Total {
                id: g.key().0, name: g.key().1, n: g.count(),
            })
        }
    });
    assert!(!grouped.contains("compile_error"), "{grouped}");
    let keyed = made(quote! {
        fn keyed(orders: Stream<Order>) -> Stream<Keyed> {
            orders.partition_by(|o| { { (o.id, o.name) } }).map(|o| Keyed { id: o.id, name: o.name })
        }
    });
    assert!(!keyed.contains("compile_error"), "{keyed}");
    let entries = of("o.totals.transform(|k, v| { (k, v + 1) })");
    assert!(!entries.contains("compile_error"), "{entries}");
}

#[test]
fn an_error_leaves_a_query_that_does_nothing() {
    let tokens = of("o.n.nothing_of_the_kind()");
    assert_eq!(tokens.matches("compile_error").count(), 1, "{tokens}");
    assert!(tokens.contains("impl __k :: Query for q"), "{tokens}");
    assert!(syn::parse_str::<syn::File>(&tokens).is_ok());
}

#[test]
fn equal_expressions_are_one_node_and_equal_aggregates_one_accumulator() {
    let twice = of("(o.a + 1) * (o.a + 1)");
    assert_eq!(twice.matches("arith :: arith (").count(), 2, "{twice}");
    let tokens = made(quote! {
        fn totals(orders: Stream<Order>) -> Table<Total> {
            orders.group_by(|o| o.id).having(|g| g.sum(|x| x.n) > 1).aggregate(|g| Total {
                id: g.key(),
                n: g.sum(|o| o.n),
                m: g.sum(|row| row.n) + g.sum(|o| o.m),
            })
        }
    });
    assert!(
        tokens.contains("a1 :") && !tokens.contains("a2 :"),
        "{tokens}"
    );
}

#[test]
fn what_no_one_would_write_is_an_error_and_no_defect() {
    for expression in [
        "o",
        "()",
        "{}",
        "{ ; }",
        "{ let x; x }",
        "{ fn f() {} f() }",
        "|x| x",
        "o.0",
        "o.a.0.1",
        "loop {}",
        "return 1",
        "o.a = 1",
        "&mut o.a",
        "b\"x\"",
        "99999999999999999999",
        "1e999",
        "5u8",
        "dec!()",
        "dec!(x)",
        "matches!()",
        "matches!(o.a)",
        "match o.a {}",
        "match o.a { x => x }",
        "match o.a { [a, b] => a, _ => 1 }",
        "if let Some(x) = o.a { x } else { 1 } + o.b",
        "o.a.parse()",
        "o.a.parse::<>()",
        "o.a as Vec<i64>",
        "o.a as Decimal",
        "o.a as Decimal<1>",
        "o.a as fn()",
        "Some()",
        "Some(1, 2)",
        "Self::X",
        "<T as U>::X",
        "[][0]",
        "(..).contains(&o.a)",
        "[].contains(&o.a)",
        "o.a.contains()",
        "o.a.like()",
        "o.a.like(\"!\", '!')",
        "o.a.timestamp_add()",
        "o.a.timestamp_add(Unit::Hours)",
        "o.a.get()",
        "async { 1 }",
        "unsafe { 1 }",
        "o.a?.b",
        "o.a.await",
        "o.rowtime(1)",
        "limit.limit.limit",
        "'label: { 1 }",
    ] {
        let tokens = of(expression);
        assert!(
            !tokens.contains("a defect of the macro"),
            "{expression}: {tokens}"
        );
        assert!(
            syn::parse_str::<syn::File>(&tokens).is_ok(),
            "{expression}: {tokens}"
        );
    }
}

#[test]
fn heads_and_bodies_that_are_none_are_errors() {
    for item in [
        quote!(
            fn q() {}
        ),
        quote!(
            fn q(_: Stream<A>) -> Table<B> {
                a
            }
        ),
        quote!(
            fn q((a, b): Stream<A>) -> Table<B> {
                a
            }
        ),
        quote!(
            fn q(a: Stream) -> Table {
                a.map(|x| x)
            }
        ),
        quote!(
            fn q(a: Stream<A, B>) -> Table<'a> {
                a.map(|x| x)
            }
        ),
        quote!(
            fn q(a: Stream<A>, a: i64) -> Stream<B> {
                a.map(|x| B {})
            }
        ),
        quote!(
            fn q(a: Stream<A>) -> Stream<B> {
                a.group_by(|x| ()).aggregate(|g| B {})
            }
        ),
        quote!(
            fn q(a: Stream<A>) -> Stream<B> {
                a.map(|x| {
                    let y = 1;
                })
            }
        ),
        quote!(
            fn q(a: Stream<A>) -> Stream<B> {
                a.b.c
            }
        ),
        quote!(
            trait T {
                fn q();
            }
        ),
        quote!(
            const X: i32 = 1;
        ),
    ] {
        let shown = item.to_string();
        let tokens = made(item);
        assert!(tokens.contains("compile_error"), "{shown}: {tokens}");
        assert!(
            !tokens.contains("a defect of the macro"),
            "{shown}: {tokens}"
        );
    }
}

/// Functions and aggregates are held to it beside its own tests.
#[test]
fn every_step_is_told_in_the_guide_and_no_other() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/queries.md");
    let guide = std::fs::read_to_string(guide).expect("docs/queries.md");
    let (_, steps) = guide.split_once("\n## Steps\n").expect("its steps");
    let (steps, _) = steps.split_once("\n## ").expect("their end");
    let mut told: Vec<&str> = Vec::new();
    for row in steps.lines().filter(|line| line.starts_with("| `")) {
        let (cell, _) = row.split_once(" | ").expect("a cell");
        // `as_stream` and `as_table` stand in one row.
        for part in cell.split('`').filter(|part| part.starts_with('.')) {
            let name = part.trim_start_matches('.');
            told.push(name.split('(').next().unwrap_or(name));
        }
    }
    let mut steps: Vec<&str> = STEPS.to_vec();
    steps.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, steps);
}
