//! Requests to the cluster: sent, then waited for on a queue of their own.
//!
//! Every function here blocks the calling thread for the given time at most, but for [`Call`], which does not wait.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::types::RDKafkaErrorCode;

use super::{Owned, c_string, items, text};
use crate::log::kafka::context::Deliveries;
use crate::log::kafka::failure::Failure;
use crate::log::topic::TopicId;

/// The client all requests go through.
type Client = Arc<BaseProducer<Deliveries>>;

/// How much longer than a request may take its answer is waited for: librdkafka itself ends the request.
const SLACK: Duration = Duration::from_secs(2);

const ERROR_TEXT: usize = 512;

/// A request on its way.
#[derive(Debug)]
pub(in crate::log::kafka) struct Call {
    // The order of the fields is the order in which they are freed.
    queue: Owned<sys::rd_kafka_queue_t>,
    timeout: Duration,
    _client: KeepAlive,
}

/// The client, kept until the queue is freed.
struct KeepAlive(#[expect(dead_code, reason = "held, not read")] Client);

impl std::fmt::Debug for KeepAlive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("client")
    }
}

/// An answer.
#[derive(Debug)]
pub(in crate::log::kafka) struct Answer(Owned<sys::rd_kafka_event_t>);

impl Call {
    fn start(
        client: &Client,
        api: sys::rd_kafka_admin_op_t,
        timeout: Duration,
        committed_only: bool,
        send: impl FnOnce(
            *mut sys::rd_kafka_t,
            *const sys::rd_kafka_AdminOptions_t,
            *mut sys::rd_kafka_queue_t,
        ),
    ) -> Result<Call, Failure> {
        use sys::rd_kafka_admin_op_t as op;
        let handle = client.client().native_ptr();
        // SAFETY: the client is alive; what is allocated is ours and freed by the function of its kind.
        let (queue, options) = unsafe {
            (
                Owned::new(sys::rd_kafka_queue_new(handle), sys::rd_kafka_queue_destroy),
                Owned::new(
                    sys::rd_kafka_AdminOptions_new(handle, api),
                    sys::rd_kafka_AdminOptions_destroy,
                ),
            )
        };
        let (Some(queue), Some(options)) = (queue, options) else {
            return Err(Failure::out_of_memory());
        };
        let milliseconds = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut error = [0 as c_char; ERROR_TEXT];
        // SAFETY: the options are alive, the buffer as long as is said.
        let code = unsafe {
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options.pointer(),
                milliseconds,
                error.as_mut_ptr(),
                error.len(),
            )
        };
        Failure::check(code.into(), || unsafe { text(error.as_ptr()) })?;
        if matches!(
            api,
            op::RD_KAFKA_ADMIN_OP_CREATETOPICS | op::RD_KAFKA_ADMIN_OP_DELETETOPICS
        ) {
            // SAFETY: as above. The broker answers when it has done it, not when it has begun.
            let code = unsafe {
                sys::rd_kafka_AdminOptions_set_operation_timeout(
                    options.pointer(),
                    milliseconds,
                    error.as_mut_ptr(),
                    error.len(),
                )
            };
            Failure::check(code.into(), || unsafe { text(error.as_ptr()) })?;
        }
        if committed_only {
            let level = sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
            // SAFETY: the options are alive; an error given is ours to free.
            let refused = unsafe {
                Owned::new(
                    sys::rd_kafka_AdminOptions_set_isolation_level(options.pointer(), level),
                    sys::rd_kafka_error_destroy,
                )
            };
            if let Some(refused) = refused {
                return Err(unsafe { failure_of(refused.pointer()) });
            }
        }
        send(handle, options.pointer(), queue.pointer());
        Ok(Call {
            queue,
            timeout,
            _client: KeepAlive(Arc::clone(client)),
        })
    }

    /// The answer, if it is there within `timeout`.
    pub(in crate::log::kafka) fn poll(&self, timeout: Duration) -> Option<Answer> {
        let milliseconds = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is alive; an event given is ours to free.
        unsafe {
            Owned::new(
                sys::rd_kafka_queue_poll(self.queue.pointer(), milliseconds),
                sys::rd_kafka_event_destroy,
            )
        }
        .map(Answer)
    }

    /// The answer, waited for as long as the request may take.
    fn wait(&self) -> Result<Answer, Failure> {
        self.poll(self.timeout.saturating_add(SLACK))
            .ok_or_else(|| {
                Failure::new(
                    RDKafkaErrorCode::OperationTimedOut,
                    "no answer came in time",
                )
            })
    }
}

