//! What a filter does not want is never built: counted by the allocations of the thread on which handlers run, as the difference
//! of twice as many records. In a process of its own, for its allocator.

#![allow(
    unsafe_code,
    reason = "an allocator that counts cannot be written without"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use ksql_runtime::consume::{Consumer, ForEach, Records as _};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{LIMIT, Payment, Site, payment, status};
use tokio::sync::Notify;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is forwarded unchanged to `System`, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter left; nobody reads it then.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RECORDS: i64 = 20_000;
/// The number of the last record, the only one a filter wants.
const WANTED: i64 = -1;

/// Allocations for a consumer's reading of so many payments that it does not want, and one that it does.
fn allocations(records: i64, handled: fn(Consumer<Payment>, Arc<Notify>) -> ForEach) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("tokio");
    runtime.block_on(async {
        let site = Site::embedded();
        let ctx = site.open().await;
        let set = ctx.set::<Payment>();
        // Of one account, so that they stand in one order.
        let payments = (0..records).chain([WANTED]).map(|n| payment(7, n));
        set.add_all(payments).await.expect("added");
        let (done, consumer) = (Arc::new(Notify::new()), set.consume().group("g"));
        let before = COUNT.with(Cell::get);
        let consuming = handled(consumer, Arc::clone(&done)).start().await;
        let subscription = consuming.expect("it starts");
        tokio::time::timeout(LIMIT, done.notified())
            .await
            .expect("the last one is handled");
        let counted = COUNT.with(Cell::get) - before;
        let counters = status(&subscription).counters;
        let all = records.cast_unsigned() + 1;
        assert_eq!(counters.filtered + counters.handled, all, "{counters:?}");
        ctx.shutdown().await.expect("a clean end");
        counted
    })
}

/// Allocations for each record that is not wanted.
fn each(handled: fn(Consumer<Payment>, Arc<Notify>) -> ForEach) -> f64 {
    let counted = [RECORDS, 2 * RECORDS].map(|records| allocations(records, handled));
    (counted[1] as f64 - counted[0] as f64) / RECORDS as f64
}

/// A handler that is called once.
fn told(done: Arc<Notify>) -> impl Fn(Payment) -> std::future::Ready<()> + Send + Sync + 'static {
    move |payment| {
        assert_eq!(black_box(payment).number, WANTED);
        done.notify_one();
        std::future::ready(())
    }
}

#[test]
fn a_record_that_a_condition_does_not_want_takes_no_memory_and_one_that_is_built_does() {
    let matching = each(|consumer, done| {
        consumer
            .matching(ksql!(|p: Payment| p.number < 0 && p.account == 7))
            .for_each(told(done))
    });
    assert!(matching < 0.05, "{matching} allocations a record");
    let rows = each(|consumer, done| {
        consumer
            .matching_rows(|row| row.number < 0 && !row.note.is_empty())
            .for_each(told(done))
    });
    assert!(rows < 0.05, "{rows} allocations a record");
    // The note of each, at least: what is built is counted.
    let built = each(|consumer, done| {
        let built = move |payment: &Payment| payment.number < 0;
        consumer.filter(built).for_each(told(done))
    });
    assert!(built >= 1.0, "{built} allocations a record");
}
