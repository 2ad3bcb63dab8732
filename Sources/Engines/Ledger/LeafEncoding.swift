import Events
import JSONCoding
import Units

// The bytes of a leaf are one line of JSON, with the keys of the object in a fixed (alphabetic) order:
//
//     {"actor":{"kind":"person","name":"ani"},"kind":"alert.acknowledged","payload":{…},"sequence":7,
//      "subject":"alert/PostgresDown","time":1767225600123}
//
// without white space. An export holds exactly these lines, so whoever checks it hashes lines and needs no JSON encoder.
// The payload's text is stored as it was hashed; nothing is parsed and written again on the way to the hash.
// `docs/formats/ledger.md` is the specification.

/// The canonical form of an entry.
enum LeafEncoding {
    /// 1 MiB: entries are facts and decisions; a job's whole output or a file has no place in them.
    static let byteCountMax = 1 << 20

    /// The leaf's bytes from the parts as they are stored.
    static func line(
        sequence: Int64, milliseconds: Int64, actorKind: String, actorName: String, kind: String, subject: String,
        payloadText: String
    ) -> String {
        var text = "{\"actor\":{\"kind\":"
        text.reserveCapacity(payloadText.utf8.count + 160)
        text += JSONValue.quoted(actorKind)
        text += ",\"name\":"
        text += JSONValue.quoted(actorName)
        text += "},\"kind\":"
        text += JSONValue.quoted(kind)
        text += ",\"payload\":"
        text += payloadText
        text += ",\"sequence\":\(sequence),\"subject\":"
        text += JSONValue.quoted(subject)
        text += ",\"time\":\(milliseconds)}"
        return text
    }

    static func line(of entry: Entry, payloadText: String) -> String {
        let event = entry.event
        return line(
            sequence: entry.sequence, milliseconds: event.time.millisecondsSinceEpoch,
            actorKind: event.actor.kind.rawValue, actorName: event.actor.name, kind: event.kind.rawValue,
            subject: event.subject, payloadText: payloadText)
    }

    /// The canonical text of a payload.
    /// - Throws: `LedgerError` when it is no object, holds a number that is not finite, or nests too deep to be read again.
    static func payloadText(of event: Event) throws(LedgerError) -> String {
        guard case .object = event.payload else {
            throw LedgerError(.unencodable(kind: event.kind.rawValue, reason: "its payload is not an object"))
        }
        if let reason = fault(in: event.payload, depth: 1) {
            throw LedgerError(.unencodable(kind: event.kind.rawValue, reason: reason))
        }
        return event.payload.canonicalText
    }

    private static func fault(in value: JSONValue, depth: Int) -> String? {
        // The leaf itself is one level, hence the comparison with `depth` from 1.
        guard depth <= JSONValue.depthMax else { return "its payload nests deeper than \(JSONValue.depthMax) levels" }
        switch value {
        case .number(let number): return number.isFinite ? nil : "its payload holds the number \(number)"
        case .array(let items):
            for item in items {
                if let reason = fault(in: item, depth: depth + 1) { return reason }
            }
        case .object(let members):
            for member in members.values {
                if let reason = fault(in: member, depth: depth + 1) { return reason }
            }
        default: break
        }
        return nil
    }

    /// Reads a leaf's line.
    /// - Returns: nil when it is not an entry.
    static func entry(parsing line: some Sequence<UInt8>) -> Entry? {
        // The verifier names the line; what is wrong with its JSON is of no use beside that.
        guard let value = try? JSONValue(parsing: Array(line)), let sequence = value["sequence"]?.intValue,
            let milliseconds = value["time"]?.intValue, let kind = value["kind"]?.stringValue,
            let subject = value["subject"]?.stringValue, let payload = value["payload"],
            let actorKind = value["actor"]?["kind"]?.stringValue.flatMap(Actor.Kind.init(rawValue:)),
            let actorName = value["actor"]?["name"]?.stringValue
        else { return nil }
        let event = Event(
            at: Timestamp(millisecondsSinceEpoch: milliseconds), by: Actor(actorKind, actorName), EventKind(kind),
            subject, payload)
        return Entry(sequence: sequence, event: event)
    }
}
