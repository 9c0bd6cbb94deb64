//! The calls of librdkafka for which rdkafka has no safe form, made safe.
//!
//! What is missing there and needed here: the id of a topic, the start and end of all partitions in one request, the
//! broker's own words in an answer, changing one setting of a topic without resetting the others, and the offset of an
//! end-of-partition event, without which a reader cannot pass transaction markers and compacted records at the end.
//!
//! This is the only unsafe code of the workspace. Invariants: what librdkafka allocates is owned by an [`Owned`] that
//! frees it once; nothing borrowed from an event outlives it; a queue is freed before the client it belongs to, because
//! its owner holds the client too.
#![allow(
    unsafe_code,
    reason = "calls of a C library, each beside the condition it needs"
)]

mod call;
mod consumer;
mod membership;
mod offsets;
mod removal;
mod settings;
mod topics;

use std::ffi::{CStr, CString, c_char};
use std::ptr::NonNull;

use rdkafka::bindings as sys;
use rdkafka::config::NativeClientConfig;
use rdkafka::types::RDKafkaErrorCode;

pub(super) use call::Call;
pub(super) use consumer::{Consumer, Kind, Message, Told};
pub(super) use offsets::{offsets_at, offsets_of_time};
pub(super) use removal::remove_before;
pub(super) use settings::{Change, Settings, alter_topic, describe_settings};
pub(super) use topics::{
    DescribedTopic, NewTopic, ask_topics, create_topic, delete_topic, describe_topics, described,
};

use super::failure::Failure;

/// Something librdkafka allocated, freed once.
#[derive(Debug)]
struct Owned<T> {
    pointer: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

// SAFETY: librdkafka's queues, events, options and lists have no thread of their own: they may be used and freed by any
// thread, and nothing here is shared without a reference to its owner.
unsafe impl<T> Send for Owned<T> {}

impl<T> Owned<T> {
    /// Takes what an allocating function gave; nothing if it gave null.
    ///
    /// # Safety
    /// The pointer is null, or was allocated for `free` and belongs to nobody else.
    unsafe fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Owned<T>> {
        NonNull::new(pointer).map(|pointer| Owned { pointer, free })
    }

    fn pointer(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: by the contract of `new` it is ours and was allocated for `free`.
        unsafe { (self.free)(self.pointer.as_ptr()) }
    }
}

/// A copy of a C string; empty for null.
///
/// # Safety
/// The pointer is null or points to a string that ends with a zero byte.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

/// A C string of ours.
fn c_string(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| {
        Failure::new(
            RDKafkaErrorCode::InvalidArgument,
            format!("`{}` holds a zero byte", text.escape_debug()),
        )
    })
}

/// The items of an array of pointers.
///
/// # Safety
/// The pointer is null or points to `count` pointers that live as long as `'a`.
unsafe fn items<'a, T>(array: *mut *const T, count: usize) -> &'a [*const T] {
    if array.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: by this function's contract.
    unsafe { std::slice::from_raw_parts(array.cast_const(), count) }
}

/// The names of all settings a client knows.
pub(super) fn setting_names(config: &NativeClientConfig) -> Vec<String> {
    let mut count = 0_usize;
    // SAFETY: the configuration is alive while it is borrowed; `count` is written before the call returns.
    let array = unsafe { sys::rd_kafka_conf_dump(config.ptr(), &raw mut count) };
    // SAFETY: librdkafka gives `count` strings, names and values in turn, alive until they are freed below.
    let names = unsafe { items(array, count) }
        .iter()
        .step_by(2)
        .map(|name| unsafe { text(*name) })
        .collect();
    // SAFETY: what was given above, once; nothing of it is kept.
    unsafe { sys::rd_kafka_conf_dump_free(array, count) };
    names
}
