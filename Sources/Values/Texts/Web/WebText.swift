/// The texts of the pages, in the order of the alphabet.
public enum WebText: String, TextKey {
    case ago, alertCounts, answerNow, answerOverTime, apiExplained, areaAlerts, areaApplication
    case areaBackups, areaHost, areaJaga, areaJobs, areaNginx, areaNotifications, areaPostgres
    case areaProbes, areaRedis, askNow, asOf, attemptNumber, attempts, backToLedger
    case backToOverview, backupNow, byHandOnly, bytesByLabel, certificateExpired
    case changePasswordTitle, changeRoleNow, chartLine, checkCount, checkFailed, checkPassed
    case checkpointExplained, checkpointFacts, checkpointTitle, columnActor, columnAlert
    case columnBackup, columnCertificate, columnCopies, columnDelivered, columnDetail, columnDo
    case columnError, columnEvent, columnExpires, columnExpression, columnFailure, columnGroup
    case columnHold, columnJob, columnKey, columnKind, columnLabel, columnLastDrill
    case columnLastEvaluation, columnLastGood, columnLastLogin, columnLastLook, columnLastRead
    case columnLastRun, columnLastUsed, columnMeaning, columnMessage, columnMethod, columnMetric
    case columnMissing, columnName, columnNeeds, columnNextRun, columnOrigin, columnOutcome
    case columnPath, columnPending, columnPhases, columnReceiver, columnRefusals
    case columnRestoreTime, columnResults, columnRole, columnRows, columnRule, columnSchedule
    case columnSeries, columnSeverity, columnSince, columnSize, columnStarted, columnState
    case columnStatus, columnSubject, columnTaken, columnTarget, columnTime, columnTook
    case columnTrigger, columnValue, columnValues, configurationTitle, copiesTitle, copyDamaged
    case copyGood, copyProved, copyUnverified, createTokenNow, createUserNow, databasesTitle
    case drillFailed, drillNow, drillPassed, drillsTitle, errorForbidden, errorNotFound
    case errorTitle, everyKind, everySpan, exitCode, expiredWord, expressionLabel, failuresInRow
    case feedAway, feedLive, filterNow, firingTitle, footer, freeSpace, fromDay, headlineOK
    case headlineTrouble, headlineUnknown, inSpan, justNow, lastRead, ledgerBroken, ledgerIntact
    case ledgerSize, ledgerVerified, limitReached, linkCreated, linkInvalid, loadedWord, logInNow
    case logInTitle, logOut, mainNavigation, missedEvaluations, moreLines, navAlerts, navAPI
    case navBackups, navDatabases, navHost, navJobs, navLedger, navOverview, navProbes, navQuery
    case navUsers, never, neverDrilled, neverRan, newDatabase, newestSample, newPassword
    case newPasswordAgain, newTokenTitle, newUserTitle, nextRun, noCheckpoint, noCopies, noData
    case noDrills, noEntries, noFile, noHost, noJobs, noLabel, noLimit, noMetric
    case noMetricButNearest, noneFiring, nonePending, noneResolved, noOutput, noPasswordYet
    case noProbes, noReceivers, noRules, noRuns, noSeriesWithLabels, noSeverity, noSources
    case noTargets, nothingWatched, notificationCounts, noTokens, noUsers, olderEntries
    case oldestSample, oldPassword, outcomeCancelled, outcomeFailed, outcomeInterrupted
    case outcomeLost, outcomeMissed, outcomeRunning, outcomeSucceeded, outcomeTimedOut
    case outputTitle, panelArchiver, panelCacheHits, panelCommands, panelConnections
    case panelDatabaseSize, panelDeadlocks, panelDiskBusy, panelDiskTraffic, panelEvictions
    case panelFilesystems, panelKeys, panelLoad, panelLongestTransaction, panelMemory
    case panelNetwork, panelOverTime, panelPressure, panelProbeTime, panelProcessor
    case panelReadingTime, panelReplicationLag, panelRequests, panelRequestTime, panelSwap
    case panelTransactions, panelUp, password, passwordLinkNow, pendingTitle, probesTitle
    case pulseTitle, queryFailed, readElsewhere, refusedByMetric, refusedByTarget, refusedSeries
    case refusedSeriesExplained, reloadNow, removeNow, removeUserQuestion, repository
    case residentMemory, resolvedTitle, resolvedWord, restoreExplained, restoreNow, restoreTitle
    case restoreTook, revokeNow, revokeTokenQuestion, roleAdministrator, roleOperator, roleViewer
    case ruleCount, ruleFailing, rulesTitle, rulesWithoutSeries, rulesWithoutSeriesExplained
    case runbook, runningFor, runNow, runsTitle, seriesByJob, seriesByMetric, seriesByPair
    case seriesByTarget, seriesCount, seriesLimits, seriesTitle, setPasswordFor, setPasswordNow
    case setPasswordTitle, showQuery, since, skipToContent, sourcesTitle, stateFiring
    case stateInactive, statePending, stateRecording, storedInBlocks, storedInMemory, switchedOff
    case switchTheme, targetsTitle, throughDay, timeLimit, timeRange, tokenCreated, tokensTitle
    case tookTime, unknownValue, untilRevoked, userName, validDays, valueAfterRestart, valueCount
    case valuesByLabel, valueUntilRestart, verdictCritical, verdictOK, verdictUnknown
    case verdictWarning, verifyLedgerNow, verifyLedgerTitle, verifyNow, watchedTitle
}
