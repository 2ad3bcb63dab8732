import Series

/// Reads a message of remote write, already unpacked.
/// - Throws: `WireError`: nothing of the message is to be stored. Faults of single series stand in their `fault`.
public func parseWriteRequest(
    _ bytes: [UInt8], _ version: RemoteWriteVersion, limits: WriteLimits = WriteLimits()
) throws(WireError) -> WriteRequest {
    let name = version == .v1 ? "prometheus.WriteRequest" : "io.prometheus.write.v2.Request"
    guard bytes.count <= limits.byteCountMax else {
        throw WireError(.tooMuch, name, at: 0, "\(bytes.count) bytes, more than \(limits.byteCountMax)")
    }
    do {
        return try withProtobuf(bytes) { message throws(ProtobufFault) in
            var parser = WriteRequestParser(limits: limits)
            return version == .v1 ? try parser.readFirst(&message) : try parser.readSecond(&message)
        }
    } catch {
        throw WireError(.syntax, name, at: error.offset, error.message)
    }
}

struct WriteRequestParser {
    private let limits: WriteLimits
    private var request = WriteRequest()
    private var sampleCount = 0
    private var symbols: [String] = []
    /// Places in `symbols` of what is no UTF-8: a fault of those who use it, not of the table.
    private var brokenSymbols: Set<UInt64> = []
    private var brokenMetadataCount = 0
    /// Whether a text of a series was no UTF-8.
    private(set) var hasBrokenText = false

    init(limits: WriteLimits) { self.limits = limits }

    // MARK: Version 1

    mutating func readFirst(_ message: inout ProtobufReader) throws(ProtobufFault) -> WriteRequest {
        while let field = try message.field() {
            switch field {
            case 1:
                var series = try message.message()
                try add(try readFirstSeries(&series), message)
            case 3:
                var entry = try message.message()
                if let metadata = try readFirstMetadata(&entry) { request.metadata.append(metadata) }
                guard request.metadata.count + brokenMetadataCount <= limits.seriesCountMax else {
                    throw message.fault("too many metadata")
                }
            default: try message.skip()
            }
        }
        return request
    }

    /// `prometheus.TimeSeries`, which remote read uses too.
    mutating func readFirstSeries(_ message: inout ProtobufReader) throws(ProtobufFault) -> WrittenSeries {
        var builder = SeriesBuilder()
        while let field = try message.field() {
            switch field {
            case 1:
                var isWhole = true
                builder.add(try readPair(&message, &isWhole), isWhole: isWhole, limits)
            case 2: try builder.readSample(&message, valueField: 1, timeField: 2)
            case 3: try readFirstExemplar(&message, into: &builder)
            case 4:
                var histogram = try message.message()
                builder.add(try WireHistogram(&histogram))
            default: try message.skip()
            }
            try check(builder, message)
        }
        return series(&builder)
    }

    private func readFirstExemplar(
        _ reader: inout ProtobufReader, into builder: inout SeriesBuilder
    ) throws(ProtobufFault) {
        var message = try reader.message()
        var exemplar = Exemplar(series: Labels(), labels: Labels(), value: 0, timestamp: 0)
        var pairs: [(String, String)] = []
        var isWhole = true
        while let field = try message.field() {
            switch field {
            case 1: pairs.append(try readPair(&message, &isWhole))
            case 2: exemplar.value = try message.double()
            case 3: exemplar.timestamp = try message.signed()
            default: try message.skip()
            }
        }
        exemplar.labels = Labels(pairs)
        builder.add(exemplar, isWhole: isWhole)
    }

    private func readPair(
        _ reader: inout ProtobufReader, _ isWhole: inout Bool
    ) throws(ProtobufFault) -> (String, String) {
        var message = try reader.message()
        var pair = ("", "")
        while let field = try message.field() {
            switch field {
            case 1: pair.0 = try message.text(isWhole: &isWhole)
            case 2: pair.1 = try message.text(isWhole: &isWhole)
            default: try message.skip()
            }
        }
        return pair
    }

