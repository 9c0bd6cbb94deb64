//! What a filter does not want is never built, and what is built takes its fields and little more: counted by allocations, as the
//! difference of twice as many records. In a process of its own, for its allocator.

#![allow(
    unsafe_code,
    reason = "an allocator that counts cannot be written without"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ksql_runtime::consume::{Consumer, ForEach, Order, Records as _};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{LIMIT, Payment, Site, payment, status};
use ksql_runtime_tests::test_name;
use tokio::sync::Notify;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Of all threads: a consumer reads on one of its own.
static EVERYWHERE: AtomicU64 = AtomicU64::new(0);

/// One test at a time, for what another allocates would be counted too.
static ALONE: Mutex<()> = Mutex::new(());

struct Counting;

// SAFETY: every call is forwarded unchanged to `System`, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter left; nobody reads it then.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        EVERYWHERE.fetch_add(1, Ordering::Relaxed);
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
/// What a payment owns: its note.
const FIELDS: f64 = 1.0;

/// Allocations: of the thread on which handlers run, and of all.
#[derive(Debug, Clone, Copy)]
struct Counted {
    here: f64,
    everywhere: f64,
}

impl Counted {
    fn now() -> Counted {
        Counted {
            here: COUNT.with(Cell::get) as f64,
            everywhere: EVERYWHERE.load(Ordering::Relaxed) as f64,
        }
    }

    fn since(self, before: Counted) -> Counted {
        Counted {
            here: self.here - before.here,
            everywhere: self.everywhere - before.everywhere,
        }
    }
}

/// Tells when as many records as are wanted were handled.
struct Left {
    records: AtomicU64,
    done: Notify,
}

impl Left {
    fn one_less(&self) {
        if self.records.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.done.notify_one();
        }
    }
}

type Handled = fn(Consumer<Payment>, Arc<Left>) -> ForEach;

/// Allocations for a consumer's reading of these payments, of which it handles so many.
fn allocations(site: &Site, payments: Vec<Payment>, wanted: u64, handled: Handled) -> Counted {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("tokio");
    runtime.block_on(async {
        let ctx = site.open().await;
        let set = ctx.set::<Payment>();
        let all = payments.len() as u64;
        set.add_all(payments).await.expect("added");
        let left = Arc::new(Left {
            records: AtomicU64::new(wanted),
            done: Notify::new(),
        });
        let consumer = set.consume().group("g");
        let before = Counted::now();
        let consuming = handled(consumer, Arc::clone(&left)).start().await;
        let subscription = consuming.expect("it starts");
        tokio::time::timeout(LIMIT, left.done.notified())
            .await
            .expect("the last one is handled");
        let counted = Counted::now().since(before);
        // The reading thread is among them.
        assert!(counted.everywhere > counted.here, "{counted:?}");
        let counters = status(&subscription).counters;
        assert_eq!(counters.filtered + counters.handled, all, "{counters:?}");
        ctx.shutdown().await.expect("a clean end");
        counted
    })
}

/// Allocations for each record, from those of so many and of twice as many.
fn each(counted: impl Fn(i64) -> Counted) -> Counted {
    let (once, twice) = (counted(RECORDS), counted(2 * RECORDS));
    let more = twice.since(once);
    Counted {
        here: more.here / RECORDS as f64,
        everywhere: more.everywhere / RECORDS as f64,
    }
}

/// On the thread of the handlers, for each record that is not wanted.
fn unwanted(handled: Handled) -> f64 {
    let counted = |records| {
        // Of one account, so that they stand in one order.
        let payments = (0..records).chain([WANTED]).map(|n| payment(7, n));
        allocations(&Site::embedded(), payments.collect(), 1, handled)
    };
    each(counted).here
}

/// On all threads, for each record that is handled.
fn handled(site: &dyn Fn() -> Site, handled: Handled) -> Counted {
    each(|records| {
        // Of all partitions.
        let payments = (0..records).map(|n| payment(n % 100, n)).collect();
        allocations(&site(), payments, records.cast_unsigned(), handled)
    })
}

/// A handler that is called once.
fn told(left: Arc<Left>) -> impl Fn(Payment) -> std::future::Ready<()> + Send + Sync + 'static {
    move |payment| {
        assert_eq!(black_box(payment).number, WANTED);
        left.one_less();
        std::future::ready(())
    }
}

/// A handler of every record.
fn any(left: Arc<Left>) -> impl Fn(Payment) -> std::future::Ready<()> + Send + Sync + 'static {
    move |payment| {
        black_box(payment);
        left.one_less();
        std::future::ready(())
    }
}

#[test]
fn a_record_that_a_condition_does_not_want_takes_no_memory_and_one_that_is_built_does() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let matching = unwanted(|consumer, left| {
        consumer
            .matching(ksql!(|p: Payment| p.number < 0 && p.account == 7))
            .for_each(told(left))
    });
    assert!(matching < 0.05, "{matching} allocations a record");
    let rows = unwanted(|consumer, left| {
        consumer
            .matching_rows(|row| row.number < 0 && !row.note.is_empty())
            .for_each(told(left))
    });
    assert!(rows < 0.05, "{rows} allocations a record");
    // The note of each, at least: what is built is counted.
    let built = unwanted(|consumer, left| {
        let built = move |payment: &Payment| payment.number < 0;
        consumer.filter(built).for_each(told(left))
    });
    assert!(built >= 1.0, "{built} allocations a record");
}

/// Reading, dealing and what waits to be finished included, and whatever else the process does meanwhile.
fn one_beside_the_fields(site: &dyn Fn() -> Site) {
    let orders: [(&str, Handled); 3] = [
        ("by partition", |consumer, left| {
            consumer.for_each(any(left))
        }),
        ("by key", |consumer, left| {
            consumer.concurrency(8, Order::ByKey).for_each(any(left))
        }),
        ("unordered", |consumer, left| {
            consumer
                .concurrency(8, Order::Unordered)
                .for_each(any(left))
        }),
    ];
    for (order, handler) in orders {
        let counted = handled(site, handler);
        let all = counted.everywhere;
        assert!(all <= FIELDS + 1.0, "{order}: {counted:?}");
        // The note of each, at least.
        assert!(counted.here >= FIELDS, "{order}: {counted:?}");
    }
}

#[test]
fn a_handled_record_takes_one_allocation_at_most_beside_its_fields_on_all_threads() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    one_beside_the_fields(&Site::embedded);
    let name = test_name!();
    if Site::kafka(name).is_some() {
        one_beside_the_fields(&|| Site::kafka(name).expect("Kafka is there"));
    }
}
