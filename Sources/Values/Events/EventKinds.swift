/// The vocabulary that capabilities share. Payload keys are listed beside each name.
extension EventKind {
    /// version, dataFolder, host
    public static let daemonStarted = EventKind("daemon.started")
    /// reason
    public static let daemonStopped = EventKind("daemon.stopped")
    /// file, sha256, changed (list of paths)
    public static let configurationLoaded = EventKind("configuration.loaded")
    /// file, faults (list)
    public static let configurationRefused = EventKind("configuration.refused")

    /// Alerts: labels, annotations, value (text), activeAt (ms), fingerprint.
    public static let alertPending = EventKind("alert.pending")
    public static let alertFired = EventKind("alert.fired")
    public static let alertResolved = EventKind("alert.resolved")
    /// A pending alert whose condition went away before its hold time ended.
    public static let alertCleared = EventKind("alert.cleared")
    /// group, rule, error
    public static let ruleFailed = EventKind("rule.failed")

    /// Jobs: job, run, trigger (schedule, manual, retry), scheduledFor (ms).
    public static let jobStarted = EventKind("job.started")
    /// … and outcome (succeeded, failed, timedOut, cancelled, interrupted, lost), durationMs, exitCode, message, outputTail.
    public static let jobFinished = EventKind("job.finished")
    /// job, scheduledFor (ms: of the newest), count, reason
    public static let jobMissed = EventKind("job.missed")

    /// Backups: backup, target, database, bytes, sourceBytes, sha256 (of the manifest), startedAt (ms), finishedAt (ms),
    /// durationMs, path, tables, rows, warnings.
    public static let backupCompleted = EventKind("backup.completed")
    /// target, database, reason
    public static let backupFailed = EventKind("backup.failed")
    /// backup, target, reason
    public static let backupVerified = EventKind("backup.verified")
    public static let backupVerificationFailed = EventKind("backup.verification_failed")
    public static let backupRemoved = EventKind("backup.removed")
    /// backup, target, durationMs, restoreMs, checks (count), reason
    public static let drillPassed = EventKind("drill.passed")
    public static let drillFailed = EventKind("drill.failed")
    /// backup, target, database, durationMs
    public static let restoreCompleted = EventKind("restore.completed")
    public static let restoreFailed = EventKind("restore.failed")

    /// Notifications: id, receiver, channel, group, status (firing, resolved), alerts (count), message (object).
    public static let notificationQueued = EventKind("notification.queued")
    /// id, receiver, channel, attempt
    public static let notificationDelivered = EventKind("notification.delivered")
    /// id, receiver, channel, attempts, reason: given up for good
    public static let notificationAbandoned = EventKind("notification.abandoned")

    /// Access: user, role, address, token.
    public static let userCreated = EventKind("user.created")
    public static let userChanged = EventKind("user.changed")
    public static let userRemoved = EventKind("user.removed")
    public static let tokenCreated = EventKind("token.created")
    public static let tokenRevoked = EventKind("token.revoked")
    public static let loginSucceeded = EventKind("login.succeeded")
    public static let loginFailed = EventKind("login.failed")
    public static let loggedOut = EventKind("login.ended")

    /// lostSize, lostRoot, checkpoint (the note), size (entries that were left): a person accepted that entries are gone.
    public static let ledgerLossAccepted = EventKind("ledger.loss_accepted")
    /// verifier, previous: checkpoints are signed by another key from here on.
    public static let ledgerKeyChanged = EventKind("ledger.key_changed")
}

extension EventKind {
    /// All kinds that this version writes, in the order above.
    public static let known: [EventKind] = [
        .daemonStarted, .daemonStopped, .configurationLoaded, .configurationRefused, .alertPending,
        .alertFired, .alertResolved, .alertCleared, .ruleFailed, .jobStarted, .jobFinished, .jobMissed,
        .backupCompleted, .backupFailed, .backupVerified, .backupVerificationFailed, .backupRemoved,
        .drillPassed, .drillFailed, .restoreCompleted, .restoreFailed, .notificationQueued,
        .notificationDelivered, .notificationAbandoned, .userCreated, .userChanged, .userRemoved,
        .tokenCreated, .tokenRevoked, .loginSucceeded, .loginFailed, .loggedOut, .ledgerLossAccepted,
        .ledgerKeyChanged,
    ]

    /// What kinds begin with, full stop included, sorted: `alert.`, `backup.` …
    public static let families: [String] = Set(
        known.map { "\($0.rawValue.prefix { $0 != "." })." }
    ).sorted()

    /// Whether a filter of this text (`alert.fired`, or `alert.` for all of the family) can match anything.
    public static func isKnown(_ filter: String) -> Bool {
        families.contains(filter) || known.contains { $0.rawValue == filter }
    }
}
