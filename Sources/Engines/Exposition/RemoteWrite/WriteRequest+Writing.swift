import Series

/// Writes a message of remote write, still to be packed with Snappy.
public func writeWriteRequest(_ request: WriteRequest, _ version: RemoteWriteVersion) -> [UInt8] {
    switch version {
    case .v1: writeFirst(request)
    case .v2: writeSecond(request)
    }
}

private func writeFirst(_ request: WriteRequest) -> [UInt8] {
    var message = ProtobufWriter()
    for series in request.series {
        message.message(1) { writer in
            writer.timeSeries(series.columns)
            for exemplar in series.exemplars {
                writer.message(3) {
                    $0.labels(exemplar.labels)
                    $0.double(2, exemplar.value)
                    $0.signed(3, exemplar.timestamp ?? series.columns.times.last ?? 0)
                }
            }
            writer.histograms(4, series.columns)
        }
    }
    for entry in request.metadata {
        message.message(3) {
            $0.unsigned(1, WriteRequestParser.number(of: entry.type))
            $0.text(2, entry.name)
            $0.text(4, entry.help)
            $0.text(5, entry.unit)
        }
    }
    return message.bytes
}

extension ProtobufWriter {
    /// Labels and plain samples of a `prometheus.TimeSeries`.
    mutating func timeSeries(_ columns: SeriesColumns) {
        labels(columns.labels)
        samples(columns)
    }

    mutating func labels(_ labels: Labels) {
        for pair in labels.pairs {
            message(1) {
                $0.text(1, pair.name)
                $0.text(2, pair.value)
            }
        }
    }

    /// Those that are no histograms; field 2 in every message that has them.
    mutating func samples(_ columns: SeriesColumns) {
        var histograms = columns.histograms[...]
        for index in columns.times.indices {
            if histograms.first?.index == index {
                histograms.removeFirst()
                continue
            }
            message(2) {
                $0.double(1, columns.values[index])
                $0.signed(2, columns.times[index])
            }
        }
    }

    mutating func histograms(_ field: Int, _ columns: SeriesColumns) {
        for sample in columns.histograms {
            message(field) { $0.histogram(sample.histogram, at: columns.times[sample.index]) }
        }
    }
}

/// Gives each text a place in the table. The first is the empty text.
private struct SymbolTable {
    private(set) var texts = [""]
    private var places = ["": UInt64(0)]

    mutating func place(of text: String) -> UInt64 {
        if let place = places[text] { return place }
        places[text] = UInt64(texts.count)
        texts.append(text)
        return UInt64(texts.count - 1)
    }

    mutating func places(of labels: Labels) -> [UInt64] {
        labels.pairs.flatMap { [place(of: $0.name), place(of: $0.value)] }
    }
}

private func writeSecond(_ request: WriteRequest) -> [UInt8] {
    var table = SymbolTable()
    var body = ProtobufWriter()
    for series in request.series {
        let metadata = series.metadata.map { ($0.type, table.place(of: $0.help), table.place(of: $0.unit)) }
        let labels = table.places(of: series.columns.labels)
        let exemplars = series.exemplars.map { (table.places(of: $0.labels), $0) }
        body.message(5) { writer in
            writer.packedVarints(1, labels)
            writer.samples(series.columns)
            writer.histograms(3, series.columns)
            for (places, exemplar) in exemplars {
                writer.message(4) {
                    $0.packedVarints(1, places)
                    $0.double(2, exemplar.value)
                    $0.signed(3, exemplar.timestamp ?? series.columns.times.last ?? 0)
                }
            }
            if let (type, help, unit) = metadata {
                writer.message(5) {
                    $0.unsigned(1, WriteRequestParser.number(of: type))
                    $0.unsigned(3, help)
                    $0.unsigned(4, unit)
                }
            }
            if let created = series.createdTime { writer.signed(6, created) }
        }
    }
    var message = ProtobufWriter()
    for text in table.texts { message.text(4, text, always: true) }
    message.append(body)
    return message.bytes
}
