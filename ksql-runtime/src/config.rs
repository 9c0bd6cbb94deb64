//! One typed configuration: file, environment, code.