impl Answer {
    fn event(&self) -> *mut sys::rd_kafka_event_t {
        self.0.pointer()
    }

    /// The failure of the request as a whole.
    fn check(&self) -> Result<(), Failure> {
        // SAFETY: the event is alive; its text is copied.
        unsafe {
            Failure::check(sys::rd_kafka_event_error(self.event()).into(), || {
                text(sys::rd_kafka_event_error_string(self.event()))
            })
        }
    }
}

/// # Safety
/// The pointer is null or points to an error that is alive.
unsafe fn failure_of(error: *const sys::rd_kafka_error_t) -> Failure {
    // SAFETY: by this function's contract; null is no error for these functions.
    unsafe {
        Failure::new(
            sys::rd_kafka_error_code(error).into(),
            text(sys::rd_kafka_error_string(error)),
        )
    }
}

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
    answer.check()?;
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
    answer.check()?;
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

/// The settings of a topic, by name.
pub(in crate::log::kafka) type Settings = BTreeMap<String, String>;

fn resource(topic: &str) -> Result<Owned<sys::rd_kafka_ConfigResource_t>, Failure> {
    let name = c_string(topic)?;
    let kind = sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the string is alive and copied.
    unsafe {
        Owned::new(
            sys::rd_kafka_ConfigResource_new(kind, name.as_ptr()),
            sys::rd_kafka_ConfigResource_destroy,
        )
    }
    .ok_or_else(Failure::out_of_memory)
}

/// The settings of topics, by topic. A topic the broker does not show the settings of has its failure.
pub(in crate::log::kafka) fn describe_settings(
    client: &Client,
    topics: &[&str],
    timeout: Duration,
) -> Result<BTreeMap<String, Result<Settings, Failure>>, Failure> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let resources = topics
        .iter()
        .map(|topic| resource(topic))
        .collect::<Result<Vec<_>, Failure>>()?;
    let mut pointers: Vec<_> = resources.iter().map(Owned::pointer).collect();
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS;
    let call = Call::start(client, api, timeout, false, |handle, options, queue| {
        // SAFETY: all are alive during the call, which copies what it needs.
        unsafe {
            sys::rd_kafka_DescribeConfigs(
                handle,
                pointers.as_mut_ptr(),
                pointers.len(),
                options,
                queue,
            );
        }
    })?;
    let answer = call.wait()?;
    answer.check()?;
    let mut count = 0_usize;
    // SAFETY: the event is alive while the results are read; null where it is of another kind.
    let results = unsafe {
        let result = sys::rd_kafka_event_DescribeConfigs_result(answer.event());
        if result.is_null() {
            return Err(Failure::wrong_answer());
        }
        items(
            sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count),
            count,
        )
    };
    Ok(results
        .iter()
        .map(|result| unsafe {
            (
                text(sys::rd_kafka_ConfigResource_name(*result)),
                resource_result(*result).map(|()| settings_of(*result)),
            )
        })
        .collect())
}

/// # Safety
/// The pointer points to a result that is alive.
unsafe fn resource_result(result: *const sys::rd_kafka_ConfigResource_t) -> Result<(), Failure> {
    // SAFETY: by this function's contract; the text is copied.
    unsafe {
        Failure::check(sys::rd_kafka_ConfigResource_error(result).into(), || {
            text(sys::rd_kafka_ConfigResource_error_string(result))
        })
    }
}

/// # Safety
/// The pointer points to a result that is alive.
unsafe fn settings_of(result: *const sys::rd_kafka_ConfigResource_t) -> Settings {
    let mut count = 0_usize;
    // SAFETY: by this function's contract; the texts are copied.
    unsafe {
        items(
            sys::rd_kafka_ConfigResource_configs(result, &raw mut count),
            count,
        )
        .iter()
        .map(|entry| {
            (
                text(sys::rd_kafka_ConfigEntry_name(*entry)),
                text(sys::rd_kafka_ConfigEntry_value(*entry)),
            )
        })
        .collect()
    }
}

/// One setting to change: to a value, or back to the broker's default.
pub(in crate::log::kafka) type Change<'a> = (&'a str, Option<String>);

