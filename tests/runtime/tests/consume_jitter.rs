//! How long records wait between their attempts: as the log says, as their handlers see, within the bounds of the back-off, and
//! with jitter each time another time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ksql_runtime::consume::{Backoff, OnError, Records as _};
use ksql_runtime_tests::consuming::{Seen, Site, Transfer, reaches, transfer};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

const ATTEMPTS: u32 = 12;

/// The waits that were logged, in milliseconds.
#[derive(Clone, Default)]
struct Waits(Arc<Mutex<Vec<f64>>>);

impl Visit for Waits {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "wait" {
            let told = format!("{value:?}");
            let millis = told.strip_suffix("ms").expect("milliseconds");
            let millis = millis.parse().expect("a number");
            self.0.lock().expect("a lock").push(millis);
        }
    }
}

impl Subscriber for Waits {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ksql_runtime::consume")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The waits between the attempts at a record that fails each time. On this thread, so that what it logs is heard.
async fn waits(backoff: Backoff) -> Vec<f64> {
    let waits = Waits::default();
    let _heard = tracing::subscriber::set_default(waits.clone());
    let site = Site::embedded();
    let ctx = site.open().await;
    let set = ctx.set::<Transfer>();
    set.add(transfer(1, 0)).await.expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = set
        .consume()
        .with_retry(ATTEMPTS, backoff)
        .on_error(OnError::Skip)
        .for_each(move |_| {
            handler.push(Instant::now());
            async { Err::<(), _>(std::io::Error::other("it does not work")) }
        })
        .start()
        .await
        .expect("it starts");
    reaches(&subscription, "that it is given up", |status| {
        status.counters.skipped == 1
    })
    .await;
    ctx.shutdown().await.expect("a clean end");
    let (waits, seen) = (waits.0.lock().expect("a lock").clone(), seen.all());
    assert_eq!((waits.len(), seen.len()), (11, ATTEMPTS as usize));
    for (wait, attempts) in waits.iter().zip(seen.windows(2)) {
        let took = attempts[1] - attempts[0];
        assert!(took.as_secs_f64() * 1_000.0 >= *wait, "{took:?}, {wait} ms");
    }
    waits
}

#[tokio::test]
async fn waits_with_jitter_differ_and_lie_between_half_and_all_of_those_without() {
    let backoff = Backoff::exponential(Duration::from_millis(4), Duration::from_millis(8));
    let plain = waits(backoff).await;
    assert_eq!(plain, [[4.0].as_slice(), &[8.0; 10]].concat());
    let jittered = waits(backoff.jitter()).await;
    for (wait, most) in jittered.iter().zip(&plain) {
        assert!((most / 2.0..=*most).contains(wait), "{wait} of {most} ms");
    }
    // Ten times the same of 1024 that there may be is once in 10^27.
    let longest = &jittered[1..];
    assert!(
        longest.iter().any(|wait| *wait != longest[0]),
        "{jittered:?}"
    );
}
