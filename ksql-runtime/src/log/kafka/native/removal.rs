//! Removing records from the front of a partition. Blocks the calling thread for the given time at most.

use std::time::Duration;

use rdkafka::bindings as sys;

use super::call::{Call, Client};
use super::{Owned, c_string};
use crate::log::kafka::failure::Failure;

/// Removes the records of a partition before an offset.
pub(in crate::log::kafka) fn remove_before(
    client: &Client,
    topic: &str,
    partition: i32,
    offset: i64,
    timeout: Duration,
) -> Result<(), Failure> {
    let topic = c_string(topic)?;
    // SAFETY: what is allocated is ours and freed by the function of its kind; the string is alive and copied, and the place
    // given belongs to the list, which is not read meanwhile.
    let removal = unsafe {
        let list = Owned::new(
            sys::rd_kafka_topic_partition_list_new(1),
            sys::rd_kafka_topic_partition_list_destroy,
        )
        .ok_or_else(Failure::out_of_memory)?;
        let place =
            sys::rd_kafka_topic_partition_list_add(list.pointer(), topic.as_ptr(), partition);
        if let Some(place) = place.as_mut() {
            place.offset = offset;
        }
        // It copies the list.
        Owned::new(
            sys::rd_kafka_DeleteRecords_new(list.pointer()),
            sys::rd_kafka_DeleteRecords_destroy,
        )
    }
    .ok_or_else(Failure::out_of_memory)?;
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETERECORDS;
    let call = Call::start(client, api, timeout, false, |handle, options, queue| {
        let mut removals = [removal.pointer()];
        // SAFETY: all are alive during the call, which copies what it needs.
        unsafe { sys::rd_kafka_DeleteRecords(handle, removals.as_mut_ptr(), 1, options, queue) }
    })?;
    let answer = call.wait()?;
    answer.check()?;
    // SAFETY: the event is alive while the results are read; null where it is of another kind. The list belongs to it, has as
    // many places as it says, and one at least where it is not empty.
    let place = unsafe {
        let result = sys::rd_kafka_event_DeleteRecords_result(answer.event());
        if result.is_null() {
            return Err(Failure::wrong_answer());
        }
        sys::rd_kafka_DeleteRecords_result_offsets(result)
            .as_ref()
            .filter(|list| list.cnt > 0)
            .and_then(|list| list.elems.as_ref())
    };
    let place = place.ok_or_else(Failure::wrong_answer)?;
    Failure::check(place.err.into(), String::new)
}
