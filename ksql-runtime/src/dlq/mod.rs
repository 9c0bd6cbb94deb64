//! stub
#![allow(missing_docs)]
use crate::{
    clock::Clock,
    config::Config,
    log::{Created, Header, Log, LogError, Receipt, Record, RecordRef, TopicSpec},
};
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    KeyDecode,
    ValueDecode,
    Handler,
}
impl Stage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::KeyDecode => "key-decode",
            Stage::ValueDecode => "value-decode",
            Stage::Handler => "handler",
        }
    }
}
pub(crate) struct Failed<'a> {
    pub entity: &'static str,
    pub group: &'a str,
    pub topic: &'a str,
    pub partition: i32,
    pub record: RecordRef<'a>,
    pub stage: Stage,
    pub class: &'a str,
    pub message: &'a str,
    pub attempts: u32,
}
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters {
    log: Log,
    topic: String,
    clock: Clock,
}
pub(crate) enum Written {
    Acknowledged(Receipt),
    Declined,
}
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("too large")]
    TooLarge,
    #[error(transparent)]
    Log(#[from] LogError),
}
impl DeadLetters {
    pub(crate) fn new(log: &Log, config: &Config, clock: &Clock) -> DeadLetters {
        DeadLetters {
            log: log.clone(),
            topic: format!("{}system.dlq", config.topic_prefix),
            clock: clock.clone(),
        }
    }
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }
    pub(crate) async fn ready(&self) -> Result<(), LogError> {
        match self
            .log
            .create_topic(&TopicSpec::new(self.topic.clone(), 1))
            .await?
        {
            Created::New(_) | Created::Existed(_) => Ok(()),
        }
    }
    pub(crate) async fn write(&self, failed: &Failed<'_>) -> Result<Written, WriteError> {
        self.ready().await?;
        let _ = (
            failed.entity,
            failed.group,
            failed.topic,
            failed.partition,
            failed.class,
            failed.message,
            failed.attempts,
        );
        let headers: Vec<Header<'_>> = failed.record.headers.collect();
        let record = Record::new(failed.record.key, failed.record.value, self.clock.now_ms())
            .headers(&headers);
        Ok(Written::Acknowledged(
            self.log.produce(&self.topic, record).await?,
        ))
    }
}
