//! Groups: when HAVING shows them, and what aggregates make of NULLs and of numbers too large.

use super::*;

entity! {
    Payment "payments" #[stream] {
        #[key]
        pub id: i64,
        pub account: String,
        pub amount: Option<i64>,
    }
}

entity! {
    Balance "balances" #[table] {
        #[key]
        pub account: String,
        pub balance: i64,
        pub payments: i64,
    }
}

#[query]
fn balances(payments: Stream<Payment>) -> Table<Balance> {
    payments
        .group_by(|p| p.account)
        .aggregate(|g| Balance {
            account: g.key(),
            balance: g.sum(|p| p.amount),
            payments: g.count(|p| p.amount),
        })
        .having(|g| g.sum(|p| p.amount) > 100 && g.count() != 5)
}

fn payment(account: &str, amount: Option<i64>) -> Payment {
    Payment {
        id: 1,
        account: account.to_owned(),
        amount,
    }
}

/// 2.9: a HAVING that stops matching emits a tombstone, once; while it does not match nothing is emitted, and the group goes on being
/// counted. 5: SUM and COUNT(x) skip NULL, COUNT(*) does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_deleted_when_its_condition_ends_and_comes_back_with_all_its_rows() {
    let rows = [
        Some(60),
        Some(60),
        None,
        Some(-30),
        Some(20),
        Some(0),
        Some(-200),
        Some(-1),
        Some(300),
    ];
    let rows = rows.map(|amount| payment("a", amount)).to_vec();
    let balance = |balance, payments| {
        Some(Balance {
            account: "a".to_owned(),
            balance,
            payments,
        })
    };
    assert_eq!(
        made::<Payment, Balance, _>(balances, rows).await,
        [
            // 60: not yet.
            balance(120, 2),
            // The third row's NULL is no payment.
            balance(120, 2),
            // 90.
            None,
            // 110, but the fifth row: it was deleted already. Then the sixth.
            balance(110, 5),
            // -90, -91: deleted once.
            None,
            balance(209, 8),
        ]
    );
}

entity! {
    Account "accounts" #[table] {
        #[key]
        pub id: i64,
        pub branch: Option<String>,
        pub balance: Option<i64>,
    }
}

entity! {
    Branch "branches" #[table] {
        #[key]
        pub branch: String,
        pub accounts: i64,
        pub balance: i64,
        pub mean: f64,
    }
}

#[query]
fn branches(accounts: Table<Account>) -> Table<Branch> {
    accounts
        .group_by(|a| a.branch)
        .aggregate(|g| Branch {
            branch: g.key(),
            accounts: g.count(),
            balance: g.sum(|a| a.balance),
            mean: g.avg(|a| a.balance),
        })
        .having(|g| g.sum(|a| a.balance) >= 10)
}

/// Over a table a row that changes is taken back from its group first (5, "undo"), and HAVING goes by what is left (2.9). A row whose
/// group is NULL is in none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_table_a_group_is_shown_as_long_as_its_rows_satisfy_the_condition() {
    let test = testing::query(branches).start().await.expect("it starts");
    let account = |id, branch: Option<&str>, balance| Account {
        id,
        branch: branch.map(str::to_owned),
        balance,
    };
    for row in [
        account(1, Some("n"), Some(4)),
        account(2, Some("n"), Some(8)),
        // To no group at all: what is left of `n` is 4.
        account(2, None, Some(8)),
        account(3, None, Some(50)),
        // Back, with more.
        account(2, Some("n"), Some(16)),
        // A NULL counts as a row and nothing else.
        account(1, Some("n"), None),
        // `n` keeps a NULL only, and `s` has the rest.
        account(2, Some("s"), Some(16)),
    ] {
        send(&test, 0, row).await;
    }
    test.delete_at::<Account>(0, 2).await.expect("it is sent");
    test.settle().await.expect("nothing stops");
    let records = test.records::<Branch>().await.expect("results");
    let found: Vec<_> = records
        .into_iter()
        .map(|record| {
            record
                .row
                .map(|row| (row.branch, row.accounts, row.balance, row.mean))
        })
        .collect();
    let branch =
        |branch: &str, accounts, balance, mean| Some((branch.to_owned(), accounts, balance, mean));
    assert_eq!(
        found,
        [
            branch("n", 2, 12, 6.0),
            None,
            branch("n", 2, 20, 10.0),
            branch("n", 2, 16, 16.0),
            None,
            branch("s", 1, 16, 16.0),
            None,
        ]
    );
    test.end().await.expect("it ends");
}

