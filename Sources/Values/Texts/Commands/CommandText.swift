/// The screens of the command line, in the order of the alphabet.
public enum CommandText: String, TextKey {
    case ageAgo, ageIn, ageNever, ageNow, alertsNone, backupsNone, byHand, columnActor, columnAlert
    case columnBackup, columnCreatedBy, columnDrill, columnEntry, columnEvent, columnExpires, columnGroup
    case columnHealth, columnID, columnJob, columnKey, columnKind, columnLastDrill, columnLastGood
    case columnLastLogin, columnLastRun, columnMessage, columnName, columnNextRun, columnOrigin, columnOutcome
    case columnPassword, columnRole, columnRows, columnRule, columnSchedule, columnSeverity, columnSince
    case columnSize, columnSource, columnStarted, columnState, columnSubject, columnSummary, columnTaken
    case columnTarget, columnTime, columnTook, columnTrigger, columnUser, columnValue, columnVerified
    case configurationValid, configurationValidEmpty, daemonNotRunning, daemonVersion, figureUnknown
    case headlineCritical, headlineOK, headlineUnknown, headlineWarning, initWritten, jobsNone, ledgerBroken
    case ledgerIntact, linkPage, linkPath, outputOfLastRun, passwordNotSet, passwordSet, queryEmpty
    case queryWarning, restoreWould, roleChanged, scriptCases, statusAlerts, statusLine, statusRows
    case tokenRevoked, userRemoved, version
}
