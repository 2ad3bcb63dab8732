public import Units

/// Whether the store takes samples, and what went wrong.
public struct StoreHealth: Sendable, Hashable {
    /// False from a failed write to the next one that works. Queries go on meanwhile.
    public internal(set) var isWritable = true
    /// Why samples are refused, while they are.
    public internal(set) var writeFault: String?
    /// Whether the refusal comes from a full disk.
    public internal(set) var isDiskFull = false
    /// The last sync, block or removal that failed, until one works.
    public internal(set) var maintenanceFault: String?
    /// Why full chunks stay in memory instead of in files beside the log, while they do. Nothing is lost by it: the store takes more
    /// memory, and the next start reads the whole log.
    public internal(set) var headFilesFault: String?
    /// Whether one block and the files of the head alone take more than the store may keep: no older block is left to go, and what is kept
    /// is far shorter than its ages say.
    public internal(set) var isOverRetentionSize = false
    /// Damage that the last start found, and, of blocks, what queries and maintenance met since. Each place once; a few of each block.
    public internal(set) var problems: [StoreProblem] = []
}

/// What the store has counted since it was opened.
public struct StoreCounts: Sendable, Hashable {
    public internal(set) var samplesStored: Int64 = 0
    public internal(set) var samplesOutOfOrder: Int64 = 0
    public internal(set) var samplesDuplicate: Int64 = 0
    /// Of series past a limit.
    public internal(set) var samplesOverLimit: Int64 = 0
    public internal(set) var batchesRefused: Int64 = 0
    public internal(set) var syncs: Int64 = 0
    public internal(set) var syncFailures: Int64 = 0
    public internal(set) var blocksWritten: Int64 = 0
    public internal(set) var blocksRemoved: Int64 = 0
    /// Blocks made of several others.
    public internal(set) var blocksCompacted: Int64 = 0
    /// Blocks of coarser steps made of finer ones.
    public internal(set) var blocksDownsampled: Int64 = 0
    /// Samples that the last start read from the log.
    public internal(set) var samplesReplayed: Int64 = 0
    /// Of these, the samples whose chunks had been made before.
    public internal(set) var samplesFromStretches: Int64 = 0
}

/// The store's figures of one moment, for pages and `/metrics`.
public struct StoreStats: Sendable, Hashable {
    /// In memory: the series of the last hours.
    public var seriesCount: Int
    public var headSampleCount: Int
    /// Chunks in memory, the open one of each series included.
    public var headChunkCount: Int
    /// Compressed samples in memory, without what the series themselves take.
    public var headByteCount: Int
    public var blockCount: Int
    public var blockSampleCount: Int64
    public var blockByteCount: Int64
    public var logByteCount: Int64
    /// Of full chunks in files beside the log.
    public var headFileByteCount: Int64
    public var logSegmentCount: Int
    public var oldest: Timestamp?
    public var newest: Timestamp?
    /// Samples before this are refused: their span is in a block.
    public var minimumTime: Timestamp
    public var counts: StoreCounts
    public var health: StoreHealth
}