    private mutating func readFirstMetadata(_ message: inout ProtobufReader) throws(ProtobufFault) -> MetricMetadata? {
        var metadata = MetricMetadata("", .untyped, "")
        var isWhole = true
        while let field = try message.field() {
            switch field {
            case 1: metadata.type = Self.type(try message.unsigned())
            case 2: metadata.name = try message.text(isWhole: &isWhole)
            case 4: metadata.help = try message.text(isWhole: &isWhole)
            case 5: metadata.unit = try message.text(isWhole: &isWhole)
            default: try message.skip()
            }
        }
        guard !isWhole else { return metadata }
        brokenMetadataCount += 1
        request.faults.append("metadata of \(metadata.name) were left out: a text is not UTF-8")
        return nil
    }

    // MARK: Version 2

    mutating func readSecond(_ message: inout ProtobufReader) throws(ProtobufFault) -> WriteRequest {
        // The table may stand behind the series, so it is read first.
        var copy = message
        while let field = try copy.field() {
            guard field == 4 else {
                try copy.skip()
                continue
            }
            var isWhole = true
            symbols.append(try copy.text(isWhole: &isWhole))
            if !isWhole { brokenSymbols.insert(UInt64(symbols.count - 1)) }
        }
        guard symbols.first == "" || symbols.isEmpty else {
            throw message.fault("the first symbol must be the empty text")
        }
        while let field = try message.field() {
            if field == 5 {
                var series = try message.message()
                try add(try readSecondSeries(&series), message)
            } else {
                try message.skip()
            }
        }
        return request
    }

    private mutating func readSecondSeries(_ message: inout ProtobufReader) throws(ProtobufFault) -> WrittenSeries {
        var builder = SeriesBuilder()
        var places: [UInt64] = []
        while let field = try message.field() {
            switch field {
            case 1: try message.varints(into: &places)
            case 2: try builder.readSample(&message, valueField: 1, timeField: 2)
            case 3:
                var histogram = try message.message()
                builder.add(try WireHistogram(&histogram))
            case 4: try readSecondExemplar(&message, into: &builder)
            case 5: try readSecondMetadata(&message, into: &builder)
            case 6:
                let created = try message.signed()
                builder.createdTime = created == 0 ? nil : created
            default: try message.skip()
            }
            try check(builder, message)
        }
        var isWhole = true
        for pair in try pairs(places, message, &isWhole) { builder.add(pair, isWhole: isWhole, limits) }
        return series(&builder)
    }

    private func readSecondExemplar(
        _ reader: inout ProtobufReader, into builder: inout SeriesBuilder
    ) throws(ProtobufFault) {
        var message = try reader.message()
        var exemplar = Exemplar(series: Labels(), labels: Labels(), value: 0, timestamp: 0)
        var places: [UInt64] = []
        while let field = try message.field() {
            switch field {
            case 1: try message.varints(into: &places)
            case 2: exemplar.value = try message.double()
            case 3: exemplar.timestamp = try message.signed()
            default: try message.skip()
            }
        }
        var isWhole = true
        exemplar.labels = Labels(try pairs(places, message, &isWhole))
        builder.add(exemplar, isWhole: isWhole)
    }

    private func readSecondMetadata(
        _ reader: inout ProtobufReader, into builder: inout SeriesBuilder
    ) throws(ProtobufFault) {
        var message = try reader.message()
        var metadata = MetricMetadata("", .untyped, "")
        var isWhole = true
        while let field = try message.field() {
            switch field {
            case 1: metadata.type = Self.type(try message.unsigned())
            case 3: metadata.help = try symbol(try message.unsigned(), message, &isWhole)
            case 4: metadata.unit = try symbol(try message.unsigned(), message, &isWhole)
            default: try message.skip()
            }
        }
        builder.set(metadata, isWhole: isWhole)
    }

