/// The texts of the pages, in the order of the alphabet.
public enum WebText: String, TextKey {
    case ago, alertCounts, answerNow, answerOverTime, apiExplained, areaAlerts, areaApplication, areaBackups
    case areaHost, areaJaga, areaJobs, areaNginx, areaNotifications, areaPostgres, areaProbes, areaRedis, asOf
    case askNow, attemptNumber, attempts, backToLedger, backToOverview, backupNow, byHandOnly
    case certificateExpired, changePasswordTitle, changeRoleNow, chartLine, checkCount, checkFailed
    case checkPassed, checkpointExplained, checkpointFacts, checkpointTitle, columnActor, columnAlert
    case columnBackup, columnCertificate, columnCopies, columnDelivered, columnDetail, columnDo, columnError
    case columnEvent, columnExpires, columnExpression, columnFailure, columnHold, columnJob, columnKey
    case columnKind, columnLastDrill, columnLastGood, columnLastLogin, columnLastLook, columnLastRead
    case columnLastRun, columnLastUsed, columnMeaning, columnMessage, columnMethod, columnName, columnNeeds
    case columnNextRun, columnOrigin, columnOutcome, columnPath, columnPending, columnPhases, columnReceiver
    case columnRestoreTime, columnRole, columnRows, columnRule, columnSchedule, columnSeries, columnSeverity
    case columnSince, columnSize, columnStarted, columnState, columnStatus, columnSubject, columnTaken
    case columnTarget, columnTime, columnTook, columnTrigger, columnValue, configurationTitle, copiesTitle
    case copyDamaged, copyGood, copyProved, copyUnverified, createTokenNow, createUserNow, databasesTitle
    case drillFailed, drillNow, drillPassed, drillsTitle, errorForbidden, errorNotFound, errorTitle, everyKind
    case everySpan, exitCode, expiredWord, expressionLabel, failuresInRow, filterNow, firingTitle, footer
    case freeSpace, fromDay, headlineOK, headlineTrouble, headlineUnknown, inSpan, justNow, lastRead
    case ledgerBroken, ledgerIntact, ledgerSize, ledgerVerified, linkCreated, linkInvalid, loadedWord
    case logInNow, logInTitle, logOut, mainNavigation, moreLines, navAPI, navAlerts, navBackups, navDatabases
    case navHost, navJobs, navLedger, navOverview, navProbes, navQuery, navUsers, never, neverDrilled
    case neverRan, newDatabase, newPassword, newPasswordAgain, newTokenTitle, newUserTitle, nextRun
    case noCheckpoint, noCopies, noData, noDrills, noEntries, noFile, noHost, noJobs, noLabel, noOutput
    case noPasswordYet, noProbes, noReceivers, noRules, noRuns, noSeverity, noSources, noTargets, noTokens
    case noUsers, noneFiring, nonePending, noneResolved, nothingWatched, notificationCounts, oldPassword
    case olderEntries, outcomeCancelled, outcomeFailed, outcomeInterrupted, outcomeLost, outcomeMissed, outcomeRunning
    case outcomeSucceeded, outcomeTimedOut, outputTitle, panelArchiver, panelCacheHits, panelCommands
    case panelConnections, panelDatabaseSize, panelDeadlocks, panelDiskBusy, panelDiskTraffic, panelEvictions
    case panelFilesystems, panelKeys, panelLoad, panelLongestTransaction, panelMemory, panelNetwork
    case panelOverTime, panelPressure, panelProbeTime, panelProcessor, panelReplicationLag, panelRequests
    case panelSwap, panelTransactions, panelUp, password, passwordLinkNow, pendingTitle, probesTitle
    case pulseTitle, queryFailed, reloadNow, removeNow, removeUserQuestion, repository, residentMemory
    case resolvedTitle, resolvedWord, restoreExplained, restoreNow, restoreTitle, restoreTook, revokeNow
    case revokeTokenQuestion, roleAdministrator, roleOperator, roleViewer, ruleCount, ruleFailing, rulesTitle
    case runNow, runbook, runningFor, runsTitle, seriesCount, setPasswordFor, setPasswordNow
    case setPasswordTitle, showQuery, since, skipToContent, sourcesTitle, stateFiring, stateInactive
    case statePending, stateRecording, switchTheme, switchedOff, targetsTitle, throughDay, timeLimit
    case timeRange, tokenCreated, tokensTitle, tookTime, unknownValue, untilRevoked, userName, validDays
    case valueCount, verdictCritical, verdictOK, verdictUnknown, verdictWarning, verifyLedgerNow
    case verifyLedgerTitle, verifyNow, watchedTitle
}
