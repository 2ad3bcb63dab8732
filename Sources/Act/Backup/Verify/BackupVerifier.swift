import BlockingCalls
import Compression
import Crypto
import Diagnostics
import Glibc
import Processes

/// Reads a backup whole and compares it with what was recorded.
struct BackupVerifier {
    let repository: BackupRepository
    let programs: PostgresPrograms

    /// - Parameter sha256: of the manifest, as the ledger has it.
    /// - Returns: the manifest.
    /// - Throws: `BackupFailure` (`damaged`) naming the file and what is wrong with it.
    func verify(_ target: String, _ id: String, sha256: String) async throws -> BackupManifest {
        let manifest = try await checkManifest(target, id, sha256: sha256)
        let folder = repository.path(target, id)
        for file in manifest.files {
            try Task.checkCancellation()
            try await BlockingThreads.shared.run {
                var hash = SHA256()
                var bytes: Int64 = 0
                do {
                    try forEachPiece(of: "\(folder)/\(file.name)") { piece in
                        hash.update(data: piece)
                        bytes += Int64(piece.count)
                    }
                } catch {
                    throw damaged(id, "\(file.name) cannot be read: \(describe(error))")
                }
                guard bytes == file.bytes else {
                    throw damaged(id, "\(file.name) has \(bytes) bytes instead of \(file.bytes)")
                }
                guard hexadecimal(hash.finalize()) == file.sha256 else {
                    throw damaged(id, "the checksum of \(file.name) is not the recorded one")
                }
            }
        }
        let reader = try await programs.path(of: "pg_restore", serverVersion: manifest.serverVersion)
        let path = "\(folder)/\(BackupManifest.dumpName)"
        let command = Command(
            reader, ["--list"], input: .stream { try await unpack(path, into: $0) }, timeLimit: .seconds(3600),
            outputLimit: 8 * 1024 * 1024)
        let outcome: CommandOutcome
        do {
            outcome = try await command.run()
        } catch let failure as CompressionFailure {
            throw damaged(id, "\(BackupManifest.dumpName): \(failure.summary)")
        }
        guard outcome.isSuccess else {
            throw damaged(id, "pg_restore cannot read it: \(outcome.errors.lastLines(1))")
        }
        let tableCount = outcome.output.text.split(separator: "\n").filter { $0.contains(" TABLE DATA ") }.count
        guard tableCount >= manifest.rows.count else {
            throw damaged(id, "its list has \(tableCount) tables with rows instead of \(manifest.rows.count)")
        }
        return manifest
    }

    func checkManifest(_ target: String, _ id: String, sha256: String) async throws -> BackupManifest {
        try await BlockingThreads.shared.run { [repository] in
            let (manifest, found) = try repository.manifest(target, id)
            guard found == sha256 else { throw damaged(id, "its manifest is not the one that was recorded") }
            return manifest
        }
    }
}

/// Unpacks the file at `path` into a program's input.
func unpack(_ path: String, into input: CommandInput) async throws {
    let descriptor = try await BlockingThreads.shared.run {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fileFailure(path, errno) }
        return descriptor
    }
    defer { close(descriptor) }
    var decoder = try ZstdDecoder()
    while let piece = try await BlockingThreads.shared.run({ try readPiece(descriptor, path) }) {
        try await decoder.decompress(piece) { try await input.write($0) }
    }
    try decoder.finish()
}

func damaged(_ id: String, _ reason: String) -> BackupFailure {
    BackupFailure(.damaged, id, reason, hint: BackupFailure.otherCopyHint)
}
