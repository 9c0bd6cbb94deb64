//! What a program using entities imports.
