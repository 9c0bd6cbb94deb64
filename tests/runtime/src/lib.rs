//! What the integration and crash tests share, and the README as a test.

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

pub mod behind;
pub mod child;
pub mod chrome;
pub mod cluster;
pub mod conformance;
pub mod consuming;
pub mod ending;
pub mod environment;
pub mod errors;
pub mod examples;
pub mod files;
pub mod flushed;
pub mod http_server;
pub mod inserts;
pub mod join_kinds;
pub mod join_model;
pub mod joins;
pub mod killed_on_kafka;
pub mod mock;
pub mod naive;
pub mod owners;
pub mod pipelines;
pub mod property;
pub mod proxy;
pub mod queries;
pub mod recorded;
pub mod report;
pub mod second_owner;
pub mod servers;
pub mod shop;
pub mod steps;
pub mod told;
pub mod topics;
pub mod until;
pub mod windowed;
pub mod workload;

pub use environment::context;
