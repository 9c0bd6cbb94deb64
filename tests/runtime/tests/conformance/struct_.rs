//! Fields of nested records.

use super::*;

cases! {
    "struct_";

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

    fields_of_one_name: "simple-struct/clashing field name" => output {
        nested! { A { pub b: Option<i32> } }

        stream! { Input("test_topic") { pub b: Option<i32>, pub a: Option<A>, pub c: Option<A> } }

        stream! {
            Output("OUTPUT") {
                pub b: Option<i32>,
                pub b_1: Option<i32>,
                pub b_2: Option<i32>,
            }
        }

        #[query]
        fn output(input: Stream<Input>) -> Stream<Output> {
            input.map(|r| Output {
                b: r.b,
                b_1: r.a.b,
                b_2: r.c.b,
            })
        }
    }

    deep_fields_are_selected: "more-complex-struct/complex struct select array, map, map value struct" => output {
        nested! {
            Sl3_Struct {
                pub sl4_string: Option<String>,
                pub sl4_int: Option<i32>,
                pub sl4_double_array: Option<Vec<Option<f64>>>,
            }
        }

        nested! {
            Sl2_Struct {
                pub sl3_struct: Option<Sl3_Struct>,
                pub sl3_double_array: Option<Vec<Option<f64>>>,
                pub sl3_string: Option<String>,
            }
        }

        nested! {
            Sl2_Struct_Map {
                pub sl2_3_string: Option<String>,
                pub sl2_3_double: Option<f64>,
            }
        }

        nested! {
            Sl1_Struct {
                pub sl2_struct: Option<Sl2_Struct>,
                pub sl2_struct_map: Option<BTreeMap<String, Option<Sl2_Struct_Map>>>,
                pub sl2_double: Option<f64>,
                pub sl2_boolean: Option<bool>,
            }
        }

        nested! {
            Sl1_Struct_Array {
                pub sl1_2_string: Option<String>,
                pub sl1_2_double: Option<f64>,
            }
        }

        nested! {
            Nested_Struct_Field {
                pub sl1_struct: Option<Sl1_Struct>,
                pub sl1_string: Option<String>,
                pub sl1_struct_array: Option<Vec<Option<Sl1_Struct_Array>>>,
            }
        }

        stream! {
            Foo("test_topic") {
                #[key] pub id: String,
                pub nested_struct_field: Option<Nested_Struct_Field>,
                pub col1: Option<i64>,
                pub col2: Option<String>,
            }
        }

        stream! {
            S2("S2") {
                #[key] pub id: String,
                pub sl4_double_array: Option<Vec<Option<f64>>>,
                pub sl2_struct_map: Option<BTreeMap<String, Option<Sl2_Struct_Map>>>,
            }
        }

        #[query]
        fn output(foo: Stream<Foo>) -> Stream<S2> {
            foo.map(|r| S2 {
                id: r.id,
                sl4_double_array: r
                    .nested_struct_field
                    .sl1_struct
                    .sl2_struct
                    .sl3_struct
                    .sl4_double_array,
                sl2_struct_map: r.nested_struct_field.sl1_struct.sl2_struct_map,
            })
        }
    }

    deep_elements_are_selected: "more-complex-struct/complex struct select array and map items" => output said_as "an element is counted from 0, and the 1 that ksqlDB counts from is added" {
        nested! {
            Sl3_Struct {
                pub sl4_string: Option<String>,
                pub sl4_int: Option<i32>,
                pub sl4_double_array: Option<Vec<Option<f64>>>,
            }
        }

        nested! {
            Sl2_Struct {
                pub sl3_struct: Option<Sl3_Struct>,
                pub sl3_double_array: Option<Vec<Option<f64>>>,
                pub sl3_string: Option<String>,
            }
        }

        nested! {
            Sl2_Struct_Map {
                pub sl2_3_string: Option<String>,
                pub sl2_3_double: Option<f64>,
            }
        }

        nested! {
            Sl1_Struct {
                pub sl2_struct: Option<Sl2_Struct>,
                pub sl2_struct_map: Option<BTreeMap<String, Option<Sl2_Struct_Map>>>,
                pub sl2_double: Option<f64>,
                pub sl2_boolean: Option<bool>,
            }
        }

        nested! {
            Sl1_Struct_Array {
                pub sl1_2_string: Option<String>,
                pub sl1_2_double: Option<f64>,
            }
        }

        nested! {
            Nested_Struct_Field {
                pub sl1_struct: Option<Sl1_Struct>,
                pub sl1_string: Option<String>,
                pub sl1_struct_array: Option<Vec<Option<Sl1_Struct_Array>>>,
            }
        }

        stream! {
            Foo("test_topic") {
                #[key] pub id: String,
                pub nested_struct_field: Option<Nested_Struct_Field>,
                pub col1: Option<i64>,
                pub col2: Option<String>,
            }
        }

        stream! {
            S3("S3") {
                #[key] pub id: String,
                pub col1: Option<f64>,
                pub col2: Option<Sl2_Struct_Map>,
                pub col3: Option<f64>,
                pub col4: Option<f64>,
            }
        }

        #[query]
        fn output(foo: Stream<Foo>) -> Stream<S3> {
            foo.map(|r| S3 {
                id: r.id,
                col1: r
                    .nested_struct_field
                    .sl1_struct
                    .sl2_struct
                    .sl3_struct
                    .sl4_double_array[0],
                col2: r.nested_struct_field.sl1_struct.sl2_struct_map["mapkey"],
                col3: r
                    .nested_struct_field
                    .sl1_struct
                    .sl2_struct
                    .sl3_struct
                    .sl4_double_array[10 - 5 - 4 - 1],
                col4: r.nested_struct_field.sl1_struct.sl2_struct_map["mapkey"].sl2_3_double,
            })
        }
    }

    a_struct_of_a_table_is_handed_on: "create-type/create simple type" => output {
        nested! {
            Address {
                pub number: Option<i32>,
                pub street: Option<String>,
                pub city: Option<String>,
            }
        }

        table! { Addresses("test") { #[key] pub k: String, pub address: Option<Address> } }

        table! { Copy("COPY") { #[key] pub k: String, pub address: Option<Address> } }

        #[query]
        fn output(addresses: Table<Addresses>) -> Table<Copy> {
            addresses.map(|r| Copy {
                k: r.k,
                address: r.address,
            })
        }
    }

    a_struct_in_a_struct_of_a_table_is_handed_on: "create-type/create nested type" => output {
        nested! {
            Address {
                pub number: Option<i32>,
                pub street: Option<String>,
                pub city: Option<String>,
            }
        }

        nested! { Person { pub name: Option<String>, pub address: Option<Address> } }

        table! { People("test") { #[key] pub k: String, pub person: Option<Person> } }

        table! { Copy("COPY") { #[key] pub k: String, pub person: Option<Person> } }

        #[query]
        fn output(people: Table<People>) -> Table<Copy> {
            people.map(|r| Copy {
                k: r.k,
                person: r.person,
            })
        }
    }
}
