/// The texts of the pages, in the order of the alphabet.
public enum WebText: String, TextKey {
    case ago, alertCounts, answerNow, answerOverTime, apiExplained, areaAlerts, areaApplication
    case areaBackups, areaHost, areaJaga, areaJobs, areaNginx, areaNotifications, areaPostgres
    case areaProbes, areaRedis, askNow, asOf, attemptNumber, attempts, backToLedger, backToOverview
    case backupNow, byHandOnly, certificateExpired, changePasswordTitle, changeRoleNow, chartLine
    case checkCount, checkFailed, checkPassed, checkpointExplained, checkpointFacts, checkpointTitle
    case columnActor, columnAlert, columnBackup, columnCertificate, columnCopies, columnDelivered
    case columnDetail, columnDo, columnError, columnEvent, columnExpires, columnExpression
    case columnFailure, columnGroup, columnHold, columnJob, columnKey, columnKind, columnLastDrill
    case columnLastEvaluation, columnLastGood, columnLastLogin, columnLastLook, columnLastRead
    case columnLastRun, columnLastUsed, columnMeaning, columnMessage, columnMethod, columnMissing
    case columnName, columnNeeds, columnNextRun, columnOrigin, columnOutcome, columnPath
    case columnPending, columnPhases, columnReceiver, columnRestoreTime, columnResults, columnRole
    case columnRows, columnRule, columnSchedule, columnSeries, columnSeverity, columnSince, columnSize
    case columnStarted, columnState, columnStatus, columnSubject, columnTaken, columnTarget
    case columnTime, columnTook, columnTrigger, columnValue, configurationTitle, copiesTitle
    case copyDamaged, copyGood, copyProved, copyUnverified, createTokenNow, createUserNow
    case databasesTitle, drillFailed, drillNow, drillPassed, drillsTitle, errorForbidden
    case errorNotFound, errorTitle, everyKind, everySpan, exitCode, expiredWord, expressionLabel
    case failuresInRow, feedAway, feedLive, filterNow, firingTitle, footer, freeSpace, fromDay
    case headlineOK, headlineTrouble, headlineUnknown, inSpan, justNow, lastRead, ledgerBroken
    case ledgerIntact, ledgerSize, ledgerVerified, linkCreated, linkInvalid, loadedWord, logInNow
    case logInTitle, logOut, mainNavigation, missedEvaluations, moreLines, navAlerts, navAPI
    case navBackups, navDatabases, navHost, navJobs, navLedger, navOverview, navProbes, navQuery
    case navUsers, never, neverDrilled, neverRan, newDatabase, newPassword, newPasswordAgain
    case newTokenTitle, newUserTitle, nextRun, noCheckpoint, noCopies, noData, noDrills, noEntries
    case noFile, noHost, noJobs, noLabel, noMetric, noMetricButNearest, noneFiring, nonePending
    case noneResolved, noOutput, noPasswordYet, noProbes, noReceivers, noRules, noRuns
    case noSeriesWithLabels, noSeverity, noSources, noTargets, nothingWatched, notificationCounts
    case noTokens, noUsers, olderEntries, oldPassword, outcomeCancelled, outcomeFailed
    case outcomeInterrupted, outcomeLost, outcomeMissed, outcomeRunning, outcomeSucceeded
    case outcomeTimedOut, outputTitle, panelArchiver, panelCacheHits, panelCommands, panelConnections
    case panelDatabaseSize, panelDeadlocks, panelDiskBusy, panelDiskTraffic, panelEvictions
    case panelFilesystems, panelKeys, panelLoad, panelLongestTransaction, panelMemory, panelNetwork
    case panelOverTime, panelPressure, panelProbeTime, panelProcessor, panelReadingTime
    case panelReplicationLag, panelRequests, panelRequestTime, panelSwap, panelTransactions, panelUp
    case password, passwordLinkNow, pendingTitle, probesTitle, pulseTitle, queryFailed, reloadNow
    case removeNow, removeUserQuestion, repository, residentMemory, resolvedTitle, resolvedWord
    case restoreExplained, restoreNow, restoreTitle, restoreTook, revokeNow, revokeTokenQuestion
    case roleAdministrator, roleOperator, roleViewer, ruleCount, ruleFailing, rulesTitle
    case rulesWithoutSeries, rulesWithoutSeriesExplained, runbook, runningFor, runNow, runsTitle
    case seriesCount, setPasswordFor, setPasswordNow, setPasswordTitle, showQuery, since
    case skipToContent, sourcesTitle, stateFiring, stateInactive, statePending, stateRecording
    case switchedOff, switchTheme, targetsTitle, throughDay, timeLimit, timeRange, tokenCreated
    case tokensTitle, tookTime, unknownValue, untilRevoked, userName, validDays, valueAfterRestart
    case valueCount, valueUntilRestart
    case verdictCritical, verdictOK, verdictUnknown, verdictWarning, verifyLedgerNow
    case verifyLedgerTitle, verifyNow, watchedTitle
}
