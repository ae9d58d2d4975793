//! Data of other systems, brought into a [`DurableStore`](crate::DurableStore).

mod lines;
pub mod pykeydb;
