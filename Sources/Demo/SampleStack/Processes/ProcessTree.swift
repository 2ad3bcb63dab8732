import Glibc

/// The processes below `root`, from `/proc`. PostgreSQL's and nginx's workers are sent signals one by one: they lead
/// process groups of their own, and nginx's go on serving when only their master is killed.
func descendants(of root: pid_t) -> [pid_t] {
    var children: [pid_t: [pid_t]] = [:]
    // Without /proc no descendant is known; the process itself is ended all the same.
    for name in (try? Files.names(in: "/proc")) ?? [] {
        guard let pid = pid_t(name), let parent = processFacts(of: pid)?.parent else { continue }
        children[parent, default: []].append(pid)
    }
    var found: [pid_t] = []
    var pending = [root]
    while let next = pending.popLast() {
        let below = children[next] ?? []
        found += below
        pending += below
    }
    return found
}

/// - Returns: nil for a process that is gone; `isDead` for one that waits for its parent to take notice.
func processFacts(of pid: pid_t) -> (parent: pid_t, startTicks: UInt64, isDead: Bool)? {
    // The name in parentheses may hold spaces and parentheses, so the fields are counted from the last one.
    let text = Files.read("/proc/\(pid)/stat")
    guard let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let parent = pid_t(fields[1]), let start = UInt64(fields[19]) else { return nil }
    return (parent, start, fields[0] == "Z" || fields[0] == "X")
}
