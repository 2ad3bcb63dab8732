import BlockingCalls
import CLibpq
import Glibc
import Synchronization

/// libpq's connection and the one thread that may use it at a time.
final class PostgresWire: Sendable {
    let serverVersion: Int
    let serverProcess: Int32
    private let target: String
    private let connection: ExclusiveHandle<OpaquePointer>

    /// Connects. Blocks until it worked or failed, at most until `deadline` and a name look-up.
    init(_ settings: PostgresSettings, deadline: ContinuousClock.Instant, interrupt: Interrupt) throws {
        target = settings.target
        let parameters = settings.parameters
        let words = parameters.map { strdup($0.keyword) }
        let texts = parameters.map { strdup($0.value) }
        defer {
            for word in words { free(word) }
            for text in texts {
                // The password's copy does not stay in freed memory.
                if let text { explicit_bzero(text, strlen(text)) }
                free(text)
            }
        }
        let keywords = words.map { UnsafePointer<CChar>($0) } + [nil]
        let values = texts.map { UnsafePointer<CChar>($0) } + [nil]
        guard let handle = PQconnectStartParams(keywords, values, 0) else {
            throw PostgresError(.connectionFailed, target: target, "out of memory")
        }
        func failure() -> PostgresError {
            .connecting(
                to: settings.target, libraryMessage: String(cString: PQerrorMessage(handle)),
                needsPassword: PQconnectionNeedsPassword(handle) == 1)
        }
        do {
            guard PQstatus(handle) != CONNECTION_BAD else { throw failure() }
            _ = PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            // Notices would go to the process's stderr.
            PQsetNoticeReceiver(handle, { _, _ in }, nil)
            var next = PGRES_POLLING_WRITING
            while next != PGRES_POLLING_OK {
                guard next != PGRES_POLLING_FAILED else { throw failure() }
                let events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT
                _ = try waitUntilReady(PQsocket(handle), Int32(events), deadline: deadline, interrupt: interrupt)
                next = PQconnectPoll(handle)
            }
            guard PQsetnonblocking(handle, 1) == 0 else { throw failure() }
            _ = PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        } catch {
            PQfinish(handle)
            throw WaitEnd.explained(error, timedOut: PostgresError.timedOut(target))
        }
        connection = ExclusiveHandle(handle) { PQfinish($0) }
        serverVersion = Int(PQserverVersion(handle))
        serverProcess = PQbackendPID(handle)
    }

    var isOpen: Bool { connection.isOpen }

    var isReusable: Bool {
        connection.useIfIdle { handle in
            guard PQstatus(handle) == CONNECTION_OK, PQtransactionStatus(handle) == PQTRANS_IDLE else { return false }
            // An idle connection has nothing to read, unless the server says goodbye. (It may also announce a changed
            // parameter; connecting anew costs little.)
            var watched = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            return poll(&watched, 1, 0) == 0
        } ?? false
    }

    /// Marks the connection as closed, and frees it now or when the call in flight ends.
    func close() { connection.close() }

    /// Sends with `send` and reads the answer to the end. Blocks until `deadline` at most.
    func exchange(
        deadline: ContinuousClock.Instant, interrupt: Interrupt, send: (OpaquePointer) -> Int32
    ) throws -> PostgresResult {
        do {
            return try connection.use(until: deadline) { handle in
                try answer(of: handle, deadline, interrupt, send)
            }
        } catch is HandleClosed {
            throw PostgresError(.connectionLost, target: target, "the connection is closed")
        } catch {
            throw WaitEnd.explained(error, timedOut: PostgresError.timedOut(target))
        }
    }

    /// Runs in this thread's turn. What cannot go on is closed, and freed when the turn ends.
    private func answer(
        of handle: OpaquePointer, _ deadline: ContinuousClock.Instant, _ interrupt: Interrupt,
        _ send: (OpaquePointer) -> Int32
    ) throws -> PostgresResult {
        do {
            guard send(handle) == 1 else { throw lost(handle) }
            try flush(handle, deadline, interrupt)
            var last: Result<PostgresResult, any Error>?
            while let answer = try nextAnswer(handle, deadline, interrupt) {
                defer { PQclear(answer) }
                // After an error the rest of a script is not run; the error is the answer.
                if case .failure? = last { continue }
                last = Result { try read(answer, of: handle) }
            }
            guard PQstatus(handle) == CONNECTION_OK else {
                close()
                if case .failure(let error)? = last { throw error }
                throw PostgresError(.connectionLost, target: target, "the server closed the connection")
            }
            guard let last else { return PostgresResult(rows: [], columns: [], affectedRowCount: 0, command: "") }
            return try last.get()
        } catch let end as WaitEnd {
            if let canceller = PQgetCancel(handle) { Cancellations.shared.send(canceller, to: target) }
            close()
            throw end
        } catch let error as PostgresError where error.code == .connectionLost {
            close()
            throw error
        }
    }

