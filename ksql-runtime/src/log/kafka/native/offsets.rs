//! Where partitions begin and end, and where a time begins in them, all of them in one request. Blocks the calling thread for the given time at most.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::call::{Answer, Call, Client};
use super::{Owned, c_string, items};
use crate::log::kafka::failure::Failure;

/// Which offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// The first offset there.
    Start,
    /// Behind the last record that is committed.
    End,
    /// The first record with this timestamp or a later one.
    Time(i64),
    /// Behind the last record, whether or not it is committed.
    Last,
}

/// Asks for one offset of partitions; [`edges`] reads the answer.
fn ask_edges(
    client: &Client,
    topic: &str,
    partitions: &[i32],
    edge: Edge,
    timeout: Duration,
) -> Result<Call, Failure> {
    let topic = c_string(topic)?;
    let room = c_int::try_from(partitions.len()).unwrap_or(c_int::MAX);
    // SAFETY: what is allocated is ours and freed by the function of its kind.
    let list = unsafe {
        Owned::new(
            sys::rd_kafka_topic_partition_list_new(room),
            sys::rd_kafka_topic_partition_list_destroy,
        )
    }
    .ok_or_else(Failure::out_of_memory)?;
    let spec = match edge {
        Edge::Start => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
        Edge::End | Edge::Last => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64,
        // What is negative has other meanings.
        Edge::Time(time) => time.max(0),
    };
    for partition in partitions {
        // SAFETY: the list and the string are alive; the place given belongs to the list, which is not read meanwhile.
        unsafe {
            let place =
                sys::rd_kafka_topic_partition_list_add(list.pointer(), topic.as_ptr(), *partition);
            if let Some(place) = place.as_mut() {
                place.offset = spec;
            }
        }
    }
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
    let committed = edge != Edge::Last;
    Call::start(client, api, timeout, committed, |handle, options, queue| {
        // SAFETY: all four are alive during the call, which copies what it needs.
        unsafe { sys::rd_kafka_ListOffsets(handle, list.pointer(), options, queue) }
    })
}

/// A partition's offset.
type EdgeOf = (i32, Result<i64, Failure>);

/// Reads the answer to [`ask_edges`], as the broker gave it.
fn edges(answer: &Answer) -> Result<Vec<EdgeOf>, Failure> {
    answer.check()?;
    let mut count = 0_usize;
    // SAFETY: the event is alive while the results are read; null where it is of another kind.
    let infos = unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(answer.event());
        if result.is_null() {
            return Err(Failure::wrong_answer());
        }
        items(
            sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count),
            count,
        )
    };
    Ok(infos
        .iter()
        .filter_map(|info| {
            // SAFETY: what belongs to the result lives as long as the event.
            let place =
                unsafe { sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*info).as_ref() }?;
            let offset = Failure::check(place.err.into(), String::new).map(|()| place.offset);
            Some((place.partition, offset))
        })
        .collect())
}

/// The client says "no offset" without an error where the connection ended before the broker's answer: asked again, it
/// will have one.
fn known(offset: i64) -> Result<i64, Failure> {
    if offset < 0 {
        return Err(Failure::new(
            Code::OffsetNotAvailable,
            "the broker's answer was lost",
        ));
    }
    Ok(offset)
}

/// The broker says -1 where no record is so late. Where its answer was lost the client says another negative number.
fn known_or_none(offset: i64) -> Result<Option<i64>, Failure> {
    match offset {
        -1 => Ok(None),
        offset => known(offset).map(Some),
    }
}

/// The client does not say what it has not found: leaders, which partitions just added have a little later.
fn led(failure: Failure) -> Failure {
    match failure.code {
        Code::NoEnt => Failure::new(Code::LeaderNotAvailable, failure.text),
        _ => failure,
    }
}

/// One offset of partitions, made out by `read`.
fn edge<T>(
    call: &Call,
    read: fn(i64) -> Result<T, Failure>,
) -> Result<BTreeMap<i32, T>, (i32, Failure)> {
    let found = call
        .wait()
        .and_then(|answer| edges(&answer))
        .map_err(|failure| (-1, led(failure)))?;
    found
        .into_iter()
        .map(|(partition, offset)| match offset.and_then(read) {
            Ok(offset) => Ok((partition, offset)),
            Err(failure) => Err((partition, failure)),
        })
        .collect()
}

/// The first record with this timestamp or a later one, where there is one. A failure names its partition, -1 if it is the
/// request's.
pub(in crate::log::kafka) fn offsets_of_time(
    client: &Client,
    topic: &str,
    partitions: &[i32],
    time: i64,
    timeout: Duration,
) -> Result<BTreeMap<i32, Option<i64>>, (i32, Failure)> {
    let call = ask_edges(client, topic, partitions, Edge::Time(time), timeout)
        .map_err(|failure| (-1, failure))?;
    edge(&call, known_or_none)
}

/// Both ends of partitions, asked for at the same time; `committed` says whether records of open transactions lie behind the
/// end. A failure names its partition, -1 if it is the request's.
pub(in crate::log::kafka) fn offsets_at(
    client: &Client,
    topic: &str,
    partitions: &[i32],
    timeout: Duration,
    committed: bool,
) -> Result<BTreeMap<i32, (i64, i64)>, (i32, Failure)> {
    let whole = |failure| (-1, failure);
    let starts = ask_edges(client, topic, partitions, Edge::Start, timeout).map_err(whole)?;
    let end = if committed { Edge::End } else { Edge::Last };
    let ends = ask_edges(client, topic, partitions, end, timeout).map_err(whole)?;
    let (starts, ends) = (edge(&starts, known)?, edge(&ends, known)?);
    Ok(starts
        .into_iter()
        .filter_map(|(partition, start)| Some((partition, (start, *ends.get(&partition)?))))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_that_nobody_told_is_asked_for_again_and_never_taken_for_one() {
        assert_eq!(known(0), Ok(0));
        assert_eq!(
            known(-1001).map_err(|failure| failure.code),
            Err(Code::OffsetNotAvailable)
        );
        assert_eq!(
            known(-1).map_err(|failure| failure.code),
            Err(Code::OffsetNotAvailable)
        );
    }

    #[test]
    fn a_time_after_the_last_record_is_told_from_an_answer_that_was_lost() {
        assert_eq!(known_or_none(-1), Ok(None));
        assert_eq!(known_or_none(7), Ok(Some(7)));
        assert_eq!(
            known_or_none(-1001).map_err(|failure| failure.code),
            Err(Code::OffsetNotAvailable)
        );
    }
}
