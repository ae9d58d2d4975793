//! The words in which Redis tells what a command does to a key.

use kv_proto::RequestRef;

use crate::command::key_spec::Access;
use crate::command::spec::CommandSpec;

/// What happens to the keys of `request`, which asks for `spec`, where the options decide about `access`.
pub(super) fn actual(spec: &CommandSpec, request: RequestRef<'_>, access: Access) -> Access {
    if spec.name != "SET" {
        return access;
    }
    let mut options = request.iter().skip(3);
    match options.any(|word| word.eq_ignore_ascii_case(b"GET")) {
        true => Access::READ.union(Access::UPDATE),
        false => Access::BLIND.union(Access::UPDATE),
    }
}

/// The words for `access`: how the entry is used, then what happens to its content.
pub(super) fn words(access: Access) -> Vec<&'static str> {
    let operation = if !access.changes() {
        "RO"
    } else if access.contains(Access::BLIND) {
        "OW"
    } else if access.contains(Access::WHOLE) {
        "RM"
    } else {
        "RW"
    };
    let details = [
        (Access::READ, "access"),
        (Access::UPDATE, "update"),
        (Access::INSERT, "insert"),
        (Access::DELETE, "delete"),
        (Access::BY_OPTION, "variable_flags"),
    ];
    let details = details
        .into_iter()
        .filter_map(|(bit, word)| access.contains(bit).then_some(word));
    std::iter::once(operation).chain(details).collect()
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::command::table;

    #[test]
    fn words_as_redis_has_them() {
        for (name, expected) in [
            ("get", "RO access"),
            ("exists", "RO"),
            ("set", "RW access update variable_flags"),
            ("mset", "OW update"),
            ("setnx", "OW insert"),
            ("append", "RW insert"),
            ("getdel", "RW access delete"),
            ("del", "RM delete"),
            ("expire", "RW update"),
            ("lrem", "RW delete"),
        ] {
            let spec = table::find_by_name(name.as_bytes()).unwrap();
            assert_eq!(words(spec.keys.access()).join(" "), expected, "{name}");
        }
    }
}
