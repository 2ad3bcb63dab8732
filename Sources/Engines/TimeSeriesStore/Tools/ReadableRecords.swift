import BinaryCoding

// Samples whose series was declared in damaged bytes belong to nobody, and readings that stand on one that is lost have no values. A start
// tells of both and passes them over. A repair leaves them out, so that they are told once: samples of known series are picked from records
// that hold others too, and readings are written anew, since each stands on the one before.

/// The records of one segment, read in order, without what no reader can use.
struct ReadableRecords {
    /// What became of a record.
    enum Part {
        /// All of it, as it stands.
        case whole
        /// A reading: one sample for each series.
        case reading([UInt32], Int64, [Double], isWhole: Bool)
        /// Those samples of a record that belong to a series.
        case samples([UInt32], [Int64], [Double])
        case nothing
    }

    private var declared: Set<UInt32> = []
    private var models: [Int: ColumnModel] = [:]

    /// - Throws: `CodingError` where the contents make no sense.
    mutating func part(_ type: LogFormat.RecordType, _ payload: [UInt8]) throws(CodingError) -> Part {
        switch type {
        case .metadata, .describedMetadata: return .whole
        case .series:
            try declare(payload)
            return .whole
        case .packedSeries:
            try declare(LogFormat.unpackedSeries(payload))
            return .whole
        case .histograms:
            var reader = ByteReader(payload)
            return declared.contains(UInt32(truncatingIfNeeded: try reader.varint())) ? .whole : .nothing
        case .samples, .late: return try samples(payload)
        case .columns: return try reading(payload)
        case .stretch: throw CodingError(.invalid, at: 0)
        }
    }

    private mutating func declare(_ payload: [UInt8]) throws(CodingError) {
        var reader = ByteReader(payload)
        while !reader.isAtEnd {
            let number = try reader.count(limit: 1 << 28)
            _ = try reader.labels()
            declared.insert(UInt32(number))
        }
    }

    private func samples(_ payload: [UInt8]) throws(CodingError) -> Part {
        var numbers: [UInt32] = []
        var times: [Int64] = []
        var values: [Double] = []
        var isWhole = true
        try SegmentReplay.forEachSample(payload) { number, time, value in
            guard declared.contains(number) else {
                isWhole = false
                return
            }
            numbers.append(number)
            times.append(time)
            values.append(value)
        }
        return isWhole ? .whole : numbers.isEmpty ? .nothing : .samples(numbers, times, values)
    }

    /// As `LayoutReader` reads it.
    private mutating func reading(_ payload: [UInt8]) throws(CodingError) -> Part {
        try ByteSource.reading(payload) { source throws(CodingError) in try reading(&source) }
    }

    private mutating func reading(_ source: inout ByteSource) throws(CodingError) -> Part {
        let opening = try LayoutReader.Opening(&source)
        let key = opening.key
        if opening.forgets { models = [:] }
        if opening.declares { models[key] = ColumnModel(try LayoutReader.numbers(&source)) }
        guard var model = models.removeValue(forKey: key) else { return .nothing }
        if opening.begins { model.beginAnew() }
        guard opening.begins || model.chain == opening.chain && opening.chain > 0 else {
            model.chain = 0
            models[key] = model
            return .nothing
        }
        var bits = source.bits()
        try model.decode(&bits)
        model.chain += 1
        models[key] = model
        let known = model.numbers.indices.filter { declared.contains(model.numbers[$0]) }
        guard !known.isEmpty else { return .nothing }
        return .reading(
            known.map { model.numbers[$0] }, opening.time, known.map { Double(bitPattern: model.bits[$0]) },
            isWhole: known.count == model.numbers.count)
    }
}
