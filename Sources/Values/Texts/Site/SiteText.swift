/// Sentences about the state of the site and about what was asked of it, in the order of the alphabet.
public enum SiteText: String, TextKey {
    case actionBackupDone, actionBackupRunning, actionDrillDone, actionDrillRunning, actionJobDone
    case actionJobFailed, actionJobRunning, actionReloadRunning, actionRestoreDone
    case actionRestoreRunning, actionVerifyDone, actionVerifyRunning, alertFiresIn, alertsNone, andMore, andMoreOf
    case backupFailed, backupNone, backupProved, backupTooOld, checkAnswersWrongly, checkBackupProgram
    case checkBackupSpace, checkBackupSpaceShort, checkBackupWillBeMade, checkMailLogin
    case checkMailNoLogin, checkMailPlainPassword, checkPartFails, checkReachable, checkSamples
    case checkSecurityNone, checkSecurityTLS, copyDamaged, copyDamagedReason, discoveryBad
    case drillFailed, drillMissing, figureConnections, figureDisk, figureMemory, figureProcessor
    case figureRequests, figureSeries, headFilesNotWritten, jobBad, jobsGood, newestBackup, probeBad, probeNotYet
    case probesGood, receiverBad, receiverBadReason, receiversNone, receiversWaiting, reloadChanged
    case reloadLate, reloadUnchanged, retentionSizeTooSmall, rulesFailing, samplesDamaged, samplesNoneCame,
        samplesNotStored
    case samplesNotStoredReason, samplesOutOfOrder, samplesOverLimit, sourceNotRead, sourceUnread
    case targetBad, targetsDropped, targetsGood, targetsNone, watchedBackups, watchedJobs, watchedProbes, watchedRules
    case watchedScraped, watchedServers
}
