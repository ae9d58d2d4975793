//! Programs that some tests need and some machines lack.

use std::env;

/// Says that a test cannot show anything without `what`. Where everything must be there, that is a failure.
///
/// # Panics
///
/// When `CI` or `KV_TEST_REQUIRE_TOOLS` is set.
pub(crate) fn missing(what: &str) {
    let required = ["CI", "KV_TEST_REQUIRE_TOOLS"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    assert!(!required, "{what}");
    eprintln!("NOT RUN: {what}");
}
