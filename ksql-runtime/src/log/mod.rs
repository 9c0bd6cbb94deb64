//! Bytes in, bytes out: topics, partitions, offsets.
