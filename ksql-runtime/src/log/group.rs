//! stub
#![allow(missing_docs)]
use super::{Fetched, Log, LogError, LogReader, ReaderWaker};
use std::time::Duration;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
    Time(i64),
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenOffsetGone {
    Fail,
    Earliest,
    Latest,
}
#[derive(Debug, Clone)]
pub struct Membership {
    pub group: String,
    pub topic: String,
    pub start: Start,
    pub when_offset_gone: WhenOffsetGone,
}
#[derive(Debug)]
pub struct Assigned {
    pub partition: i32,
    pub from: i64,
    pub committed: Option<i64>,
    pub end: i64,
}
#[derive(Debug)]
pub enum Polled {
    Records(Fetched),
    Assigned(Vec<Assigned>),
    Revoked(Vec<i32>),
    Lost(Vec<i32>),
    Nothing,
}
#[derive(Debug)]
pub struct GroupReader {
    log: Log,
    membership: Membership,
    reader: LogReader,
    told: Option<Vec<Assigned>>,
    runtime: tokio::runtime::Handle,
}
impl Log {
    pub fn join(
        &self,
        membership: &Membership,
        runtime: &tokio::runtime::Handle,
    ) -> Result<GroupReader, LogError> {
        let mut told = Vec::new();
        for (partition, offsets) in
            (0..).zip(runtime.block_on(self.all_offsets(&membership.topic))?)
        {
            let committed = runtime.block_on(self.committed(
                &membership.group,
                &membership.topic,
                partition,
            ))?;
            let from = committed.unwrap_or(match membership.start {
                Start::Latest => offsets.end,
                _ => offsets.start,
            });
            told.push(Assigned {
                partition,
                from,
                committed,
                end: offsets.end,
            });
        }
        let from: Vec<_> = told.iter().map(|a| (a.partition, a.from)).collect();
        Ok(GroupReader {
            reader: self.reader(&membership.topic, &from)?,
            log: self.clone(),
            membership: membership.clone(),
            told: Some(told),
            runtime: runtime.clone(),
        })
    }
    pub fn offset_at(
        &self,
        _topic: &str,
        _partition: i32,
        _time: i64,
    ) -> Result<Option<i64>, LogError> {
        Ok(None)
    }
}
impl GroupReader {
    pub fn poll(
        &mut self,
        timeout: Duration,
        wants: impl Fn(i32) -> bool,
    ) -> Result<Polled, LogError> {
        if let Some(told) = self.told.take() {
            return Ok(Polled::Assigned(told));
        }
        Ok(self
            .reader
            .poll_of(timeout, wants)?
            .map_or(Polled::Nothing, Polled::Records))
    }
    pub fn release(&mut self, _partitions: &[i32]) -> Result<(), LogError> {
        Ok(())
    }
    pub fn commit(&mut self, offsets: &[(i32, i64)]) -> Result<(), LogError> {
        self.runtime.block_on(self.log.commit_all(
            &self.membership.group,
            &self.membership.topic,
            offsets,
        ))
    }
    pub fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        self.reader.seek(partition, offset)
    }
    pub fn position(&self, partition: i32) -> Option<i64> {
        self.reader
            .positions()
            .into_iter()
            .find(|(p, _)| *p == partition)
            .map(|(_, o)| o)
    }
    pub fn waker(&self) -> ReaderWaker {
        self.reader.waker()
    }
    pub fn leave(self) {}
}