    private func flush(_ handle: OpaquePointer, _ deadline: ContinuousClock.Instant, _ interrupt: Interrupt) throws {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                let ready = try waitUntilReady(
                    PQsocket(handle), Int32(POLLIN) | Int32(POLLOUT), deadline: deadline, interrupt: interrupt)
                // A server that cannot send its answer does not read on.
                if ready & Int32(POLLIN) != 0, PQconsumeInput(handle) != 1 { throw lost(handle) }
            default: throw lost(handle)
            }
        }
    }

    private func nextAnswer(
        _ handle: OpaquePointer, _ deadline: ContinuousClock.Instant, _ interrupt: Interrupt
    ) throws -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            _ = try waitUntilReady(PQsocket(handle), Int32(POLLIN), deadline: deadline, interrupt: interrupt)
            if PQconsumeInput(handle) != 1 { throw lost(handle) }
        }
        return PQgetResult(handle)
    }

    private func lost(_ handle: OpaquePointer) -> PostgresError {
        var message = firstLine(String(cString: PQerrorMessage(handle)))
        if message.hasPrefix("FATAL:  ") { message.removeFirst("FATAL:  ".count) }
        return PostgresError(.connectionLost, target: target, message)
    }

    private func read(_ answer: OpaquePointer, of handle: OpaquePointer) throws -> PostgresResult {
        switch PQresultStatus(answer) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            return PostgresResult(answer)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            throw PostgresError(.connectionLost, target: target, "COPY to or from the client is not spoken here")
        default:
            let sqlState = field(answer, "C")
            let message = firstLine(field(answer, "M") ?? String(cString: PQresultErrorMessage(answer)))
            let code: PostgresError.Code =
                if sqlState == "57014" && message.utf8.count > 0 && hasTimeoutWords(message) {
                    .timeout
                } else if PQstatus(handle) != CONNECTION_OK || sqlState == nil || field(answer, "V") == "FATAL" {
                    .connectionLost
                } else {
                    .queryFailed
                }
            throw PostgresError(
                code, target: target, message, sqlState: sqlState,
                serverAdvice: (field(answer, "H") ?? field(answer, "D")).map(firstLine))
        }
    }

    /// `query_canceled` is what a statement gets that ran into `statement_timeout` as well as one that somebody cancelled.
    private func hasTimeoutWords(_ message: String) -> Bool { message.hasSuffix("timeout") }

    private func field(_ answer: OpaquePointer, _ code: Unicode.Scalar) -> String? {
        PQresultErrorField(answer, Int32(code.value)).map { String(cString: $0) }
    }
}

private func firstLine(_ text: String) -> String {
    trimmed(text.split(separator: "\n").first ?? "the server gave no reason")
}

extension PostgresResult {
    /// Copies everything out of `answer`, which stays the caller's.
    fileprivate init(_ answer: OpaquePointer) {
        let columnCount = PQnfields(answer)
        let names = (0..<columnCount).map { String(cString: PQfname(answer, $0)) }
        columns = names
        rows = (0..<PQntuples(answer)).map { row in
            PostgresRow(
                columns: names,
                values: (0..<columnCount).map { column in
                    PQgetisnull(answer, row, column) == 1 ? nil : String(cString: PQgetvalue(answer, row, column))
                })
        }
        affectedRowCount = Int(String(cString: PQcmdTuples(answer))) ?? 0
        command = String(cString: PQcmdStatus(answer)).split(separator: " ").first.map(String.init) ?? ""
    }
}

/// Cancel requests on their way. `PQcancel` has no time limit, and a stopped server answers none: so at most one per target
/// is under way, on a thread of its own, and others are left out. The server's `statement_timeout` is the net beneath.
private final class Cancellations: Sendable {
    static let shared = Cancellations()
    private let underWay = Mutex<Set<String>>([])

    private struct Request: @unchecked Sendable {
        // A PGcancel is made for use from other threads (PostgreSQL's manual, section 34.7).
        let pointer: OpaquePointer
    }

    /// Takes over `canceller`.
    func send(_ canceller: OpaquePointer, to target: String) {
        guard underWay.withLock({ $0.insert(target).inserted }) else {
            PQfreeCancel(canceller)
            return
        }
        let request = Request(pointer: canceller)
        Task {
            try await BlockingThreads.shared.run {
                var message = [CChar](repeating: 0, count: 256)
                _ = PQcancel(request.pointer, &message, Int32(message.count))
                PQfreeCancel(request.pointer)
                Self.shared.underWay.withLock { _ = $0.remove(target) }
            }
        }
    }
}
