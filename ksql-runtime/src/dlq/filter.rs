//! Which letters are asked for, and in which order. Plain data.

use chrono::{DateTime, Utc};

use super::failed::Stage;
use super::letter::DeadLetter;

/// How many letters are listed where nothing else is said.
const LIMIT: usize = 100;

/// Selects dead letters; what is not said selects all.
///
/// ```
/// use ksql_runtime::dlq::LetterFilter;
///
/// let filter = LetterFilter::default().entity("Order").class("handler.timeout").not_replayed().limit(20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a filter selects nothing until letters are listed with it"]
pub struct LetterFilter {
    entity: Option<String>,
    class: Option<String>,
    stage: Option<Stage>,
    topic: Option<String>,
    group: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    not_replayed: bool,
    by_offset: bool,
    limit: usize,
}

impl Default for LetterFilter {
    fn default() -> LetterFilter {
        LetterFilter {
            entity: None,
            class: None,
            stage: None,
            topic: None,
            group: None,
            since: None,
            until: None,
            not_replayed: false,
            by_offset: false,
            limit: LIMIT,
        }
    }
}

impl LetterFilter {
    /// Of this entity, of all of its windows where it has some.
    pub fn entity(mut self, entity: impl Into<String>) -> Self {
        self.entity = Some(entity.into());
        self
    }

    /// With this stable code.
    pub fn class(mut self, class: impl Into<String>) -> Self {
        self.class = Some(class.into());
        self
    }

    /// Failed there.
    pub fn stage(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }

    /// From this topic.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Of this consumer group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Failed at this time or later.
    pub fn since(mut self, time: DateTime<Utc>) -> Self {
        self.since = Some(time.timestamp_millis());
        self
    }

    /// Failed before this time.
    pub fn until(mut self, time: DateTime<Utc>) -> Self {
        self.until = Some(time.timestamp_millis());
        self
    }

    /// Not replayed yet.
    pub fn not_replayed(mut self) -> Self {
        self.not_replayed = true;
        self
    }

    /// By partition and offset, instead of those that failed last first.
    pub fn by_offset(mut self) -> Self {
        self.by_offset = true;
        self
    }

    /// No more than so many. Default: 100.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    pub(super) fn most(&self) -> usize {
        self.limit
    }

    pub(super) fn is_by_offset(&self) -> bool {
        self.by_offset
    }

    /// Whether a letter that failed at this time may be one, before it is read.
    pub(super) fn may_be(&self, at: i64, replayed: bool) -> bool {
        self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && !(self.not_replayed && replayed)
    }

    /// Whether the letters themselves need not be looked at to know which they are.
    pub(super) fn is_of_times_alone(&self) -> bool {
        self.entity.is_none()
            && self.class.is_none()
            && self.stage.is_none()
            && self.topic.is_none()
            && self.group.is_none()
    }

    /// Whether a letter is one.
    pub(super) fn is(&self, letter: &DeadLetter) -> bool {
        let same = |wanted: &Option<String>, found: &Option<String>| match wanted {
            None => true,
            Some(wanted) => found.as_ref() == Some(wanted),
        };
        let of_entity = match (&self.entity, &letter.entity) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(found)) => {
                let (name, _window) = found.split_once('/').unwrap_or((found, ""));
                found == wanted || name == wanted
            }
        };
        of_entity
            && same(&self.class, &letter.class)
            && same(&self.topic, &letter.topic)
            && same(&self.group, &letter.group)
            && self
                .stage
                .is_none_or(|stage| letter.stage.as_deref() == Some(stage.as_str()))
    }
}
