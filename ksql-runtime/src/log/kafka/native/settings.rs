//! Settings of topics, read and changed. Blocks the calling thread for the given time at most.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::bindings as sys;

use super::call::{Call, Client, failure_of};
use super::{Owned, c_string, items, text};
use crate::log::kafka::failure::Failure;

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
