//! What lies in a state directory, read without a context: the log for the floors, and tables to be forgotten.

use std::path::Path;

/// Gives every record of the orders' topic to `each`: partition, offset, key and value.
pub fn drain(_directory: &Path, _each: impl FnMut(i32, i64, &[u8], Option<&[u8]>)) {
    unimplemented!()
}

/// Deletes the tables and leaves the log: what a lost disk of state would leave.
pub fn forget_tables(_directory: &Path) {
    unimplemented!()
}