    private func pairs(
        _ places: [UInt64], _ message: ProtobufReader, _ isWhole: inout Bool
    ) throws(ProtobufFault) -> [(String, String)] {
        guard places.count.isMultiple(of: 2) else { throw message.fault("a label has a name and no value") }
        var pairs: [(String, String)] = []
        pairs.reserveCapacity(places.count / 2)
        for index in stride(from: 0, to: places.count, by: 2) {
            pairs.append(
                (try symbol(places[index], message, &isWhole), try symbol(places[index + 1], message, &isWhole)))
        }
        return pairs
    }

    private func symbol(
        _ place: UInt64, _ message: ProtobufReader, _ isWhole: inout Bool
    ) throws(ProtobufFault) -> String {
        if place == 0, symbols.isEmpty { return "" }
        guard place < symbols.count else {
            throw message.fault("symbol \(place) of \(symbols.count) is not in the table")
        }
        if !brokenSymbols.isEmpty, brokenSymbols.contains(place) { isWhole = false }
        return symbols[Int(place)]
    }

    // MARK: Both

    private mutating func add(_ series: WrittenSeries, _ message: ProtobufReader) throws(ProtobufFault) {
        sampleCount += series.columns.times.count
        guard request.series.count < limits.seriesCountMax else {
            throw message.fault("more than \(limits.seriesCountMax) series")
        }
        guard sampleCount <= limits.sampleCountMax else {
            throw message.fault("more than \(limits.sampleCountMax) samples")
        }
        request.series.append(series)
    }

    /// Ends a series. What is left out of one that is itself stored is told apart.
    private mutating func series(_ builder: inout SeriesBuilder) -> WrittenSeries {
        let series = builder.series()
        if builder.hasBrokenText { hasBrokenText = true }
        if series.fault == nil { request.faults += builder.leftOut(of: series.columns.labels) }
        return series
    }

    private func check(_ builder: SeriesBuilder, _ message: ProtobufReader) throws(ProtobufFault) {
        guard builder.exemplars.count <= limits.sampleCountMax else { throw message.fault("too many exemplars") }
    }

    /// The same numbers in both versions.
    private static func type(_ number: UInt64) -> MetricType {
        switch number {
        case 1: .counter
        case 2: .gauge
        case 3: .histogram
        case 4: .gaugeHistogram
        case 5: .summary
        case 6: .info
        case 7: .stateSet
        default: .untyped
        }
    }

    static func number(of type: MetricType) -> UInt64 {
        switch type {
        case .counter: 1
        case .gauge: 2
        case .histogram: 3
        case .gaugeHistogram: 4
        case .summary: 5
        case .info: 6
        case .stateSet: 7
        case .untyped: 0
        }
    }
}

/// A series while its message is read.
struct SeriesBuilder {
    private(set) var pairs: [(String, String)] = []
    private var labelCount = 0
    private var labelByteCount = 0
    private(set) var exemplars: [Exemplar] = []
    private var metadata: MetricMetadata?
    /// Those whose texts are none.
    private var brokenExemplarCount = 0
    private var hasBrokenMetadata = false
    var createdTime: Int64?
    private var times: [Int64] = []
    private var values: [Double] = []
    private var histograms: [HistogramSample] = []
    private var fault: String?
    private var labelFault: String?
    private var hasBrokenLabel = false
    /// Milliseconds.
    private static let timeMax: Int64 = 1 << 53

    mutating func readSample(
        _ reader: inout ProtobufReader, valueField: Int, timeField: Int
    ) throws(ProtobufFault) {
        var message = try reader.message()
        var value = 0.0
        var time: Int64 = 0
        while let field = try message.field() {
            switch field {
            case valueField: value = try message.double()
            case timeField: time = try message.signed()
            case 3:
                // Version 2 as it was finished has the time of creation here.
                let created = try message.signed()
                if created != 0 { createdTime = created }
            default: try message.skip()
            }
        }
        times.append(time)
        values.append(value)
    }

    mutating func add(_ exemplar: Exemplar, isWhole: Bool) {
        if isWhole { exemplars.append(exemplar) } else { brokenExemplarCount += 1 }
    }

