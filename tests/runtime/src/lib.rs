//! What the integration and crash tests share, and the README as a test.

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

pub mod child;
pub mod files;
pub mod report;
pub mod workload;
