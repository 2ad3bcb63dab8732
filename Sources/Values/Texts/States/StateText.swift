/// Single words for states, as they stand in tables and inside sentences, in the order of the alphabet.
public enum StateText: String, TextKey {
    case alertFiring, alertPending, alertResolved, copyDamaged, copyGood, copyUnverified, drillFailed
    case drillNever, drillPassed, outcomeCancelled, outcomeFailed, outcomeLost, outcomeMissed, outcomeNone
    case outcomeRunning, outcomeSucceeded, outcomeTimedOut, ruleFailing, ruleInactive, ruleOK, ruleUnknown
    case triggerManual, triggerRetry, triggerSchedule, verdictCritical, verdictOK, verdictUnknown
    case verdictWarning
}
