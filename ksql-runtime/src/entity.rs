//! What the derive macro generates: the `Entity` and key traits and their markers.
