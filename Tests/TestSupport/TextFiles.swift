import Glibc
public import SystemPackage

/// The whole file as text.
/// - Throws: `Errno`.
public func readText(_ path: String) throws -> String {
    let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
    return try descriptor.closeAfter {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}

/// Writes `text` to a new or emptied file.
public func writeText(
    _ text: String, to path: String, permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
)
    throws
{
    let descriptor = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .truncate], permissions: permissions)
    _ = try descriptor.closeAfter { try descriptor.writeAll(text.utf8) }
}
