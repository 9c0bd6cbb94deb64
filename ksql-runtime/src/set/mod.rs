//! Typed access to the records and the table of one entity.
