//! Waiting for what nobody tells of.

use std::time::Duration;

/// Looks again and again whether something holds, for so long and no longer.
///
/// # Panics
/// With what `missing` says then, where it does not hold in time.
pub async fn until(
    limit: Duration,
    mut holds: impl AsyncFnMut() -> bool,
    missing: impl FnOnce() -> String,
) {
    let waiting = async {
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        while !holds().await {
            looks.tick().await;
        }
    };
    if tokio::time::timeout(limit, waiting).await.is_err() {
        panic!("not in {limit:?}: {}", missing());
    }
}
