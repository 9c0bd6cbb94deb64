//! Counts allocations, so that a benchmark can say how many an operation makes.
//!
//! One counter is per thread, so that other threads of the process do not disturb a figure; the other is of all threads, and counts
//! only while it is asked for, so that those of another benchmark do not take turns on it. Reallocations count as allocations.
#![allow(
    unsafe_code,
    reason = "a global allocator cannot be written without; it only counts and forwards"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

static WANTED: AtomicBool = AtomicBool::new(false);
static EVERYWHERE: AtomicU64 = AtomicU64::new(0);

/// The system's allocator with a counter in front.
#[derive(Debug)]
pub struct Counting;

fn count() {
    // A thread that is ending has no counter left; nobody reads it then.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    if WANTED.load(Ordering::Relaxed) {
        EVERYWHERE.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is forwarded unchanged to `System`, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations made by this thread while `work` ran.
pub fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

/// Allocations made by all threads while `work` ran: for what works on threads of its own.
pub fn allocations_everywhere(work: impl FnOnce()) -> u64 {
    let before = EVERYWHERE.load(Ordering::Relaxed);
    WANTED.store(true, Ordering::Relaxed);
    work();
    WANTED.store(false, Ordering::Relaxed);
    EVERYWHERE.load(Ordering::Relaxed) - before
}
