//! A consumer's queue read event by event, on the thread that owns the reader.
//!
//! One event holds one record, the end of a partition with its offset, or an error; the record is borrowed from it.

use std::ffi::{CString, c_int};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext as _};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use super::{Owned, text};
use crate::log::kafka::context::{Logging, log_line};
use crate::log::kafka::failure::Failure;
use crate::log::kafka::statistics::Statistics;

/// A consumer of some partitions of one topic.
pub(in crate::log::kafka) struct Consumer {
    // The order of the fields is the order in which they are freed.
    queue: Owned<sys::rd_kafka_queue_t>,
    pub(super) topic: CString,
    pub(super) consumer: BaseConsumer<Logging>,
    statistics: Arc<Statistics>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("topic", &self.topic)
            .finish()
    }
}

impl Consumer {
    /// A consumer without partitions. `wake` is called, by any thread, when something has come into the empty queue;
    /// `statistics` keep what librdkafka counts of it.
    pub(in crate::log::kafka) fn new(
        config: &ClientConfig,
        topic: &str,
        statistics: &Arc<Statistics>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> KafkaResult<Consumer> {
        let topic = CString::new(topic)?;
        let mut consumer = BaseConsumer::from_config_and_context(config, Logging)?;
        consumer.set_nonempty_callback(wake);
        // SAFETY: the client is alive; the reference given is ours to free.
        let queue = unsafe {
            Owned::new(
                sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr()),
                sys::rd_kafka_queue_destroy,
            )
        };
        let queue = queue.ok_or_else(|| {
            KafkaError::ClientCreation("the consumer has no queue (no group.id)".to_owned())
        })?;
        Ok(Consumer {
            queue,
            topic,
            consumer,
            statistics: Arc::clone(statistics),
        })
    }

    /// Reads a partition from an offset on, instead of where it was, beside the others.
    pub(in crate::log::kafka) fn read_from(&self, partitions: &[(i32, i64)]) -> KafkaResult<()> {
        let topic = self.topic.to_string_lossy();
        let known = self.consumer.assignment()?;
        let (mut before, mut now) = (TopicPartitionList::new(), TopicPartitionList::new());
        for (partition, offset) in partitions {
            if known.find_partition(&topic, *partition).is_some() {
                before.add_partition(&topic, *partition);
            }
            now.add_partition_offset(&topic, *partition, Offset::Offset(*offset))?;
        }
        if before.count() > 0 {
            self.consumer.incremental_unassign(&before)?;
        }
        self.consumer.incremental_assign(&now)
    }

    /// The next event, without waiting.
    pub(in crate::log::kafka) fn next(&self) -> Option<Event<'_>> {
        self.next_within(Duration::ZERO)
    }

    fn next_within(&self, timeout: Duration) -> Option<Event<'_>> {
        let milliseconds = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is alive; the event given is ours to free, before the consumer, by its lifetime.
        let event = unsafe {
            Owned::new(
                sys::rd_kafka_queue_poll(self.queue.pointer(), milliseconds),
                sys::rd_kafka_event_destroy,
            )
        }?;
        Some(Event {
            event,
            consumer: self,
        })
    }

    /// The partition's high watermark as the last fetch saw it, if there was one.
    pub(in crate::log::kafka) fn high_watermark(&self, partition: i32) -> Option<i64> {
        let (mut low, mut high) = (-1_i64, -1_i64);
        // SAFETY: client and string are alive; both numbers are written before the call returns.
        let code = unsafe {
            sys::rd_kafka_get_watermark_offsets(
                self.consumer.client().native_ptr(),
                self.topic.as_ptr(),
                partition,
                &raw mut low,
                &raw mut high,
            )
        };
        let known = code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0;
        known.then_some(high)
    }
}

/// What came from the queue; it frees what it holds at its end.
pub(in crate::log::kafka) struct Event<'c> {
    event: Owned<sys::rd_kafka_event_t>,
    consumer: &'c Consumer,
}

