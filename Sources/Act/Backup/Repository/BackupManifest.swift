import JSONCoding
import Units

/// What a backup is and what stands in it: `manifest.json`, specified in `docs/formats/backup.md`.
struct BackupManifest: Sendable, Hashable {
    struct File: Sendable, Hashable {
        var name: String
        var bytes: Int64
        var sha256: String
        var contentBytes: Int64
    }

    struct Assertion: Sendable, Hashable {
        var sql: String
        var value: String?
    }

    static let fileName = "manifest.json"
    static let dumpName = "database.dump.zst"
    static let globalsName = "globals.sql.zst"

    var id: String
    var target: String
    var database: String
    var startedAt: Timestamp
    var finishedAt: Timestamp
    var serverVersion: Int
    var dumpVersion: String
    var encoding: String
    var collation: String
    var characterType: String
    var files: [File]
    /// By quoted name.
    var rows: [String: Int64]
    var assertions: [String: Assertion]
    var warnings: [String]

    var storedBytes: Int64 { files.reduce(0) { $0 + $1.bytes } }
    var rowCount: Int64 { rows.values.reduce(0, +) }

    var json: JSONValue {
        [
            "format": "jaga-backup", "version": 1, "id": .string(id), "target": .string(target),
            "database": .string(database), "startedAt": .integer(startedAt.millisecondsSinceEpoch),
            "finishedAt": .integer(finishedAt.millisecondsSinceEpoch), "serverVersion": .integer(Int64(serverVersion)),
            "dumpVersion": .string(dumpVersion), "encoding": .string(encoding), "collation": .string(collation),
            "characterType": .string(characterType),
            "files": .array(
                files.map {
                    [
                        "name": .string($0.name), "bytes": .integer($0.bytes), "sha256": .string($0.sha256),
                        "contentBytes": .integer($0.contentBytes),
                    ]
                }), "rows": .object(rows.mapValues { .integer($0) }),
            "assertions": .object(
                assertions.mapValues { ["sql": .string($0.sql), "value": $0.value.map { .string($0) } ?? .null] }),
            "warnings": .array(warnings.map { .string($0) }),
        ]
    }
}

extension BackupManifest {
    /// - Returns: nil when something that must be there is not, or is of another kind.
    init?(_ json: JSONValue) {
        guard json["format"]?.stringValue == "jaga-backup", json["version"]?.intValue == 1,
            let id = json["id"]?.stringValue, let target = json["target"]?.stringValue,
            let database = json["database"]?.stringValue, let startedAt = json["startedAt"]?.intValue,
            let finishedAt = json["finishedAt"]?.intValue, let serverVersion = json["serverVersion"]?.intValue,
            let dumpVersion = json["dumpVersion"]?.stringValue, let encoding = json["encoding"]?.stringValue,
            let collation = json["collation"]?.stringValue, let characterType = json["characterType"]?.stringValue,
            let files = json["files"]?.arrayValue, let rows = json["rows"]?.objectValue,
            let assertions = json["assertions"]?.objectValue, let warnings = json["warnings"]?.arrayValue
        else { return nil }
        self.init(
            id: id, target: target, database: database, startedAt: Timestamp(millisecondsSinceEpoch: startedAt),
            finishedAt: Timestamp(millisecondsSinceEpoch: finishedAt), serverVersion: Int(serverVersion),
            dumpVersion: dumpVersion, encoding: encoding, collation: collation, characterType: characterType, files: [],
            rows: rows.compactMapValues(\.intValue), assertions: [:], warnings: warnings.compactMap(\.stringValue))
        for file in files {
            guard let name = file["name"]?.stringValue, !name.contains("/"), !name.hasPrefix("."),
                let bytes = file["bytes"]?.intValue, let sha256 = file["sha256"]?.stringValue,
                let contentBytes = file["contentBytes"]?.intValue
            else { return nil }
            self.files.append(File(name: name, bytes: bytes, sha256: sha256, contentBytes: contentBytes))
        }
        for (name, assertion) in assertions {
            guard let sql = assertion["sql"]?.stringValue else { return nil }
            self.assertions[name] = Assertion(sql: sql, value: assertion["value"]?.stringValue)
        }
    }
}
