/// The identity of a series: names and values, sorted by name, each name once. The metric's name is the label `__name__`.
///
/// A label with an empty value is the same as no label, so empty values are dropped
/// (<https://prometheus.io/docs/concepts/data_model/>).
///
/// Names and values are what their bytes are. Texts that Unicode takes for the same one, such as `é` in one scalar and in two, are different
/// ones here and in the reference, though Swift calls them equal.
public struct Labels: Sendable, Hashable {
    public struct Label: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }

        // Texts with the same bytes have the same hash, so that the hash that Swift makes fits.
        public static func == (left: Label, right: Label) -> Bool {
            left.value.hasSameBytes(as: right.value) && left.name.hasSameBytes(as: right.name)
        }
    }

    public static let metricName = "__name__"

    /// Sorted by the bytes of the name.
    public private(set) var pairs: [Label]

    public init() { pairs = [] }

    /// Where a name stands twice, the last one counts.
    public init(_ unsorted: some Sequence<(String, String)>) {
        pairs = []
        for (name, value) in unsorted { self[name] = value }
    }

    /// Labels that are in order already, as a store keeps them: names sorted by bytes, no name twice, no empty value.
    public init(sorted pairs: [Label]) {
        assert(
            zip(pairs, pairs.dropFirst()).allSatisfy { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) },
            "labels out of order: \(pairs)")
        self.pairs = pairs
    }

    /// A metric's name with its other labels.
    public init(_ metric: String, _ others: KeyValuePairs<String, String> = [:]) {
        self.init(others.map { ($0.key, $0.value) })
        self[Self.metricName] = metric
    }

    public var name: String { self[Self.metricName] ?? "" }
    public var isEmpty: Bool { pairs.isEmpty }

    public subscript(_ name: String) -> String? {
        get {
            let index = place(of: name)
            return index < pairs.count && pairs[index].name.hasSameBytes(as: name) ? pairs[index].value : nil
        }
        set {
            let index = place(of: name)
            let exists = index < pairs.count && pairs[index].name.hasSameBytes(as: name)
            if let newValue, !newValue.isEmpty {
                if exists {
                    pairs[index].value = newValue
                } else {
                    pairs.insert(Label(name, newValue), at: index)
                }
            } else if exists {
                pairs.remove(at: index)
            }
        }
    }

    /// These labels and `others`; where both have a name, the one in `others` counts.
    public func merging(_ others: Labels) -> Labels {
        var merged = self
        for pair in others.pairs { merged[pair.name] = pair.value }
        return merged
    }

    public func dropping(_ names: some Sequence<String>) -> Labels {
        var rest = self
        for name in names { rest[name] = nil }
        return rest
    }

    public func keeping(_ names: some Sequence<String>) -> Labels {
        Labels(names.compactMap { name in self[name].map { (name, $0) } })
    }

    private func place(of name: String) -> Int {
        var low = 0
        var high = pairs.count
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].name.utf8.lexicographicallyPrecedes(name.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

extension Labels: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }
}

/// Ordered as Prometheus orders series: pair by pair, name before value.
extension Labels: Comparable {
    public static func < (left: Labels, right: Labels) -> Bool {
        for (mine, other) in zip(left.pairs, right.pairs) {
            if !mine.name.hasSameBytes(as: other.name) {
                return mine.name.utf8.lexicographicallyPrecedes(other.name.utf8)
            }
            if !mine.value.hasSameBytes(as: other.value) {
                return mine.value.utf8.lexicographicallyPrecedes(other.value.utf8)
            }
        }
        return left.pairs.count < right.pairs.count
    }
}

/// `http_requests_total{code="500", job="shop"}`; names that the older rules do not allow stand in quotation marks, the metric's among the
/// labels: `{"http.requests", "host.name"="a"}`.
extension Labels: CustomStringConvertible {
    public var description: String {
        let metric = name
        var inner = pairs.filter { $0.name != Self.metricName }.map {
            "\(Self.quotedIfNeeded($0.name))=\"\(Self.escaped($0.value))\""
        }
        if Self.isClassicName(metric, colons: true) || metric.isEmpty {
            return inner.isEmpty && !metric.isEmpty ? metric : "\(metric){\(inner.joined(separator: ", "))}"
        }
        inner.insert("\"\(Self.escaped(metric))\"", at: 0)
        return "{\(inner.joined(separator: ", "))}"
    }

    /// A label's name as it stands between braces.
    public static func quotedIfNeeded(_ name: String) -> String {
        isClassicName(name, colons: false) ? name : "\"\(escaped(name))\""
    }

    /// Whether a name is one of letters, digits and underscores that begins with no digit, and so needs no quotation marks.
    /// - Parameter colons: metric names may have those too.
    public static func isClassicName(_ name: String, colons: Bool) -> Bool {
        var isFirst = true
        for byte in name.utf8 {
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, 0x5F: break
            case 0x30...0x39 where !isFirst: break
            case 0x3A where colons: break
            default: return false
            }
            isFirst = false
        }
        return !isFirst
    }

    /// `value` with the escapes of the exposition format: backslash, quotation mark and line feed.
    public static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return value }
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}

extension Labels {
    /// Bytes of all names and values.
    public var textByteCount: Int { pairs.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } }
}
