import Diagnostics
import Glibc
public import Schedule

/// The time zone database of the machine.
public struct SystemTimeZones: TimeZoneLoading {
    private let folder: String

    public init(folder: String = "/usr/share/zoneinfo") {
        self.folder = folder
    }

    public func rules(named name: String) throws(ScheduleFailure) -> TimeZoneRules {
        if name == "UTC" || name == "Etc/UTC" || name == "Z" { return .utc }
        let isPlain = name.utf8.allSatisfy { byte in
            (65...90).contains(byte) || (97...122).contains(byte) || (48...57).contains(byte)
                || "+-_/".utf8.contains(byte)
        }
        guard isPlain, !name.isEmpty, !name.hasPrefix("/"), let file = fopen("\(folder)/\(name)", "rbe") else {
            throw .unknownTimeZone(name)
        }
        defer { fclose(file) }
        // The largest zone file has under 4 KiB.
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = fread(&bytes, 1, bytes.count, file)
        return try TimeZoneRules(name: name, tzif: Array(bytes.prefix(count)))
    }
}
