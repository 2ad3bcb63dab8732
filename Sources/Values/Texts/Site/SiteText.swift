/// Sentences about the state of the site and about what was asked of it, in the order of the alphabet.
public enum SiteText: String, TextKey {
    case actionBackupDone, actionBackupRunning, actionDrillDone, actionDrillRunning, actionJobDone
    case actionJobFailed, actionJobRunning, actionReloadRunning, actionRestoreDone
    case actionRestoreRunning, actionVerifyDone, actionVerifyRunning, alertsNone, andMore
    case andMoreOf, backupFailed, backupNone, backupProved, backupTooOld, checkAnswersWrongly
    case checkBackupProgram, checkBackupSpace, checkBackupSpaceShort, checkBackupWillBeMade
    case checkMailLogin, checkMailNoLogin, checkMailPlainPassword, checkPartFails, checkReachable
    case checkSamples, checkSecurityNone, checkSecurityTLS, copyDamaged, copyDamagedReason
    case drillFailed, drillMissing, figureConnections, figureDisk, figureMemory, figureProcessor
    case figureRequests, figureSeries, jobBad, jobsGood, newestBackup, probeBad, probeNotYet
    case probesGood, receiverBad, receiverBadReason, receiversNone, receiversWaiting
    case reloadChanged, reloadLate, reloadUnchanged, rulesFailing, samplesNotStored
    case samplesNotStoredReason, sourceNotRead, sourceUnread, watchedBackups, watchedJobs
    case watchedProbes, watchedRules, watchedScraped, watchedServers
}
