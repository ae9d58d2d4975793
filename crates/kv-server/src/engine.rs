//! What commands see of the server as a whole.

/// The server, as a handler of class `Server` gets it.
pub(crate) struct ServerCx<'s> {
    _server: &'s (),
}
