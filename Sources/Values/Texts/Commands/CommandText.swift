/// The screens of the command line, in the order of the alphabet.
public enum CommandText: String, TextKey {
    case ageAgo, ageIn, ageNever, ageNow, alertsNone, backtestNone, backtestNotFired, backtestOpen, backupsNone
    case byHand, columnActor, columnAlert, columnBackup, columnCreatedBy, columnDrill, columnEnded, columnEntry
    case columnEvent, columnExpires, columnFired, columnFiredFor, columnGroup, columnHealth, columnID, columnJob
    case columnKey, columnKind, columnLabels, columnLast, columnLastDrill, columnLastGood, columnLastLogin
    case columnLastRun, columnMessage, columnName, columnNextRun, columnOrigin, columnOutcome, columnPassword
    case columnPending, columnResults, columnRole, columnRows, columnRule, columnSchedule, columnSelector
    case columnSeverity, columnSince, columnSize, columnSource, columnStarted, columnState, columnSubject
    case columnSummary, columnTaken, columnTarget, columnTime, columnTook, columnTrigger, columnUser
    case columnValue, columnVerified, configurationValid, configurationValidEmpty, daemonNotRunning
    case daemonVersion, figureUnknown, headlineCritical, headlineOK, headlineUnknown, headlineWarning
    case initWritten, jobsNone, ledgerBroken, ledgerIntact, linkPage, linkPath, outputOfLastRun, passwordNotSet
    case passwordSet, queryEmpty, queryWarning, restoreWould, roleChanged, scriptCases, selectorNameUnknown
    case selectorNearest, selectorUnmatched, statusAlerts, statusLine, statusRows, tokenRevoked, userRemoved
    case version
}
