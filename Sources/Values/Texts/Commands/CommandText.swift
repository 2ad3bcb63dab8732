/// The screens of the command line, in the order of the alphabet.
public enum CommandText: String, TextKey {
    case ageAgo, ageIn, ageNever, ageNow, alertsNone, backtestNone, backtestNoneOther
    case backtestNotFired, backtestOpen
    case backupsNone, byHand, chartFigures, chartNothing, chartOmitted, columnActor, columnAlert, columnBackup
    case columnCreatedBy, columnDrill, columnEnded, columnEntry, columnEvent, columnExpires
    case columnFired, columnFiredFor, columnGroup, columnHealth, columnID, columnJob, columnKey
    case columnKind, columnLabels, columnLast, columnLastDrill, columnLastGood, columnLastLogin
    case columnLastRun, columnMessage, columnName, columnNextRun, columnOrigin, columnOutcome
    case columnPassword, columnPending, columnResults, columnRole, columnRows, columnRule
    case columnSchedule, columnSelector, columnSeverity, columnSince, columnSize, columnSource
    case columnStarted, columnState, columnSubject, columnSummary, columnTaken, columnTarget
    case columnTime, columnTook, columnTrigger, columnUser, columnValue, columnVerified
    case configurationValid, configurationValidEmpty, daemonNotRunning, daemonVersion, figureUnknown
    case headlineCritical, headlineOK, headlineUnknown, headlineWarning, initWritten, jobsNone
    case ledgerBroken, ledgerIntact, linkPage, linkPath, outputOfLastRun, passwordNotSet, passwordSet
    case queryEmpty, queryWarning, restoreWould, roleChanged, scriptCases, selectorNameUnknown
    case selectorNearest, selectorUnmatched, seriesAhead, seriesByJob, seriesByMetric, seriesByPair
    case seriesByTarget, seriesBytesByLabel, seriesDamaged, seriesExported, seriesExportedPartly, seriesFolderMade,
        seriesImported
    case seriesImportDuplicate, seriesImportedPartly, seriesImportKnown, seriesImportLog, seriesImportUnknown,
        seriesImportUnnamed, seriesInBlocks, seriesInMemory
    case seriesIntact, seriesLimits, seriesOfBlock, seriesNothingToRepair, seriesRefused, seriesRefusedByMetric
    case seriesRefusedByTarget, seriesSnapshot, seriesUnlimited, seriesValuesByLabel, statusAlerts
    case statusLine, statusRows, tokenRevoked, userRemoved, valueAfterRestart, valueUntilRestart
    case version
}
