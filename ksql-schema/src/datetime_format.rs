//! Java date-time patterns: the subset that formatted columns may use.
