//! kv-core
