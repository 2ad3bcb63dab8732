public import Texts

// The words for the states of this API, for everybody who shows them. The raw values are for programs and never shown.

extension Verdict {
    public var word: StateText {
        switch self {
        case .ok: .verdictOK
        case .warning: .verdictWarning
        case .critical: .verdictCritical
        case .unknown: .verdictUnknown
        }
    }
}

extension JobRun.Outcome {
    public var word: StateText {
        switch self {
        case .running: .outcomeRunning
        case .succeeded: .outcomeSucceeded
        case .failed: .outcomeFailed
        case .timedOut: .outcomeTimedOut
        case .cancelled: .outcomeCancelled
        case .lost: .outcomeLost
        case .interrupted: .outcomeInterrupted
        case .missed: .outcomeMissed
        }
    }
}

extension JobRun {
    /// The word for what began the run; nil for one that this version does not know.
    public var triggerWord: StateText? {
        switch trigger {
        case "schedule": .triggerSchedule
        case "manual": .triggerManual
        case "retry": .triggerRetry
        default: nil
        }
    }
}

extension AlertStatus.State {
    public var word: StateText {
        switch self {
        case .pending: .alertPending
        case .firing: .alertFiring
        case .resolved: .alertResolved
        }
    }
}

extension BackupStatus.Verification {
    public var word: StateText {
        switch self {
        case .unverified: .copyUnverified
        case .good: .copyGood
        case .damaged: .copyDamaged
        }
    }
}

extension RuleStatus.Health {
    public var word: StateText {
        switch self {
        case .unknown: .ruleUnknown
        case .ok: .ruleOK
        case .err: .ruleFailing
        }
    }
}

extension RuleStatus {
    /// The word for the state of an alerting rule; nil for a recording rule.
    public var stateWord: StateText? {
        switch state {
        case "firing": .alertFiring
        case "pending": .alertPending
        case .some: .ruleInactive
        case nil: nil
        }
    }
}
