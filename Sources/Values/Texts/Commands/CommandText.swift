/// The screens of the command line, in the order of the alphabet.
public enum CommandText: String, TextKey {
    case ageAgo, ageIn, ageNever, ageNow, alertsNone, backtestNone, backtestNotFired, backtestOpen
    case backupsNone, byHand, chartFigures, chartOmitted, columnActor, columnAlert, columnBackup
    case columnCreatedBy, columnDrill, columnEnded, columnEntry, columnEvent, columnExpires
    case columnFired, columnFiredFor, columnGroup, columnHealth, columnID, columnJob, columnKey
    case columnKind, columnLabels, columnLast, columnLastDrill, columnLastGood, columnLastLogin
    case columnLastRun, columnMessage, columnName, columnNextRun, columnOrigin, columnOutcome
    case columnPassword, columnPending, columnResults, columnRole, columnRows, columnRule
    case columnSchedule, columnSelector, columnSeverity, columnSince, columnSize, columnSource
    case columnStarted, columnState, columnSubject, columnSummary, columnTaken, columnTarget
    case columnTime, columnTook, columnTrigger, columnUser, columnValue, columnVerified
    case configurationValid, configurationValidEmpty, daemonNotRunning, daemonVersion
    case figureUnknown, headlineCritical, headlineOK, headlineUnknown, headlineWarning
    case initWritten, jobsNone, ledgerBroken, ledgerIntact, linkPage, linkPath, outputOfLastRun
    case passwordNotSet, passwordSet, queryEmpty, queryWarning, restoreWould, roleChanged
    case scriptCases, selectorNameUnknown, selectorNearest, selectorUnmatched, seriesAhead
    case seriesByJob, seriesByMetric, seriesByPair, seriesByTarget, seriesBytesByLabel
    case seriesDamaged, seriesExported, seriesImported, seriesImportedPartly, seriesImportUnknown
    case seriesInBlocks, seriesInMemory, seriesIntact, seriesLimits, seriesNothingToRepair
    case seriesRefused, seriesRefusedByMetric, seriesRefusedByTarget, seriesSnapshot
    case seriesUnlimited, seriesValuesByLabel, statusAlerts, statusLine, statusRows, tokenRevoked
    case userRemoved, valueAfterRestart, valueUntilRestart, version
}
