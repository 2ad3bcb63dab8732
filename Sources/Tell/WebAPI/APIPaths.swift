// Two families of addresses. `/api/v1/…` is the read side of the Prometheus HTTP API, so that Grafana and scripts find what
// they know. `/api/jaga/v1/…` is everything else. Within a version fields are only added.
//
// Conventions of the second family:
// - An instant is a number of milliseconds since 1970-01-01T00:00:00Z (`Timestamp`), a span is a number of milliseconds in a
//   field that ends in `Ms`. A page or a terminal turns them into text for its reader; programs compare them as they are.
// - A size is a number of bytes in a field that ends in `Bytes`.
// - A field that is not known is left out, never zero.
// - A refusal is a `Problem` with the HTTP status that fits.

/// The addresses of the API, relative to the server's root.
public enum APIPath {
    public static let root = "/api/jaga/v1"
    public static let status = "\(root)/status"
    public static let sources = "\(root)/sources"
    public static let probes = "\(root)/probes"
    public static let alerts = "\(root)/alerts"
    public static let rules = "\(root)/rules"
    public static let series = "\(root)/series"
    public static let jobs = "\(root)/jobs"
    public static let backups = "\(root)/backups"
    public static let ledger = "\(root)/ledger"
    public static let ledgerCheckpoint = "\(root)/ledger/checkpoint"
    public static let ledgerVerify = "\(root)/ledger/verify"
    public static let ledgerExport = "\(root)/ledger/export"
    public static let users = "\(root)/users"
    public static let tokens = "\(root)/tokens"
    public static let notifications = "\(root)/notifications"
    public static let configuration = "\(root)/configuration"
    public static let version = "\(root)/version"
    public static let whoAmI = "\(root)/whoami"
    public static let actions = "\(root)/actions"

    public static let query = "/api/v1/query"
    public static let queryRange = "/api/v1/query_range"
    public static let snapshot = "/api/v1/admin/tsdb/snapshot"

    public static func job(_ name: String) -> String { "\(jobs)/\(escaped(name))" }
    public static func jobRun(_ name: String, _ run: String) -> String { "\(job(name))/runs/\(escaped(run))" }
    public static func action(_ id: String) -> String { "\(actions)/\(escaped(id))" }
    public static func user(_ name: String) -> String { "\(users)/\(escaped(name))" }
    public static func userPasswordLink(_ name: String) -> String { "\(user(name))/password-link" }
    public static func token(_ id: String) -> String { "\(tokens)/\(escaped(id))" }

    /// `text` as one segment of a path or one value of a query: everything but RFC 3986's unreserved bytes becomes `%XX`.
    public static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return result
    }
}
