/// What is known of metrics, by name. Names are told apart by their bytes, as labels are: a dictionary of texts would take two names that
/// Unicode holds for the same one together.
public struct MetadataByName: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    private var entries: [ByteText: MetricMetadata]

    public init() { entries = [:] }

    public init(dictionaryLiteral elements: (String, MetricMetadata)...) {
        entries = Dictionary(elements.map { (ByteText($0), $1) }) { _, last in last }
    }

    public subscript(_ name: String) -> MetricMetadata? {
        get { entries[ByteText(name)] }
        set { entries[ByteText(name)] = newValue }
    }

    public var values: some Collection<MetricMetadata> { entries.values }
    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    public mutating func merge(
        _ other: MetadataByName, uniquingKeysWith combine: (MetricMetadata, MetricMetadata) -> MetricMetadata
    ) {
        entries.merge(other.entries, uniquingKeysWith: combine)
    }

    public func merging(
        _ other: MetadataByName, uniquingKeysWith combine: (MetricMetadata, MetricMetadata) -> MetricMetadata
    ) -> MetadataByName {
        var merged = self
        merged.merge(other, uniquingKeysWith: combine)
        return merged
    }

    public func filter(_ isIncluded: ((key: String, value: MetricMetadata)) -> Bool) -> MetadataByName {
        var kept = MetadataByName()
        kept.entries = entries.filter { isIncluded(($0.key.text, $0.value)) }
        return kept
    }

    public func mapValues(_ transform: (MetricMetadata) -> MetricMetadata) -> MetadataByName {
        var mapped = MetadataByName()
        mapped.entries = entries.mapValues(transform)
        return mapped
    }
}

extension MetadataByName: Sequence {
    public func makeIterator() -> AnyIterator<(key: String, value: MetricMetadata)> {
        var iterator = entries.makeIterator()
        return AnyIterator { iterator.next().map { ($0.key.text, $0.value) } }
    }
}
