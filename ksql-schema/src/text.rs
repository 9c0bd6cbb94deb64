//! Text built in constants.
