/// Sentences about the state of the site and about what was asked of it, in the order of the alphabet.
public enum SiteText: String, TextKey {
    case actionBackupDone, actionBackupRunning, actionDrillDone, actionDrillRunning, actionJobDone
    case actionJobFailed, actionJobRunning, actionReloadRunning, actionRestoreDone, actionRestoreRunning
    case actionVerifyDone, actionVerifyRunning, alertsNone, andMore, andMoreOf, backupFailed, backupNone
    case backupProved, backupTooOld, checkAnswersWrongly, checkBackupProgram, checkBackupSpace
    case checkBackupSpaceShort, checkBackupWillBeMade, checkMailLogin, checkMailNoLogin, checkMailPlainPassword
    case checkPartFails, checkReachable, checkSamples, checkSecurityNone, checkSecurityTLS, copyDamaged
    case copyDamagedReason, discoveryBad, drillFailed, drillMissing, figureConnections, figureDisk, figureMemory
    case figureProcessor, figureRequests, figureSeries, jobBad, jobsGood, newestBackup, probeBad, probeNotYet
    case probesGood, receiverBad, receiverBadReason, receiversNone, receiversWaiting, reloadChanged, reloadLate
    case reloadUnchanged, samplesNoneCame, samplesNotStored, samplesNotStoredReason, samplesOutOfOrder
    case samplesOverLimit, sourceNotRead, sourceUnread, targetBad, targetsGood, targetsNone, watchedBackups
    case watchedJobs, watchedProbes, watchedRules, watchedScraped, watchedServers
}
