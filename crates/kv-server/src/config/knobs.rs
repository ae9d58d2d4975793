//! Live knobs.
