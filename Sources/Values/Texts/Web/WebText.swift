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
    case columnName, columnNeeds, columnNextRun, columnOrigin, columnOutcome, columnPath, columnPending
    case columnPhases, columnReceiver, columnRestoreTime, columnResults, columnRole, columnRows
    case columnRule, columnSchedule, columnSeries, columnSeverity, columnSince, columnSize
    case columnStarted, columnState, columnStatus, columnSubject, columnTaken, columnTarget, columnTime
    case columnTook, columnTrigger, columnValue, configurationTitle, copiesTitle, copyDamaged, copyGood
    case copyProved, copyUnverified, createTokenNow, createUserNow, databasesTitle, drillFailed
    case drillNow, drillPassed, drillsTitle, errorForbidden, errorNotFound, errorTitle, everyKind
    case everySpan, exitCode, expiredWord, expressionLabel, failuresInRow, filterNow, firingTitle
    case footer, freeSpace, fromDay, headlineOK, headlineTrouble, headlineUnknown, inSpan, justNow
    case lastRead, ledgerBroken, ledgerIntact, ledgerSize, ledgerVerified, linkCreated, linkInvalid
    case loadedWord, logInNow, logInTitle, logOut, mainNavigation, missedEvaluations, moreLines
    case navAlerts, navAPI, navBackups, navDatabases, navHost, navJobs, navLedger, navOverview
    case navProbes, navQuery, navUsers, never, neverDrilled, neverRan, newDatabase, newPassword
    case newPasswordAgain, newTokenTitle, newUserTitle, nextRun, noCheckpoint, noCopies, noData
    case noDrills, noEntries, noFile, noHost, noJobs, noLabel, noMetric, noMetricButNearest, noneFiring
    case nonePending, noneResolved, noOutput, noPasswordYet, noProbes, noReceivers, noRules, noRuns
    case noSeriesWithLabels, noSeverity, noSources, noTargets, nothingWatched, notificationCounts
    case noTokens, noUsers, olderEntries, oldPassword, outcomeCancelled, outcomeFailed, outcomeLost
    case outcomeMissed, outcomeRunning, outcomeSucceeded, outcomeTimedOut, outputTitle, panelArchiver
    case panelCacheHits, panelCommands, panelConnections, panelDatabaseSize, panelDeadlocks
    case panelDiskBusy, panelDiskTraffic, panelEvictions, panelFilesystems, panelKeys, panelLoad
    case panelLongestTransaction, panelMemory, panelNetwork, panelOverTime, panelPressure
    case panelProbeTime, panelProcessor, panelReplicationLag, panelRequests, panelSwap
    case panelTransactions, panelUp, password, passwordLinkNow, pendingTitle, probesTitle, pulseTitle
    case queryFailed, reloadNow, removeNow, removeUserQuestion, repository, residentMemory
    case resolvedTitle, resolvedWord, restoreExplained, restoreNow, restoreTitle, restoreTook, revokeNow
    case revokeTokenQuestion, roleAdministrator, roleOperator, roleViewer, ruleCount, ruleFailing
    case rulesTitle, rulesWithoutSeries, rulesWithoutSeriesExplained, runbook, runningFor, runNow
    case runsTitle, seriesCount, setPasswordFor, setPasswordNow, setPasswordTitle, showQuery, since
    case skipToContent, sourcesTitle, stateFiring, stateInactive, statePending, stateRecording
    case switchedOff, switchTheme, targetsTitle, throughDay, timeLimit, timeRange, tokenCreated
    case tokensTitle, tookTime, unknownValue, untilRevoked, userName, validDays, valueCount
    case verdictCritical, verdictOK, verdictUnknown, verdictWarning, verifyLedgerNow, verifyLedgerTitle
    case verifyNow, watchedTitle
}