entity! {
    Number "numbers" #[stream] {
        #[key]
        pub id: i64,
        pub n: Option<i32>,
        pub large: Option<i64>,
        pub x: Option<f64>,
    }
}

entity! {
    Mean "means" #[table] {
        #[key]
        pub id: i64,
        pub n: f64,
        pub large: f64,
        pub x: f64,
        pub sum: i32,
        pub sum_widened: i64,
        pub least: Option<i32>,
        pub most: Option<f64>,
    }
}

#[query]
fn means(numbers: Stream<Number>) -> Table<Mean> {
    numbers.group_by(|n| n.id).aggregate(|g| Mean {
        id: g.key(),
        n: g.avg(|n| n.n),
        large: g.avg(|n| n.large),
        x: g.avg(|n| n.x),
        sum: g.sum(|n| n.n),
        sum_widened: g.sum(|n| n.n as i64),
        least: g.min(|n| n.n),
        most: g.max(|n| n.x),
    })
}

/// 5: AVG, SUM, MIN and MAX skip NULL; of nothing but NULL AVG is 0.0, SUM is 0, MIN and MAX are NULL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aggregates_skip_nulls_and_have_a_value_of_their_own_for_nothing() {
    let row = |n: Option<i32>| Number {
        id: 1,
        n,
        large: n.map(i64::from),
        x: n.map(f64::from),
    };
    let rows = [None, Some(-3), None, Some(4)].map(row).to_vec();
    let mean = |mean, sum, least, most| {
        let (n, large, x) = (mean, mean, mean);
        Some(Mean {
            id: 1,
            n,
            large,
            x,
            sum,
            sum_widened: sum.into(),
            least,
            most,
        })
    };
    assert_eq!(
        made::<Number, Mean, _>(means, rows).await,
        [
            mean(0.0, 0, None, None),
            mean(-3.0, -3, Some(-3), Some(-3.0)),
            mean(-3.0, -3, Some(-3), Some(-3.0)),
            mean(0.5, 1, Some(-3), Some(4.0)),
        ]
    );
}

/// 5: AVG keeps its sum in the integer type of its argument, and SUM is of that type: both wrap. Widened before, they do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_and_means_of_integers_wrap_in_their_type() {
    let row = |n, large| Number {
        id: 1,
        n: Some(n),
        large: Some(large),
        x: Some(1e308),
    };
    let rows = vec![row(i32::MAX, i64::MAX), row(1, i64::MAX), row(5, 4)];
    let rows = made::<Number, Mean, _>(means, rows).await;
    let found: Vec<_> = rows
        .into_iter()
        .map(|row| row.map(|row| (row.n, row.large, row.x, row.sum, row.sum_widened)))
        .collect();
    assert_eq!(
        found,
        [
            Some((
                2_147_483_647.0,
                9_223_372_036_854_775_807.0,
                1e308,
                2_147_483_647,
                2_147_483_647
            )),
            // -2 147 483 648 / 2 and -2 / 2; the doubles have no end but infinity.
            Some((
                -1_073_741_824.0,
                -1.0,
                f64::INFINITY,
                -2_147_483_648,
                2_147_483_648
            )),
            // -2 147 483 643 / 3 and 2 / 3.
            Some((
                -715_827_881.0,
                2.0 / 3.0,
                f64::INFINITY,
                -2_147_483_643,
                2_147_483_653
            )),
        ]
    );
}
