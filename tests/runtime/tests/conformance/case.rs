//! Branches.

use super::*;

cases! {
    "case";

    a_comparison_with_null_takes_the_other_branch: "case-expression/searched case with null in when" => output {
        stream! { Orders("test_topic") { pub orderid: Option<i64>, pub orderunits: Option<f64> } }

        stream! { S1("S1") { pub case_resault: Option<String> } }

        #[query]
        fn output(orders: Stream<Orders>) -> Stream<S1> {
            orders.map(|r| S1 {
                case_resault: if r.orderunits > dec!(2.0) {
                    "foo"
                } else {
                    "default"
                },
            })
        }
    }

    a_branch_may_be_null: "case-expression/searched case returning null in first branch" => output {
        stream! { Orders("test_topic") { pub orderunits: Option<f64> } }

        stream! { S1("S1") { pub case_result: Option<String> } }

        #[query]
        fn output(orders: Stream<Orders>) -> Stream<S1> {
            orders.map(|r| S1 {
                case_result: if r.orderunits < dec!(2.0) {
                    None
                } else if r.orderunits < dec!(4.0) {
                    "medium"
                } else {
                    "large"
                },
            })
        }
    }

    branches_are_aggregated: "case-expression/as param to UDAF" => output {
        stream! {
            Russell_3k_Trades("test_topic") {
                #[key] pub tickerid: String,
                pub quantity: Option<i32>,
                pub price: Option<i32>,
                pub buy: Option<bool>,
            }
        }

        table! {
            Russell_3k_Hourly("RUSSELL_3K_HOURLY")
            #[window(tumbling, minutes = [60], grace = "23h")]
            {
                #[key] pub tickerid: String,
                pub tradecount: Option<i64>,
                pub tradevolumn: Option<i32>,
                pub minbuyprice: Option<i32>,
                pub maxbuyprice: Option<i32>,
                pub minsellprice: Option<i32>,
                pub maxsellprice: Option<i32>,
            }
        }

        #[query]
        fn output(russell_3k_trades: Stream<Russell_3k_Trades>) -> Table<Russell_3k_Hourly> {
            russell_3k_trades
                .group_by(|r| r.tickerid)
                .aggregate(|g| Russell_3k_Hourly {
                    tickerid: g.key(),
                    tradecount: g.count(),
                    tradevolumn: g.sum(|r| r.quantity),
                    minbuyprice: g.min(|r| if r.buy { r.price } else { None }),
                    maxbuyprice: g.max(|r| if r.buy { r.price } else { None }),
                    minsellprice: g.min(|r| if r.buy { None } else { r.price }),
                    maxsellprice: g.max(|r| if r.buy { None } else { r.price }),
                })
        }
    }
}
