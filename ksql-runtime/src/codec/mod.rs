//! Avro binary, Confluent framing, schema resolution.
