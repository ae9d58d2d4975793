//! What commands see of a connection.

/// The connection, as a handler of class `Session` gets it.
pub(crate) struct SessionCx<'s> {
    _session: &'s mut (),
}
