//! The floors: what an expert writes by hand for one payload, without the framework, in safe Rust.
//!
//! They are kept simple to read and hard to beat, take the same structs as the framework does and make the same checks
//! (scale and precision of decimals, lengths, UTF-8): a floor that checks less would flatter itself.

pub mod log;
pub mod order;
pub mod producer;
pub mod table;
pub mod topic;
pub mod wide;
pub mod windows;
pub mod wire;
