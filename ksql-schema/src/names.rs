//! Names: upper-casing, quoting, reserved words, limits of topics, sources and Avro; window labels.
