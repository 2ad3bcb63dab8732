extension DemoText {
    public var english: String {
        switch self {
        case .alertFired: "ALERT FIRES     {name}: {summary}"
        case .alertPending: "alert pending   {name}: {summary}"
        case .alertResolved: "alert resolved  {name}"
        case .allIsWell: "--- All is well again. The ledger has {count} {count?entry|entries} and verifies."
        case .backupFailed: "backup failed   {name}: {reason}"
        case .backupTaken: "backup taken    {name}"
        case .breaking: "--- Breaking the {part} now."
        case .drillFailed: "drill failed    {name}: {reason}"
        case .drillPassed: "drill passed    {name} was restored and holds what was recorded"
        case .ledgerBroken: "--- All is well again, but the ledger of {count} {count?entry|entries} DOES NOT VERIFY."
        case .mending: "--- Mending it."
        case .messageQueued: "message queued  {status} for {receiver}"
        case .messageSent: "message sent    to {receiver} by {channel}"
        case .pages: "Look at Jaga's pages: {address}"
        case .pressToEnd: "Press Ctrl-C to end."
        case .shopReady: "The shop is at {address}, its database on port {port}."
        case .starting: "Starting PostgreSQL, Redis, nginx and the shop …"
        case .statusCommand: "In another terminal: jaga status --data {folder}"
        case .stopped: "Everything is stopped, and nothing is left behind."
        case .untilDelivered: "the last message is delivered"
        case .untilFires: "an alert fires"
        case .untilResolved: "all alerts are resolved"
        case .untilWell: "everything is well"
        }
    }
}
