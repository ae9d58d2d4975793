//! What tests of stores share.
//!
//! | module | what it is |
//! |---|---|
//! | [`conformance`] | what every store must do, one function for each obligation |
//! | [`model`] | the plainest thing that obeys the effects and the [`KeyValue`](crate::KeyValue) contract |
//! | [`mirror`] | runs each call on two stores and panics when they differ |
//! | [`generate`] | random keys, values, effects and operations |
//! | [`log`] | an [`EffectLog`](crate::EffectLog) in memory that settles when it is told |

pub mod conformance;
pub mod generate;
pub mod log;
pub mod mirror;
pub mod model;
pub mod stream;
