/// Sentences about the state of the site and about what was asked of it, in the order of the alphabet.
public enum SiteText: String, TextKey {
    case actionBackupDone, actionBackupRunning, actionDrillDone, actionDrillRunning, actionJobDone
    case actionJobFailed, actionJobRunning, actionReloadRunning, actionRestoreDone
    case actionRestoreRunning, actionVerifyDone, actionVerifyRunning, alertsNone, andMore
    case andMoreOf, backupFailed, backupNone, backupProved, backupTooOld, checkAnswersWrongly
    case checkBackupProgram, checkBackupSpace, checkBackupSpaceShort, checkBackupWillBeMade
    case checkMailLogin, checkMailNoLogin, checkMailPlainPassword, checkPartFails, checkReachable
    case checkSamples, checkSecurityNone, checkSecurityTLS, copyDamaged, copyDamagedReason
    case discoveryBad, drillFailed, drillMissing, figureConnections, figureDisk, figureMemory
    case figureProcessor, figureRequests, figureSeries, jobBad, jobsGood, newestBackup, probeBad
    case probeNotYet, probesGood, receiverBad, receiverBadReason, receiversNone, receiversWaiting
    case reloadChanged, reloadLate, reloadUnchanged, rulesFailing, samplesNoneCame
    case samplesNotStored, samplesNotStoredReason, samplesOutOfOrder, samplesOverLimit
    case sourceNotRead, sourceUnread, targetBad, targetsGood, targetsNone, watchedBackups
    case watchedJobs, watchedProbes, watchedRules, watchedScraped, watchedServers
}
