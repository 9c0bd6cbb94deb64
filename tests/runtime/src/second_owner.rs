//! A second start in a directory that a running child has.

use std::time::{Duration, Instant};

use ksql_runtime::error::Error;
use ksql_runtime::log::{DirectoryError, LogError};
use ksql_runtime::prelude::*;

use crate::child::Lines;

/// It is refused within a second, and told whose the directory is; how soon.
///
/// # Panics
/// Where it is not.
pub async fn refused(first: &Lines, start: impl AsyncFn() -> Result<Context, Error>) -> Duration {
    // One of some attempts is enough: on a busy machine any single one may be kept waiting by others.
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        let error = start().await.expect_err("it has an owner");
        fastest = fastest.min(began.elapsed());
        let Error::Start { cause, .. } = &error else {
            panic!("no failed start: {error:?}");
        };
        match &**cause {
            Error::Log(LogError::Directory(DirectoryError::AlreadyOwned { pid, .. })) => {
                assert_eq!(*pid, Some(first.id()));
            }
            other => panic!("{other:?}"),
        }
        let id = first.id().to_string();
        assert!(error.to_string().contains(&id), "{id} is not in: {error}");
    }
    assert!(
        fastest < Duration::from_secs(1),
        "refused after {fastest:?}"
    );
    fastest
}
