//! Avro schema text of an entity's value and composite key.
