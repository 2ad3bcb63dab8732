/// The texts of the pages, in the order of the alphabet.
public enum WebText: String, TextKey {
    case ago, alertCounts, answerNow, answerOverTime, apiExplained, areaAlerts, areaApplication
    case areaBackups, areaHost, areaJaga, areaJobs, areaNginx, areaNotifications, areaPostgres
    case areaProbes, areaRedis, askNow, asOf, attemptNumber, attempts, backToLedger, backToOverview
    case backupNow, byHandOnly, bytesByLabel, certificateExpired, changePasswordTitle, changeRoleNow
    case chartLine, checkCount, checkFailed, checkPassed, checkpointExplained, checkpointFacts
    case checkpointTitle, columnActor, columnAlert, columnBackup, columnCertificate, columnCopies
    case columnDelivered, columnDetail, columnDo, columnError, columnEvent, columnExpires
    case columnExpression, columnFailure, columnGroup, columnHold, columnJob, columnKey, columnKind
    case columnLabel, columnLastDrill, columnLastEvaluation, columnLastGood, columnLastLogin
    case columnLastLook, columnLastRead, columnLastRun, columnLastUsed, columnMeaning, columnMessage
    case columnMethod, columnMetric, columnMissing, columnName, columnNeeds, columnNextRun
    case columnOrigin, columnOutcome, columnPath, columnPending, columnPhases, columnReceiver
    case columnRefusals, columnRestoreTime, columnResults, columnRole, columnRows, columnRule
    case columnSchedule, columnSeries, columnSeverity, columnSince, columnSize, columnStarted
    case columnState, columnStatus, columnSubject, columnTaken, columnTarget, columnTime, columnTook
    case columnTrigger, columnValue, columnValues, configurationTitle, copiesTitle, copyDamaged
    case copyGood, copyProved, copyUnverified, createTokenNow, createUserNow, databasesTitle
    case drillFailed, drillNow, drillPassed, drillsTitle, errorForbidden, errorNotFound, errorTitle
    case everyKind, everySpan, exitCode, expiredWord, expressionLabel, failuresInRow, feedAway
    case feedLive, filterNow, firingTitle, footer, freeSpace, fromDay, headlineOK, headlineTrouble
    case headlineUnknown, histogramsAsCounts, inSpan, justNow, lastRead, ledgerBroken, ledgerIntact, ledgerSize
    case ledgerVerified, limitReached, linkCreated, linkInvalid, loadedWord, logInNow, logInTitle
    case logOut, mainNavigation, missedEvaluations, moreLines, navAlerts, navAPI, navBackups
    case navDatabases, navHost, navJobs, navLedger, navOverview, navProbes, navQuery, navUsers, never
    case neverDrilled, neverRan, newDatabase, newestSample, newPassword, newPasswordAgain
    case newTokenTitle, newUserTitle, nextRun, noCheckpoint, noCopies, noData, noDrills, noEntries
    case noFile, noHost, noJobs, noLabel, noLimit, noMetric, noMetricButNearest, noneFiring
    case nonePending, noneResolved, noOutput, noPasswordYet, noProbes, noReceivers, noRules, noRuns
    case noSeriesWithLabels, noSeverity, noSources, noTargets, nothingWatched, notificationCounts
    case noTokens, noUsers, olderEntries, oldestSample, oldPassword, outcomeCancelled, outcomeFailed
    case outcomeInterrupted, outcomeLost, outcomeMissed, outcomeRunning, outcomeSucceeded
    case outcomeTimedOut, outputTitle, panelArchiver, panelCacheHits, panelCommands, panelConnections
    case panelDatabaseSize, panelDeadlocks, panelDiskBusy, panelDiskTraffic, panelEvictions
    case panelFilesystems, panelKeys, panelLoad, panelLongestTransaction, panelMemory, panelNetwork
    case panelOverTime, panelPressure, panelProbeTime, panelProcessor, panelReadingTime
    case panelReplicationLag, panelRequests, panelRequestTime, panelSwap, panelTransactions, panelUp
    case password, passwordLinkNow, pendingTitle, probesTitle, pulseTitle, queryFailed, readElsewhere
    case refusedByMetric, refusedByTarget, refusedSeries, refusedSeriesExplained, reloadNow, removeNow
    case removeUserQuestion, repository, residentMemory, resolvedTitle, resolvedWord, restoreExplained
    case restoreNow, restoreTitle, restoreTook, revokeNow, revokeTokenQuestion, roleAdministrator
    case roleOperator, roleViewer, ruleCount, ruleFailing, rulesTitle, rulesWithoutSeries
    case rulesWithoutSeriesExplained, runbook, runningFor, runNow, runsTitle, seriesByJob
    case seriesByMetric, seriesByPair, seriesByTarget, seriesCount, seriesLimits, seriesTitle
    case setPasswordFor, setPasswordNow, setPasswordTitle, shippedRuleCount, showQuery, since, skipToContent
    case sourcesTitle, stateFiring, stateInactive, statePending, stateRecording, storedInBlocks
    case storedInMemory, switchedOff, switchTheme, targetsTitle, throughDay, timeLimit, timeRange
    case tokenCreated, tokensTitle, tookTime, unknownValue, untilRevoked, userName, validDays
    case valueAfterRestart, valueCount, valuesByLabel, valueUntilRestart, verdictCritical, verdictOK
    case verdictUnknown, verdictWarning, verifyLedgerNow, verifyLedgerTitle, verifyNow, watchedTitle
}
