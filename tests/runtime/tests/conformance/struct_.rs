//! Fields of nested records.

use super::*;

cases! {
    "struct";

    rows_are_chosen_by_a_nested_field: "simple-struct/simple struct select filter" => output {
        nested! { Category { pub id: Option<i64>, pub name: Option<String> } }

        nested! {
            Itemid {
                pub itemid: Option<i64>,
                pub name: Option<String>,
                pub category: Option<Category>,
            }
        }

        nested! {
            Address {
                pub number: Option<i64>,
                pub street: Option<String>,
                pub city: Option<String>,
                pub state: Option<String>,
                pub zipcode: Option<i64>,
            }
        }

        stream! {
            Orders("test_topic") {
                #[key] pub k: String,
                pub ordertime: Option<i64>,
                pub orderid: Option<i64>,
                pub itemid: Option<Itemid>,
                pub orderunits: Option<f64>,
                pub arraycol: Option<Vec<Option<f64>>>,
                pub mapcol: Option<BTreeMap<String, Option<f64>>>,
                pub address: Option<Address>,
            }
        }

        stream! { S2("S2") { #[key] pub k: String, pub name: Option<String> } }

        #[query]
        fn output(orders: Stream<Orders>) -> Stream<S2> {
            orders.filter(|r| r.itemid.name == "Item_6").map(|r| S2 {
                k: r.k,
                name: r.itemid.name,
            })
        }
    }

    nested_fields_are_computed_with: "simple-struct/simple struct select filter 4" => output {
        nested! { Category { pub id: Option<i64>, pub name: Option<String> } }

        nested! {
            Itemid {
                pub itemid: Option<i64>,
                pub name: Option<String>,
                pub category: Option<Category>,
            }
        }

        nested! {
            Address {
                pub number: Option<i64>,
                pub street: Option<String>,
                pub city: Option<String>,
                pub state: Option<String>,
                pub zipcode: Option<i64>,
            }
        }

        stream! {
            Orders("test_topic") {
                #[key] pub k: String,
                pub ordertime: Option<i64>,
                pub orderid: Option<i64>,
                pub itemid: Option<Itemid>,
                pub orderunits: Option<f64>,
                pub arraycol: Option<Vec<Option<f64>>>,
                pub mapcol: Option<BTreeMap<String, Option<f64>>>,
                pub address: Option<Address>,
            }
        }

        stream! {
            S5("S5") {
                #[key] pub k: String,
                pub itemid: Option<i64>,
                pub cname: Option<String>,
                pub state_length: Option<i32>,
            }
        }

        #[query]
        fn output(orders: Stream<Orders>) -> Stream<S5> {
            orders
                .filter(|r| r.address.state.like("%1") || r.address.state.like("%9"))
                .map(|r| S5 {
                    k: r.k,
                    itemid: r.itemid.itemid * 10,
                    cname: r.itemid.category.name.concat("_HELLO"),
                    state_length: r.address.state.len(),
                })
        }
    }

    a_field_of_null_is_null: "simple-struct/simple struct select with nulls" => output {
        nested! { Category { pub id: Option<i64>, pub name: Option<String> } }

        nested! {
            Itemid {
                pub itemid: Option<i64>,
                pub name: Option<String>,
                pub category: Option<Category>,
            }
        }

        nested! {
            Address {
                pub number: Option<i64>,
                pub street: Option<String>,
                pub city: Option<String>,
                pub state: Option<String>,
                pub zipcode: Option<i64>,
            }
        }

        stream! {
            Orders("test_topic") {
                #[key] pub k: String,
                pub ordertime: Option<i64>,
                pub orderid: Option<i64>,
                pub itemid: Option<Itemid>,
                pub orderunits: Option<f64>,
                pub arraycol: Option<Vec<Option<f64>>>,
                pub mapcol: Option<BTreeMap<String, Option<f64>>>,
                pub address: Option<Address>,
            }
        }

        stream! {
            S6("S6") {
                #[key] pub k: String,
                pub itemid: Option<i64>,
                pub catid: Option<i64>,
                pub cat: Option<Category>,
            }
        }

        #[query]
        fn output(orders: Stream<Orders>) -> Stream<S6> {
            orders.map(|r| S6 {
                k: r.k,
                itemid: r.itemid.itemid * 10,
                catid: r.itemid.category.id,
                cat: r.itemid.category,
            })
        }
    }

    nested_structs_are_selected: "simple-struct/simples struct select filter 3" => output {
        nested! { Category { pub id: Option<i64>, pub name: Option<String> } }

        nested! {
            Itemid {
                pub itemid: Option<i64>,
                pub name: Option<String>,
                pub category: Option<Category>,
            }
        }

        nested! {
            Address {
                pub number: Option<i64>,
                pub street: Option<String>,
                pub city: Option<String>,
                pub state: Option<String>,
                pub zipcode: Option<i64>,
            }
        }

        stream! {
            Orders("test_topic") {
                #[key] pub k: String,
                pub ordertime: Option<i64>,
                pub orderid: Option<i64>,
                pub itemid: Option<Itemid>,
                pub orderunits: Option<f64>,
                pub arraycol: Option<Vec<Option<f64>>>,
                pub mapcol: Option<BTreeMap<String, Option<f64>>>,
                pub address: Option<Address>,
            }
        }

        stream! {
            S4("S4") {
                #[key] pub k: String,
                pub itemid_1: Option<i64>,
                pub iid: Option<Itemid>,
                pub catname: Option<String>,
            }
        }

        #[query]
        fn output(orders: Stream<Orders>) -> Stream<S4> {
            orders
                .filter(|r| r.itemid.itemid == 6 || r.itemid.category.name == "Food")
                .map(|r| S4 {
                    k: r.k,
                    itemid_1: r.itemid.itemid,
                    iid: r.itemid,
                    catname: r.itemid.category.name,
                })
        }
    }

    a_field_of_a_struct_in_a_list_in_a_map: "simple-struct/generated name" => output {
        nested! { C { pub d: Option<i32> } }

        nested! { B { pub c: Option<Vec<Option<C>>> } }

        nested! { A { pub b: Option<BTreeMap<String, Option<B>>> } }

        stream! { Input("test_topic") { pub a: Option<A> } }

        stream! { Output("OUTPUT") { pub d: Option<i32> } }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                d: r.a.b["key$Name[]"].c[0].d,
            })
        }
    }
}
