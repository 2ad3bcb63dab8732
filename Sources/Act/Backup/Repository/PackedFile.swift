import Compression
import Crypto
import Glibc
import Synchronization

/// A file that is written as one Zstandard frame, hashed as it is stored, and fsynced at its end.
///
/// Calls block on the disk; they belong on a blocking thread. All state is guarded by the mutex.
final class PackedFile: Sendable {
    private struct State: ~Copyable {
        var descriptor: Int32
        var encoder: ZstdEncoder
        var hash = SHA256()

        deinit { if descriptor >= 0 { close(descriptor) } }
    }

    private let path: String
    private let name: String
    private let state: Mutex<State>

    /// - Throws: `BackupFailure` when the file exists or cannot be made; `CompressionFailure`.
    init(folder: String, name: String) throws {
        path = "\(folder)/\(name)"
        self.name = name
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fileFailure(path, errno) }
        state = Mutex(State(descriptor: descriptor, encoder: try ZstdEncoder()))
    }

    func write(_ content: [UInt8]) throws {
        try state.withLock { state in
            let packed = try state.encoder.compress(content)
            state.hash.update(data: packed)
            try writeAll(packed, to: state.descriptor, path)
        }
    }

    /// Ends the frame; the file is on disk when this returns.
    func finish() throws -> BackupManifest.File {
        try state.withLock { state in
            let packed = try state.encoder.finish()
            state.hash.update(data: packed)
            try writeAll(packed, to: state.descriptor, path)
            guard fsync(state.descriptor) == 0 else { throw fileFailure(path, errno) }
            close(state.descriptor)
            state.descriptor = -1
            return BackupManifest.File(
                name: name, bytes: Int64(state.encoder.outputByteCount), sha256: hexadecimal(state.hash.finalize()),
                contentBytes: Int64(state.encoder.inputByteCount))
        }
    }
}

func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(BackupFailure) {
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw fileFailure(path, errno) }
        written += count
    }
}

func fileFailure(_ path: String, _ code: Int32) -> BackupFailure {
    if code == ENOSPC || code == EDQUOT {
        return BackupFailure(
            .diskFull, path, hint: "Free space there, lower 'keep_last' and 'keep_days', or set 'backup.folder'.")
    }
    return BackupFailure(.fileFailed, path, String(cString: strerror(code)))
}

func removeFile(_ path: String) { unlink(path) }

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}