/// What an event is.
pub(in crate::log::kafka) enum Kind<'e> {
    /// A record.
    Record(Message<'e>),
    /// A partition was read to its end.
    End { partition: i32, offset: i64 },
    /// Something failed, in a partition or in the client.
    Failed {
        partition: Option<i32>,
        failure: Failure,
        fatal: bool,
    },
    /// The group decided.
    Told(Told),
    /// Nothing for a reader.
    Nothing,
}

/// What a group decided about partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log::kafka) enum Told {
    /// These are this member's from now on.
    Assign(Vec<i32>),
    /// These are to be given back.
    Revoke(Vec<i32>),
}

impl Event<'_> {
    /// What it is. A record is given once.
    pub(in crate::log::kafka) fn kind(&mut self) -> Kind<'_> {
        let event = self.event.pointer();
        // SAFETY: the event is alive; the kind says which functions may be asked.
        match unsafe { sys::rd_kafka_event_type(event) } {
            sys::RD_KAFKA_EVENT_FETCH => {
                // SAFETY: as above; the record lives as long as the event.
                match unsafe { sys::rd_kafka_event_message_next(event).as_ref() } {
                    Some(message) => Kind::Record(Message(message)),
                    None => Kind::Nothing,
                }
            }
            sys::RD_KAFKA_EVENT_ERROR => unsafe { error_kind(event) },
            sys::RD_KAFKA_EVENT_REBALANCE => unsafe { told_kind(event) },
            sys::RD_KAFKA_EVENT_STATS => {
                // SAFETY: as above; the text lives as long as the event and is copied.
                unsafe {
                    let told = sys::rd_kafka_event_stats(event);
                    if !told.is_null() {
                        let told = std::ffi::CStr::from_ptr(told);
                        self.consumer.statistics.keep(told.to_bytes());
                    }
                }
                Kind::Nothing
            }
            sys::RD_KAFKA_EVENT_LOG => {
                let (mut facility, mut line, mut level) =
                    (std::ptr::null(), std::ptr::null(), 0 as c_int);
                // SAFETY: as above; the texts live as long as the event and are copied.
                unsafe {
                    if sys::rd_kafka_event_log(
                        event,
                        &raw mut facility,
                        &raw mut line,
                        &raw mut level,
                    ) == 0
                    {
                        log_line(level, &text(facility), &text(line));
                    }
                }
                Kind::Nothing
            }
            _ => Kind::Nothing,
        }
    }
}

/// # Safety
/// The pointer points to an error event that is alive.
unsafe fn error_kind<'e>(event: *mut sys::rd_kafka_event_t) -> Kind<'e> {
    // SAFETY: by this function's contract; the text is copied; the place given is ours to free.
    let (code, place, fatal) = unsafe {
        (
            sys::rd_kafka_event_error(event),
            Owned::new(
                sys::rd_kafka_event_topic_partition(event),
                sys::rd_kafka_topic_partition_destroy,
            ),
            sys::rd_kafka_event_error_is_fatal(event) != 0,
        )
    };
    // SAFETY: it is ours and alive.
    let place = place.as_ref().map(|place| unsafe {
        let place = place.pointer.as_ref();
        (place.partition, place.offset)
    });
    match (code, place) {
        (sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF, Some((partition, offset))) => {
            Kind::End { partition, offset }
        }
        _ => Kind::Failed {
            partition: place.map(|(partition, _)| partition),
            // SAFETY: by this function's contract.
            failure: Failure::new(code.into(), unsafe {
                text(sys::rd_kafka_event_error_string(event))
            }),
            fatal,
        },
    }
}

