//! Topics asked for, created and deleted. What waits blocks the calling thread for the given time at most.

use std::ffi::{CString, c_char, c_int};
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaErrorCode;

use super::call::{Answer, Call, Client, ERROR_TEXT};
use super::{Owned, c_string, items, text};
use crate::log::kafka::failure::Failure;
use crate::log::topic::TopicId;

/// A topic as the cluster describes it.
#[derive(Debug, Clone)]
pub(in crate::log::kafka) struct DescribedTopic {
    pub(in crate::log::kafka) name: String,
    pub(in crate::log::kafka) id: TopicId,
    pub(in crate::log::kafka) partitions: u32,
    pub(in crate::log::kafka) replication: u16,
    /// Whether each partition has a broker that takes records.
    pub(in crate::log::kafka) led: bool,
    pub(in crate::log::kafka) internal: bool,
}

/// Asks for topics; [`described`] reads the answer.
pub(in crate::log::kafka) fn ask_topics(
    client: &Client,
    names: &[&str],
    timeout: Duration,
) -> Result<Call, Failure> {
    let names = names
        .iter()
        .map(|name| c_string(name))
        .collect::<Result<Vec<CString>, Failure>>()?;
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: as many strings as are said; they are copied.
    let topics = unsafe {
        Owned::new(
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            sys::rd_kafka_TopicCollection_destroy,
        )
    }
    .ok_or_else(Failure::out_of_memory)?;
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    Call::start(client, api, timeout, false, |handle, options, queue| {
        // SAFETY: all four are alive during the call, which copies what it needs.
        unsafe { sys::rd_kafka_DescribeTopics(handle, topics.pointer(), options, queue) }
    })
}

/// Reads the answer to [`ask_topics`], in the order of the question.
pub(in crate::log::kafka) fn described(
    answer: &Answer,
) -> Result<Vec<Result<DescribedTopic, Failure>>, Failure> {
    answer.check()?;
    let mut count = 0_usize;
    // SAFETY: the event is alive while the results are read; null where it is of another kind.
    let topics = unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(answer.event());
        if result.is_null() {
            return Err(Failure::wrong_answer());
        }
        items(
            sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count),
            count,
        )
    };
    Ok(topics
        .iter()
        .map(|topic| unsafe { describe_one(*topic) })
        .collect())
}

/// # Safety
/// The pointer points to a description that is alive.
unsafe fn describe_one(
    topic: *const sys::rd_kafka_TopicDescription_t,
) -> Result<DescribedTopic, Failure> {
    // SAFETY: by this function's contract, and what belongs to the description lives as long as it.
    unsafe {
        let error = sys::rd_kafka_TopicDescription_error(topic);
        Failure::check(sys::rd_kafka_error_code(error).into(), || {
            text(sys::rd_kafka_error_string(error))
        })?;
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let mut bytes = [0_u8; 16];
        if !id.is_null() {
            let (high, low) = bytes.split_at_mut(8);
            high.copy_from_slice(&sys::rd_kafka_Uuid_most_significant_bits(id).to_be_bytes());
            low.copy_from_slice(&sys::rd_kafka_Uuid_least_significant_bits(id).to_be_bytes());
        }
        let mut count = 0_usize;
        let partitions = items(
            sys::rd_kafka_TopicDescription_partitions(topic, &raw mut count),
            count,
        );
        let mut replicas = 0_usize;
        if let Some(first) = partitions.first() {
            sys::rd_kafka_TopicPartitionInfo_replicas(*first, &raw mut replicas);
        }
        let led = partitions.iter().all(|partition| {
            let leader = sys::rd_kafka_TopicPartitionInfo_leader(*partition);
            !leader.is_null() && sys::rd_kafka_Node_id(leader) >= 0
        });
        Ok(DescribedTopic {
            name: text(sys::rd_kafka_TopicDescription_name(topic)),
            id: TopicId::from_bytes(bytes),
            partitions: u32::try_from(count).unwrap_or(u32::MAX),
            replication: u16::try_from(replicas).unwrap_or(u16::MAX),
            led: led && !partitions.is_empty(),
            internal: sys::rd_kafka_TopicDescription_is_internal(topic) != 0,
        })
    }
}

/// Topics, in the order of their names given.
pub(in crate::log::kafka) fn describe_topics(
    client: &Client,
    names: &[&str],
    timeout: Duration,
) -> Result<Vec<Result<DescribedTopic, Failure>>, Failure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    described(&ask_topics(client, names, timeout)?.wait()?)
}

