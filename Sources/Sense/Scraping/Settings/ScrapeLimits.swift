import Settings
public import Units

/// Past any of these a scrape fails as a whole: half of a page would be worse than none. Nil: no limit.
public struct ScrapeLimits: Sendable, Hashable {
    /// Of the page, unpacked.
    public var body: ByteCount?
    /// After metric relabelling.
    public var samples: Int?
    public var labels: Int?
    public var labelNameBytes: Int?
    public var labelValueBytes: Int?
    /// Targets of the job.
    public var targets: Int?
    /// Buckets of a native histogram; its resolution is lowered before the scrape fails.
    public var histogramBuckets: Int?
    /// The least factor between the bounds of a native histogram's buckets; finer ones are merged.
    public var histogramBucketFactor: Double?

    public init() {}

    init(_ s: SettingsReader) {
        body = Self.bytes(s)
        samples = Self.count(s, "sample_limit", "A page with more samples after metric relabelling is a failure.")
        labels = Self.count(s, "label_limit", "A sample with more labels is a failure.")
        labelNameBytes = Self.count(s, "label_name_length_limit", "A label with a longer name is a failure.")
        labelValueBytes = Self.count(s, "label_value_length_limit", "A label with a longer value is a failure.")
        targets = Self.count(s, "target_limit", "More targets than this, and all scrapes of the job fail.")
    }

    /// What `own` leaves open is as here.
    func overridden(by own: ScrapeLimits) -> ScrapeLimits {
        var merged = self
        merged.body = own.body ?? body
        merged.samples = own.samples ?? samples
        merged.labels = own.labels ?? labels
        merged.labelNameBytes = own.labelNameBytes ?? labelNameBytes
        merged.labelValueBytes = own.labelValueBytes ?? labelValueBytes
        merged.targets = own.targets ?? targets
        merged.histogramBuckets = own.histogramBuckets ?? histogramBuckets
        merged.histogramBucketFactor = own.histogramBucketFactor ?? histogramBucketFactor
        return merged
    }

    /// 0 stands for "no limit", as in the reference, and overrides a limit of `global`.
    private static func count(_ s: SettingsReader, _ key: String, _ documentation: String) -> Int? {
        s.optionalInteger(key, in: 0...Int.max, "\(documentation) 0: no limit.").map { $0 == 0 ? .max : $0 }
    }

    private static func bytes(_ s: SettingsReader) -> ByteCount? {
        let size = s.bytes(
            "body_size_limit", default: ByteCount(0), "A larger page, unpacked, is a failure. 0: 64 MiB.")
        return size.bytes == 0 ? nil : size
    }

    /// What stands in without a limit: a page of 64 MiB holds half a million samples, and a target must not fill the memory.
    static let standardBody = ByteCount(64 << 20)
}
