//! A property of what runs: tried with input that is made up, in a runtime of its own.

use ksql_tests::strategies::cases;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::report::number;

/// Tries made-up input; `KSQL_TEST_CASES` says how often.
///
/// # Panics
/// With the smallest input found for which `check` does.
pub fn holds<S: Strategy>(input: S, check: impl AsyncFn(S::Value)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let config = ProptestConfig {
        // Each takes a start and an end, and sometimes more.
        max_shrink_iters: 60,
        ..cases(u32::try_from(number("KSQL_TEST_CASES", 12)).expect("a number"))
    };
    let tried = TestRunner::new(config).run(&input, |input| {
        runtime.block_on(check(input));
        Ok(())
    });
    if let Err(found) = tried {
        panic!("{found}");
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn what_does_not_hold_is_told_with_the_smallest_input() {
        let tried = catch_unwind(AssertUnwindSafe(|| {
            holds(0..1_000_000_i64, async |number| {
                assert!(number < 7, "too large")
            });
        }));
        let told = tried.expect_err("most are larger");
        let told = told.downcast_ref::<String>().expect("a text");
        assert!(
            told.contains("too large") && told.contains("minimal failing input: 7"),
            "{told}"
        );
    }
}