    mutating func set(_ metadata: MetricMetadata, isWhole: Bool) {
        if isWhole { self.metadata = metadata } else { hasBrokenMetadata = true }
    }

    var hasBrokenText: Bool { hasBrokenLabel || brokenExemplarCount > 0 || hasBrokenMetadata }

    /// What of a series with these labels was left out, though the series itself is stored.
    func leftOut(of labels: Labels) -> [String] {
        guard hasBrokenText else { return [] }
        let exemplars = brokenExemplarCount == 1 ? "1 exemplar was" : "\(brokenExemplarCount) exemplars were"
        return (brokenExemplarCount > 0 ? ["\(exemplars) left out of \(labels): a text is not UTF-8"] : [])
            + (hasBrokenMetadata ? ["metadata were left out of \(labels): a text is not UTF-8"] : [])
    }

    /// Labels past the limits are counted and not kept.
    /// - Parameter isWhole: whether name and value are UTF-8.
    mutating func add(_ pair: (String, String), isWhole: Bool, _ limits: WriteLimits) {
        if !isWhole { hasBrokenLabel = true }
        labelCount += 1
        labelByteCount += pair.0.utf8.count + pair.1.utf8.count
        if labelCount > limits.labelCountMax {
            labelFault = "has more than \(limits.labelCountMax) labels"
        } else if labelByteCount > limits.labelByteCountMax {
            labelFault = "has labels of more than \(limits.labelByteCountMax) bytes"
        } else {
            pairs.append(pair)
        }
    }

    mutating func add(_ sample: WireHistogram) {
        if fault == nil { fault = sample.fault ?? sample.histogram.fault }
        histograms.append(HistogramSample(index: times.count, histogram: sample.histogram))
        times.append(sample.time)
        values.append(.nan)
    }

    mutating func series() -> WrittenSeries {
        sortByTime()
        let labels = Labels(pairs)
        var series = WrittenSeries(
            columns: SeriesColumns(labels: labels, times: times, values: values, histograms: histograms),
            exemplars: exemplars, metadata: metadata, createdTime: createdTime)
        for index in series.exemplars.indices { series.exemplars[index].series = labels }
        if series.metadata != nil { series.metadata!.name = labels.name }
        if labelFault == nil, hasBrokenLabel { series.fault = "a label of \(labels) is not UTF-8" }
        series.fault =
            series.fault ?? labelFault.map { "the series \(labels.name) \($0)" } ?? Self.fault(in: pairs, labels)
            ?? fault
        // Sorted, so the ends tell. Nothing happens 280,000 years from now, and whoever computes with times need not fear overflow.
        if let first = times.first, let last = times.last, first < -Self.timeMax || last > Self.timeMax {
            series.fault = series.fault ?? "a sample of \(labels) has a time out of range"
        }
        return series
    }

    /// What makes a series unfit to store. Labels in another order than by name are taken, as the reference does; a label with an empty
    /// value is the same as none.
    private static func fault(in pairs: [(String, String)], _ labels: Labels) -> String? {
        var names: Set<ByteText> = []
        for (name, _) in pairs {
            if name.isEmpty { return "a label of \(labels) has no name" }
            if !names.insert(ByteText(name)).inserted { return "the label '\(name)' of \(labels) stands twice" }
        }
        return labels.name.isEmpty ? "the series \(labels) has no metric name" : nil
    }

    /// Samples and histograms stand apart in the message; here they are put in one order of time.
    private mutating func sortByTime() {
        guard zip(times, times.dropFirst()).contains(where: { $0 > $1 }) else { return }
        let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        var placeOf = [Int](repeating: 0, count: order.count)
        for (new, old) in order.enumerated() { placeOf[old] = new }
        times = order.map { times[$0] }
        values = order.map { values[$0] }
        histograms = histograms.map { HistogramSample(index: placeOf[$0.index], histogram: $0.histogram) }
            .sorted { $0.index < $1.index }
    }
}
