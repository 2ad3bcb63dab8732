extension StateText {
    public var english: String {
        switch self {
        case .alertFiring: "firing"
        case .alertPending: "pending"
        case .alertResolved: "resolved"
        case .copyDamaged: "damaged"
        case .copyGood: "good"
        case .copyUnverified: "unverified"
        case .drillFailed: "FAILED"
        case .drillNever: "never"
        case .drillPassed: "passed"
        case .outcomeCancelled: "cancelled"
        case .outcomeFailed: "failed"
        case .outcomeLost: "lost"
        case .outcomeMissed: "missed"
        case .outcomeNone: "never ran"
        case .outcomeRunning: "running"
        case .outcomeSucceeded: "succeeded"
        case .outcomeTimedOut: "timed out"
        case .ruleFailing: "failing"
        case .ruleInactive: "inactive"
        case .ruleOK: "ok"
        case .ruleUnknown: "unknown"
        case .triggerManual: "by hand"
        case .triggerRetry: "retry"
        case .triggerSchedule: "schedule"
        case .verdictCritical: "CRITICAL"
        case .verdictOK: "ok"
        case .verdictUnknown: "unknown"
        case .verdictWarning: "warning"
        }
    }
}