/// A topic to create.
#[derive(Debug)]
pub(in crate::log::kafka) struct NewTopic<'a> {
    pub(in crate::log::kafka) name: &'a str,
    pub(in crate::log::kafka) partitions: u32,
    pub(in crate::log::kafka) replication: u16,
    pub(in crate::log::kafka) settings: Vec<(&'a str, String)>,
}

/// Creates a topic.
pub(in crate::log::kafka) fn create_topic(
    client: &Client,
    topic: &NewTopic<'_>,
    timeout: Duration,
) -> Result<(), Failure> {
    let name = c_string(topic.name)?;
    let mut error = [0 as c_char; ERROR_TEXT];
    let partitions = c_int::try_from(topic.partitions).unwrap_or(c_int::MAX);
    // SAFETY: the string is alive, the buffer as long as is said.
    let created = unsafe {
        Owned::new(
            sys::rd_kafka_NewTopic_new(
                name.as_ptr(),
                partitions,
                c_int::from(topic.replication),
                error.as_mut_ptr(),
                error.len(),
            ),
            sys::rd_kafka_NewTopic_destroy,
        )
    };
    let created = created.ok_or_else(|| {
        Failure::new(RDKafkaErrorCode::InvalidTopic, unsafe {
            text(error.as_ptr())
        })
    })?;
    for (setting, value) in &topic.settings {
        let (setting, value) = (c_string(setting)?, c_string(value)?);
        // SAFETY: all three are alive; the strings are copied.
        let code = unsafe {
            sys::rd_kafka_NewTopic_set_config(created.pointer(), setting.as_ptr(), value.as_ptr())
        };
        Failure::check(code.into(), String::new)?;
    }
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS;
    let call = Call::start(client, api, timeout, false, |handle, options, queue| {
        let mut topics = [created.pointer()];
        // SAFETY: all are alive during the call, which copies what it needs.
        unsafe { sys::rd_kafka_CreateTopics(handle, topics.as_mut_ptr(), 1, options, queue) }
    })?;
    let answer = call.wait()?;
    let mut count = 0_usize;
    // SAFETY: the event is alive while the results are read; null where it is of another kind.
    let results = unsafe {
        let result = sys::rd_kafka_event_CreateTopics_result(answer.event());
        if result.is_null() {
            return Err(Failure::wrong_answer());
        }
        items(
            sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count),
            count,
        )
    };
    results
        .iter()
        .try_for_each(|result| unsafe { topic_result(*result) })
}

/// # Safety
/// The pointer points to a result that is alive.
unsafe fn topic_result(result: *const sys::rd_kafka_topic_result_t) -> Result<(), Failure> {
    // SAFETY: by this function's contract; the text is copied.
    unsafe {
        Failure::check(sys::rd_kafka_topic_result_error(result).into(), || {
            text(sys::rd_kafka_topic_result_error_string(result))
        })
    }
}

/// Deletes a topic.
pub(in crate::log::kafka) fn delete_topic(
    client: &Client,
    topic: &str,
    timeout: Duration,
) -> Result<(), Failure> {
    let name = c_string(topic)?;
    // SAFETY: the string is alive and copied.
    let deleted = unsafe {
        Owned::new(
            sys::rd_kafka_DeleteTopic_new(name.as_ptr()),
            sys::rd_kafka_DeleteTopic_destroy,
        )
    }
    .ok_or_else(Failure::out_of_memory)?;
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DELETETOPICS;
    let call = Call::start(client, api, timeout, false, |handle, options, queue| {
        let mut topics = [deleted.pointer()];
        // SAFETY: all are alive during the call, which copies what it needs.
        unsafe { sys::rd_kafka_DeleteTopics(handle, topics.as_mut_ptr(), 1, options, queue) }
    })?;
    let answer = call.wait()?;
    let mut count = 0_usize;
    // SAFETY: the event is alive while the results are read; null where it is of another kind.
    let results = unsafe {
        let result = sys::rd_kafka_event_DeleteTopics_result(answer.event());
        if result.is_null() {
            return Err(Failure::wrong_answer());
        }
        items(
            sys::rd_kafka_DeleteTopics_result_topics(result, &raw mut count),
            count,
        )
    };
    results
        .iter()
        .try_for_each(|result| unsafe { topic_result(*result) })
}
