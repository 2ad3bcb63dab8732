import Testing

/// Everything that starts the built program. One test after the other: each has servers, a daemon and sometimes a browser
/// of its own, and several at once would measure the machine instead of the program.
@Suite(.serialized) enum EndToEnd {}
