//! A request to the cluster: sent at once, its answer waited for on a queue of its own.
//!
//! [`Call::start`] and [`Call::poll`] never wait; [`Call::wait`] blocks for the time the request may take.

use std::ffi::{c_char, c_int};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as sys;
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::types::RDKafkaErrorCode;

use super::{Owned, text};
use crate::log::kafka::context::Deliveries;
use crate::log::kafka::failure::Failure;

/// The client all requests go through.
pub(in crate::log::kafka) type Client = Arc<BaseProducer<Deliveries>>;

/// How much longer than a request may take its answer is waited for: librdkafka itself ends the request.
const SLACK: Duration = Duration::from_secs(2);

/// How often it is looked up whether waiting has a point.
const SLICE: Duration = Duration::from_millis(200);

pub(super) const ERROR_TEXT: usize = 512;

/// A request on its way.
#[derive(Debug)]
pub(in crate::log::kafka) struct Call {
    // The order of the fields is the order in which they are freed.
    queue: Owned<sys::rd_kafka_queue_t>,
    timeout: Duration,
    started: Instant,
    client: KeepAlive,
}

/// The client, kept until the queue is freed.
struct KeepAlive(Client);

impl std::fmt::Debug for KeepAlive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("client")
    }
}

/// An answer.
#[derive(Debug)]
pub(in crate::log::kafka) struct Answer(Owned<sys::rd_kafka_event_t>);

impl Call {
    pub(super) fn start(
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
            started: Instant::now(),
            client: KeepAlive(Arc::clone(client)),
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

    /// The answer, waited for as long as the request may take. Where none comes, the failure says why if a connection
    /// failed meanwhile; where the cluster refuses us, nothing is waited for.
    pub(super) fn wait(&self) -> Result<Answer, Failure> {
        let end = self.timeout.saturating_add(SLACK);
        let refusal = || {
            let context = self.client.0.client().context();
            context.connection_failure(self.started)
        };
        while self.started.elapsed() < end {
            if let Some(answer) = self.poll(SLICE) {
                return match answer.check() {
                    Err(failure) if failure.is_silence() => Err(refusal().unwrap_or(failure)),
                    Err(failure) => Err(failure),
                    Ok(()) => Ok(answer),
                };
            }
            if let Some(failure) = refusal().filter(Failure::is_authentication) {
                return Err(failure);
            }
        }
        Err(Failure::new(
            RDKafkaErrorCode::OperationTimedOut,
            "no answer came in time",
        ))
    }
}

impl Answer {
    pub(super) fn event(&self) -> *mut sys::rd_kafka_event_t {
        self.0.pointer()
    }

    /// The failure of the request as a whole.
    pub(super) fn check(&self) -> Result<(), Failure> {
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
pub(super) unsafe fn failure_of(error: *const sys::rd_kafka_error_t) -> Failure {
    // SAFETY: by this function's contract; null is no error for these functions.
    unsafe {
        Failure::new(
            sys::rd_kafka_error_code(error).into(),
            text(sys::rd_kafka_error_string(error)),
        )
    }
}
