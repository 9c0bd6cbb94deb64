//! Entities over every column type, key, attribute and window. Each has at most twelve fields, so that one tuple of
//! strategies makes it up.

pub mod flights;
pub mod keys;
pub mod names;
pub mod nested;
pub mod scalars;
pub mod times;
pub mod windows;

pub use flights::{Airline, Flight, Plane};
pub use keys::{ByInt, ByLong, ByText, ByUuid, Composite, Unkeyed};
pub use names::{Select, Values};
pub use nested::{Collections, Line, Nested, Place, State};
pub use scalars::{Limits, OptionalScalars, Scalars};
pub use times::{Decimals, Formatted, OptionalFormatted, Times};
pub use windows::{Hopping, Session, Tumbling};
