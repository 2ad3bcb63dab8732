import BlockingCalls
public import DurableFiles
public import Series
import Synchronization
import Units

// The way of a sample:
//
//     append ─▶ log (write) ─▶ head (compressed, in memory) ─▶ block (a file a span) ─▶ larger blocks ─▶ coarser steps, or removed
//                 │ fsync at an interval                         ▲
//                 └──────────── read back at the next start ─────┘ then the log's segments go
//
// Three locks, always taken in this order. `changes` lets one at a time work on the files of blocks. `log` guards the end of the write-ahead log and makes appends follow each other; it is held
// while the disk works. `state` guards the head and the list of blocks; it is held for short sections in memory only, so a
// query never waits for the disk of a writer. A sample enters the head after its record was written, hence what a query has seen
// survives the end of the process.
//
// Invariants: blocks lie before `head.minimumTime`; every sample is in the head or in a block (`state` changes from one to the other in
// one step); where blocks overlap, two samples of one instant are equal or the earlier one counts; every sample of the head is in the
// log, but for the store's own word that the log cannot be written.

/// Keeps samples on one machine's disk: durable when `append` returns, readable at once, removed by age.
///
/// One process may use a folder; the daemon holds the lock. `open` reads the log back; `run` does the timed work; without it nothing is
/// synced, moved to blocks or removed.
public final class TimeSeriesStore: BoundedSeriesReading {
    struct State: Sendable {
        var head: Head
        /// In order of time.
        var blocks: [Block] = []
        var metadata: MetadataByName = [:]
        /// The segment in which each metric's metadata stands.
        var metadataDeclaredIn: [ByteText: UInt64] = [:]
        var indexes = IndexCache()
        var tombstones: [Tombstone] = []
        /// Files of blocks that others were made of, still to be removed.
        var obsolete: [String] = []
        /// Up to which age each block was looked at.
        var agedTo: [String: Int64] = [:]
        var exemplars: ExemplarRing
        var refused = RefusedSeries()
        var backfill = Backfilling()
        /// The newest sample that was ever taken in order.
        var newestTaken = Int64.min
        var health = StoreHealth()
        /// Paths of the blocks in use that somebody could not read.
        var damagedBlocks: Set<String> = []
        var counts = StoreCounts()
        /// As of the last change, so that looking at it never waits for the disk.
        var logByteCount: Int64 = 0
        var logSegmentCount = 0
        var stretchByteCount: Int64 = 0
        /// Bytes of the head in files beside the log.
        var headFileByteCount: Int64 { stretchByteCount + head.pageFileByteCount }

        init(settings: StoreSettings, pageFiles: PageFiles?) {
            head = Head(spanMilliseconds: max(1, settings.blockSpan.wholeMilliseconds), pageFiles: pageFiles)
            exemplars = ExemplarRing(capacity: settings.exemplarsMax)
        }

        mutating func note(_ log: borrowing LogWriter) {
            logByteCount = log.byteCount
            logSegmentCount = log.segmentCount
            stretchByteCount = log.stretchByteCount
            health.headFilesFault = log.stretchFault
        }
    }

    let files: any FileSystem
    let folder: String
    let settings: StoreSettings
    /// What tells the store's own series from those of another host.
    let selfLabels: Labels
    let log: Mutex<LogWriter>
    let state: Mutex<State>
    let spanMilliseconds: Int64
    /// Maintenance, deletion and cleaning change the list of blocks one after the other.
    let changes = Mutex(())

    /// Threads of the stores' own, so that a disk that hangs fills these and not the pool that all share. Writes follow each other
    /// anyway; the second thread lets appends go on while a block is written.
    static let writers = BlockingThreads(threadCountMax: 2)
    static let readers = BlockingThreads(threadCountMax: 4)

    /// A sample this far ahead of its batch is refused: one reading with a wrong clock must not close the series for the present.
    static let aheadMillisecondsMax: Int64 = 600_000
    /// How far after the time of its batch a sample may lie.
    public static let aheadMax = Duration.milliseconds(aheadMillisecondsMax)

    var logFolder: String { joined(folder, "wal") }
    var blockFolder: String { joined(folder, "blocks") }
    var damagedFolder: String { joined(folder, "damaged") }

    init(
        files: any FileSystem, folder: String, settings: StoreSettings, selfLabels: Labels, log: consuming LogWriter,
        state: State
    ) {
        self.files = files
        self.folder = folder
        self.settings = settings
        self.selfLabels = selfLabels
        self.log = Mutex(log)
        self.state = Mutex(state)
        spanMilliseconds = state.head.spanMilliseconds
    }

    /// Opens the store in `folder` (`<data>/series`), made if missing, and reads the log back. Blocks.
    /// - Parameters:
    ///   - selfLabels: labels of the series that the store writes of itself (`instance`, `host`).
    /// - Returns: the store; what recovery found is in `health.problems`.
    /// - Throws: `StoreError` of code `fileFailed` when the folder cannot be used. Damage is set aside and reported, never thrown.
    public static func open(
        folder: String, files: any FileSystem = RealFiles(), settings: StoreSettings = StoreSettings(),
        selfLabels: Labels = Labels()
    ) throws(StoreError) -> TimeSeriesStore {
        try open(
            folder: folder, files: files, settings: settings, selfLabels: selfLabels,
            segmentByteCountMax: LogFormat.segmentByteCountMax)
    }

    /// Opens the store in `folder` to read it, and changes nothing on the disk: what is damaged stays where it is, for who verifies and
    /// repairs it. Samples are refused; it is not to be maintained; snapshots of it may be made. The newest hours are in memory as far as
    /// there are no files of them beside the log. Blocks.
    /// - Returns: the store; what was found damaged and is left out is in `health.problems`.
    /// - Throws: `StoreError` of code `fileFailed` when the folder cannot be read.
    public static func openForReading(
        folder: String, files: any FileSystem = RealFiles()
    ) throws(StoreError) -> TimeSeriesStore {
        let settings = StoreSettings()
        var recovery = Recovery(files: files, folder: folder, settings: settings, isForReading: true)
        let log = try recovery.run(segmentByteCountMax: LogFormat.segmentByteCountMax)
        return TimeSeriesStore(
            files: files, folder: folder, settings: settings, selfLabels: Labels(), log: log, state: recovery.state)
    }

    /// `open` with short segments, for tests that must see many of them.
    static func open(
        folder: String, files: any FileSystem, settings: StoreSettings, selfLabels: Labels, segmentByteCountMax: Int64
    ) throws(StoreError) -> TimeSeriesStore {
        var recovery = Recovery(files: files, folder: folder, settings: settings)
        let log = try recovery.run(segmentByteCountMax: segmentByteCountMax)
        return TimeSeriesStore(
            files: files, folder: folder, settings: settings, selfLabels: selfLabels, log: log, state: recovery.state)
    }
}