/// Changes settings of a topic and leaves the others as they are.
pub(in crate::log::kafka) fn alter_topic(
    client: &Client,
    topic: &str,
    changes: &[Change<'_>],
    timeout: Duration,
) -> Result<(), Failure> {
    use sys::rd_kafka_AlterConfigOpType_t as op;
    let resource = resource(topic)?;
    for (setting, value) in changes {
        let (setting, kind) = (
            c_string(setting)?,
            match value {
                Some(_) => op::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
                None => op::RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE,
            },
        );
        let value = value.as_deref().map(c_string).transpose()?;
        let value = value
            .as_ref()
            .map_or(std::ptr::null(), |value| value.as_ptr());
        // SAFETY: all are alive; the strings are copied; an error given is ours to free.
        let refused = unsafe {
            Owned::new(
                sys::rd_kafka_ConfigResource_add_incremental_config(
                    resource.pointer(),
                    setting.as_ptr(),
                    kind,
                    value,
                ),
                sys::rd_kafka_error_destroy,
            )
        };
        if let Some(refused) = refused {
            return Err(unsafe { failure_of(refused.pointer()) });
        }
    }
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
    let call = Call::start(client, api, timeout, false, |handle, options, queue| {
        let mut resources = [resource.pointer()];
        // SAFETY: all are alive during the call, which copies what it needs.
        unsafe {
            sys::rd_kafka_IncrementalAlterConfigs(
                handle,
                resources.as_mut_ptr(),
                1,
                options,
                queue,
            );
        }
    })?;
    let answer = call.wait()?;
    answer.check()?;
    let mut count = 0_usize;
    // SAFETY: the event is alive while the results are read; null where it is of another kind.
    let results = unsafe {
        let result = sys::rd_kafka_event_IncrementalAlterConfigs_result(answer.event());
        if result.is_null() {
            return Err(Failure::wrong_answer());
        }
        items(
            sys::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count),
            count,
        )
    };
    results
        .iter()
        .try_for_each(|result| unsafe { resource_result(*result) })
}

/// Which end of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// The first offset there.
    Start,
    /// Behind the last record that is committed.
    End,
}

/// Asks for one end of partitions; [`edges`] reads the answer.
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
        Edge::Start => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST,
        Edge::End => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST,
    };
    for partition in partitions {
        // SAFETY: the list and the string are alive; the place given belongs to the list, which is not read meanwhile.
        unsafe {
            let place =
                sys::rd_kafka_topic_partition_list_add(list.pointer(), topic.as_ptr(), *partition);
            if let Some(place) = place.as_mut() {
                place.offset = spec as i64;
            }
        }
    }
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
    Call::start(client, api, timeout, true, |handle, options, queue| {
        // SAFETY: all four are alive during the call, which copies what it needs.
        unsafe { sys::rd_kafka_ListOffsets(handle, list.pointer(), options, queue) }
    })
}

/// Reads the answer to [`ask_edges`]: partition and offset.
fn edges(answer: &Answer) -> Result<Vec<(i32, Result<i64, Failure>)>, Failure> {
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

/// One end of partitions.
fn edge(call: &Call) -> Result<BTreeMap<i32, i64>, (i32, Failure)> {
    let found = call
        .wait()
        .and_then(|answer| edges(&answer))
        .map_err(|failure| (-1, failure))?;
    found
        .into_iter()
        .map(|(partition, offset)| match offset {
            Ok(offset) => Ok((partition, offset)),
            Err(failure) => Err((partition, failure)),
        })
        .collect()
}

/// Both ends of partitions, asked for at the same time. A failure names its partition, -1 if it is the request's.
pub(in crate::log::kafka) fn offsets_at(
    client: &Client,
    topic: &str,
    partitions: &[i32],
    timeout: Duration,
) -> Result<BTreeMap<i32, (i64, i64)>, (i32, Failure)> {
    let whole = |failure| (-1, failure);
    let starts = ask_edges(client, topic, partitions, Edge::Start, timeout).map_err(whole)?;
    let ends = ask_edges(client, topic, partitions, Edge::End, timeout).map_err(whole)?;
    let (starts, ends) = (edge(&starts)?, edge(&ends)?);
    Ok(starts
        .into_iter()
        .filter_map(|(partition, start)| Some((partition, (start, *ends.get(&partition)?))))
        .collect())
}
