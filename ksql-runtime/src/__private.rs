//! The one path generated code goes through. Not part of the public API.
