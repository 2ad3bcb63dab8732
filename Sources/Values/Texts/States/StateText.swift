/// Single words for states, as they stand in tables and inside sentences, in the order of the alphabet.
public enum StateText: String, TextKey {
    case alertFiring, alertPending, alertResolved, copyDamaged, copyGood, copyUnverified, drillFailed
    case drillNever, drillPassed, outcomeCancelled, outcomeFailed, outcomeInterrupted, outcomeLost
    case outcomeMissed, outcomeNone, outcomeRunning, outcomeSucceeded, outcomeTimedOut, ruleFailing
    case ruleInactive, ruleOK, ruleUnknown, triggerManual, triggerRetry, triggerSchedule, verdictCritical
    case verdictOK, verdictUnknown, verdictWarning
}
