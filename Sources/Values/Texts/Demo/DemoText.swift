/// The story of the demo, in the order of the alphabet.
public enum DemoText: String, TextKey {
    case alertFired, alertPending, alertResolved, allIsWell, backupFailed, backupTaken, breaking, drillFailed
    case drillPassed, ledgerBroken, mending, messageQueued, messageSent, pages, pressToEnd, shopReady, starting
    case statusCommand, stopped, untilDelivered, untilFires, untilResolved, untilWell
}
