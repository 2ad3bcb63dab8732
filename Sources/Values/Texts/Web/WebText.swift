/// The texts of the pages, in the order of the alphabet.
public enum WebText: String, TextKey {
    case ago, alertCounts, answerNow, answerOverTime, apiExplained, areaAlerts, areaApplication, areaBackups
    case areaHost, areaJaga, areaJobs, areaNginx, areaNotifications, areaPostgres, areaProbes, areaRedis
    case askNow, asOf, attemptNumber, attempts, backToLedger, backToOverview, backupNow, byHandOnly
    case certificateExpired, changePasswordTitle, changeRoleNow, chartLine, checkCount, checkFailed
    case checkPassed, checkpointExplained, checkpointFacts, checkpointTitle, columnActor, columnAlert
    case columnBackup, columnCertificate, columnCopies, columnDelivered, columnDetail, columnDo, columnError
    case columnEvent, columnExpires, columnExpression, columnFailure, columnGroup, columnHold, columnJob
    case columnKey, columnKind, columnLastDrill, columnLastEvaluation, columnLastGood, columnLastLogin
    case columnLastLook, columnLastRead, columnLastRun, columnLastUsed, columnMeaning, columnMessage
    case columnMethod, columnMissing, columnName, columnNeeds, columnNextRun, columnOrigin, columnOutcome
    case columnPath, columnPending, columnPhases, columnReceiver, columnRestoreTime, columnResults
    case columnRole, columnRows, columnRule, columnSchedule, columnSeries, columnSeverity, columnSince
    case columnSize, columnStarted, columnState, columnStatus, columnSubject, columnTaken, columnTarget
    case columnTime, columnTook, columnTrigger, columnValue, configurationTitle, copiesTitle, copyDamaged
    case copyGood, copyProved, copyUnverified, createTokenNow, createUserNow, databasesTitle, drillFailed
    case drillNow, drillPassed, drillsTitle, errorForbidden, errorNotFound, errorTitle, everyKind, everySpan
    case exitCode, expiredWord, expressionLabel, failuresInRow, filterNow, firingTitle, footer, freeSpace
    case fromDay, headlineOK, headlineTrouble, headlineUnknown, inSpan, justNow, lastRead, ledgerBroken
    case ledgerIntact, ledgerSize, ledgerVerified, linkCreated, linkInvalid, loadedWord, logInNow
    case logInTitle, logOut, mainNavigation, missedEvaluations, moreLines, navAlerts, navAPI, navBackups
    case navDatabases, navHost, navJobs, navLedger, navOverview, navProbes, navQuery, navUsers, never
    case neverDrilled, neverRan, newDatabase, newPassword, newPasswordAgain, newTokenTitle, newUserTitle
    case nextRun, noCheckpoint, noCopies, noData, noDrills, noEntries, noFile, noHost, noJobs, noLabel
    case noMetric, noMetricButNearest, noneFiring, nonePending, noneResolved, noOutput, noPasswordYet
    case noProbes, noReceivers, noRules, noRuns, noSeriesWithLabels, noSeverity, noSources, noTargets
    case nothingWatched, notificationCounts, noTokens, noUsers, olderEntries, oldPassword, outcomeCancelled
    case outcomeFailed, outcomeInterrupted, outcomeLost, outcomeMissed, outcomeRunning, outcomeSucceeded
    case outcomeTimedOut, outputTitle, panelArchiver, panelCacheHits, panelCommands, panelConnections
    case panelDatabaseSize, panelDeadlocks, panelDiskBusy, panelDiskTraffic, panelEvictions
    case panelFilesystems, panelKeys, panelLoad, panelLongestTransaction, panelMemory, panelNetwork
    case panelOverTime, panelPressure, panelProbeTime, panelProcessor, panelReplicationLag, panelRequests
    case panelSwap, panelTransactions, panelUp, password, passwordLinkNow, pendingTitle, probesTitle
    case pulseTitle, queryFailed, reloadNow, removeNow, removeUserQuestion, repository, residentMemory
    case resolvedTitle, resolvedWord, restoreExplained, restoreNow, restoreTitle, restoreTook, revokeNow
    case revokeTokenQuestion, roleAdministrator, roleOperator, roleViewer, ruleCount, ruleFailing
    case rulesTitle, rulesWithoutSeries, rulesWithoutSeriesExplained, runbook, runningFor, runNow, runsTitle
    case seriesCount, setPasswordFor, setPasswordNow, setPasswordTitle, showQuery, since, skipToContent
    case sourcesTitle, stateFiring, stateInactive, statePending, stateRecording, switchedOff, switchTheme
    case targetsTitle, throughDay, timeLimit, timeRange, tokenCreated, tokensTitle, tookTime, unknownValue
    case untilRevoked, userName, validDays, valueCount, verdictCritical, verdictOK, verdictUnknown
    case verdictWarning, verifyLedgerNow, verifyLedgerTitle, verifyNow, watchedTitle
}
