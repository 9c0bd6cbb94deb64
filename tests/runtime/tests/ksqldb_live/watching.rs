//! A program whose queries run there, and who ends one of them while it runs.

use ksql_runtime::ksqldb::{KsqlDb, Select};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::test_name;

use crate::cluster::Behind;
use crate::healing::{LiveSale, LiveTurnover, SOURCES, ended_and_started_again, program};
use crate::server::{LONG, Place, url};

/// So many shops there are.
const SHOPS: i64 = 5;

/// The sales of these numbers.
fn sales(numbers: std::ops::Range<i64>) -> impl Iterator<Item = LiveSale> {
    numbers.map(|id| LiveSale {
        id,
        shop: id % SHOPS,
        pieces: id % 7 + 1,
    })
}

/// What the shops have sold by then.
fn turnovers(count: i64) -> Vec<LiveTurnover> {
    let of = |shop| {
        let mut turnover = LiveTurnover {
            shop,
            sales: 0,
            pieces: 0,
        };
        for sale in sales(0..count).filter(|sale| sale.shop == shop) {
            turnover.sales += 1;
            turnover.pieces += sale.pieces;
        }
        turnover
    };
    (0..SHOPS).map(of).collect()
}

#[test]
fn each_sale_is_in_the_turnover_of_its_shop_once() {
    let turnovers = turnovers(12);
    let all: Vec<_> = turnovers.iter().map(|of| (of.shop, of.sales)).collect();
    assert_eq!(all, [(0, 3), (1, 3), (2, 2), (3, 2), (4, 2)]);
    // Those of 0, 5 and 10.
    assert_eq!(turnovers[0].pieces, 1 + 6 + 4);
}

/// Pulls until the table holds these rows: one that answers may still be reading. Then each of them by its key.
async fn pulled(ksql: &KsqlDb, expected: &[LiveTurnover]) {
    let mut rows = Vec::new();
    let arrived = async {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(200));
        while rows != expected {
            pause.tick().await;
            let all = ksql.pull(&Select::<LiveTurnover>::all()).await;
            rows = all.unwrap_or_else(|error| panic!("{error}"));
            rows.sort_by_key(|row| row.shop);
        }
    };
    if tokio::time::timeout(LONG, arrived).await.is_err() {
        panic!("it holds {rows:?}, and not {expected:?}");
    }
    for row in expected {
        let one = Select::<LiveTurnover>::all().key(&row.key());
        let one = ksql.pull(&one.expect("a key")).await.expect("the row");
        assert_eq!(one, std::slice::from_ref(row));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and to reach its Kafka and registry"]
async fn a_terminated_query_is_started_again_by_the_program_that_watches_it() {
    let Some(behind) = Behind::found(test_name!()).await else {
        return;
    };
    let place = Place::new().await;
    place.clear(&SOURCES).await;
    let state = tempfile::tempdir().expect("a directory");
    let builder = behind
        .settings()
        .into_iter()
        .fold(Context::builder(), |all, (key, value)| {
            all.setting(key, value)
        });
    let ctx = program(builder, &url(), &place.prefix)
        .state_dir(state.path())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let set = ctx.set::<LiveSale>();
    set.add_all(sales(0..300)).await.expect("they are added");
    let ksql = ctx.ksqldb().expect("it is configured").clone();
    pulled(&ksql, &turnovers(300)).await;

    ended_and_started_again(&ctx, LONG).await;
    // It began anew with everything there was, and goes on with what comes.
    pulled(&ksql, &turnovers(300)).await;
    set.add_all(sales(300..400)).await.expect("they are added");
    pulled(&ksql, &turnovers(400)).await;
    ctx.wait_caught_up(LONG).await.expect("it catches up");
    ctx.shutdown().await.expect("it ends");
    place.leave(&SOURCES).await;
}