/// # Safety
/// The pointer points to a rebalance event that is alive.
unsafe fn told_kind<'e>(event: *mut sys::rd_kafka_event_t) -> Kind<'e> {
    use sys::rd_kafka_resp_err_t as code;
    // SAFETY: by this function's contract; the list belongs to the event and is copied.
    let (code, list) = unsafe {
        (
            sys::rd_kafka_event_error(event),
            sys::rd_kafka_event_topic_partition_list(event).as_ref(),
        )
    };
    let mut partitions: Vec<i32> = list
        .map(|list| {
            let count = usize::try_from(list.cnt).unwrap_or(0);
            match list.elems.is_null() {
                true => Vec::new(),
                // SAFETY: librdkafka says so many places lie there, as long as the event lives.
                false => unsafe { std::slice::from_raw_parts(list.elems, count) }
                    .iter()
                    .map(|place| place.partition)
                    .collect(),
            }
        })
        .unwrap_or_default();
    partitions.sort_unstable();
    match code {
        code::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Kind::Told(Told::Assign(partitions)),
        code::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => Kind::Told(Told::Revoke(partitions)),
        other => Kind::Failed {
            partition: None,
            failure: Failure::new(other.into(), "the group could not share its partitions"),
            fatal: false,
        },
    }
}

/// A record, borrowed from its event.
#[derive(Clone, Copy)]
pub(in crate::log::kafka) struct Message<'e>(&'e sys::rd_kafka_message_t);

impl<'e> Message<'e> {
    pub(in crate::log::kafka) fn partition(self) -> i32 {
        self.0.partition
    }

    pub(in crate::log::kafka) fn offset(self) -> i64 {
        self.0.offset
    }

    pub(in crate::log::kafka) fn key(self) -> Option<&'e [u8]> {
        // SAFETY: librdkafka says so many bytes lie there, as long as the event lives.
        unsafe { bytes(self.0.key.cast(), self.0.key_len) }
    }

    pub(in crate::log::kafka) fn value(self) -> Option<&'e [u8]> {
        // SAFETY: as above.
        unsafe { bytes(self.0.payload.cast(), self.0.len) }
    }

    /// Milliseconds since 1970, UTC; -1 where the record has none.
    pub(in crate::log::kafka) fn timestamp(self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        unsafe { sys::rd_kafka_message_timestamp(std::ptr::from_ref(self.0), &raw mut kind) }
    }

    /// Calls `each` with every header, after `count` with their number.
    pub(in crate::log::kafka) fn headers(
        self,
        out: &mut Vec<u8>,
        count: impl FnOnce(&mut Vec<u8>, usize),
        each: impl Fn(&mut Vec<u8>, &str, Option<&[u8]>),
    ) {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is alive; the headers given belong to it.
        let code =
            unsafe { sys::rd_kafka_message_headers(std::ptr::from_ref(self.0), &raw mut headers) };
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || headers.is_null() {
            count(out, 0);
            return;
        }
        // SAFETY: as above.
        let number = unsafe { sys::rd_kafka_header_cnt(headers) };
        count(out, number);
        for index in 0..number {
            let (mut name, mut value, mut length) = (std::ptr::null(), std::ptr::null(), 0_usize);
            // SAFETY: as above; name and value live as long as the event.
            unsafe {
                sys::rd_kafka_header_get_all(
                    headers,
                    index,
                    &raw mut name,
                    &raw mut value,
                    &raw mut length,
                );
                // A name is text by the protocol; where it is not, the reader sees the replacement sign.
                let name = match name.is_null() {
                    true => std::borrow::Cow::Borrowed(""),
                    false => std::ffi::CStr::from_ptr(name).to_string_lossy(),
                };
                each(out, &name, bytes(value.cast(), length));
            }
        }
    }
}

/// # Safety
/// The pointer is null or points to so many bytes that live as long as `'e`.
unsafe fn bytes<'e>(pointer: *const u8, length: usize) -> Option<&'e [u8]> {
    // SAFETY: by this function's contract.
    (!pointer.is_null()).then(|| unsafe { std::slice::from_raw_parts(pointer, length) })
}
