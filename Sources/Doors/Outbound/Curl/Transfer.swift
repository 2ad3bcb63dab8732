import CLibcurl
import CurlShim
import Glibc
import Synchronization

// One libcurl easy handle for one exchange, used on one thread from its making to its end, so nothing here is locked. The
// only thing that another thread touches is the `StopFlag`. A probe must measure name lookup and connection each time, so its handle
// is not kept for the next exchange; `HTTPConnection` keeps one, with its open connection, for who asks the same peer all day.
//
// libcurl calls back with a bare pointer. It points at this object, which outlives the transfer because `perform` is one of
// its methods.

/// Ends a transfer from outside: libcurl asks for it at least once a second.
final class StopFlag: Sendable {
    private let raised = Atomic(false)

    func raise() { raised.store(true, ordering: .relaxed) }
    var isRaised: Bool { raised.load(ordering: .relaxed) }
}

final class Transfer {
    let handle: OpaquePointerBox
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private let errorText: UnsafeMutablePointer<CChar>
    private let stop: StopFlag

    /// Bytes to send, in `Read` transfers.
    var outgoing: [UInt8] = []
    private var outgoingOffset = 0
    /// Takes a piece of the body; false ends the transfer.
    var onBody: ((UnsafeBufferPointer<UInt8>) -> Bool)?
    /// Takes a header line or a line of the server's dialogue, with its line end.
    var onHeader: ((String) -> Void)?

    /// Who owns the handle after the exchange; nil where it ends with this object.
    private let keeper: KeptHandle?

    /// - Parameter kept: a handle with perhaps an open connection, used by nobody else meanwhile.
    init(stop: StopFlag, reusing kept: KeptHandle? = nil) {
        handle = kept?.handle ?? Self.newHandle()
        keeper = kept
        // Takes back all options; connections, sessions and looked-up names stay.
        if kept != nil { curl_easy_reset(handle.raw) }
        self.stop = stop
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        set(CURLOPT_ERRORBUFFER, pointer: errorText)
        // Without this libcurl uses SIGALRM for its time limits, which is wrong beside threads.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_NOPROGRESS, 0)
        set(CURLOPT_FRESH_CONNECT, kept == nil ? 1 : 0)
        set(CURLOPT_FORBID_REUSE, 0)
        installCallbacks()
    }

    static func newHandle() -> OpaquePointerBox {
        _ = libraryIsReady
        guard let raw = curl_easy_init() else { preconditionFailure("libcurl gave no handle: out of memory") }
        return OpaquePointerBox(raw)
    }

    deinit {
        // A kept handle must not point at what ends here.
        if keeper == nil { curl_easy_cleanup(handle.raw) } else { curl_easy_reset(handle.raw) }
        for list in lists { curl_slist_free_all(list) }
        errorText.deallocate()
    }

    func set(_ option: CURLoption, _ value: Int) { check(jaga_curl_set_long(handle.raw, option, value), option) }
    func set(_ option: CURLoption, offset: Int64) {
        check(jaga_curl_set_offset(handle.raw, option, curl_off_t(offset)), option)
    }
    /// The text is copied.
    func set(_ option: CURLoption, _ text: String) { check(jaga_curl_set_text(handle.raw, option, text), option) }
    func set(_ option: CURLoption, pointer: UnsafeRawPointer?) {
        check(jaga_curl_set_pointer(handle.raw, option, pointer), option)
    }

    /// The bytes are copied.
    func set(_ option: CURLoption, blob text: String) {
        var text = text
        let code = text.withUTF8 { jaga_curl_set_blob(handle.raw, option, $0.baseAddress, $0.count) }
        check(code, option)
    }

    func set(_ option: CURLoption, list items: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for item in items { list = curl_slist_append(list, item) }
        guard let list else { return }
        lists.append(list)
        check(jaga_curl_set_list(handle.raw, option, list), option)
    }

    /// Runs the exchange and comes back at its end.
    func perform() -> CURLcode {
        withoutBrokenPipeSignal { curl_easy_perform(handle.raw) }
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        _ = jaga_curl_get_long(handle.raw, info, &value)
        return value
    }

    func microseconds(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        _ = jaga_curl_get_offset(handle.raw, info, &value)
        return Int64(value)
    }

    func text(_ info: CURLINFO) -> String {
        var value: UnsafeMutablePointer<CChar>?
        _ = jaga_curl_get_text(handle.raw, info, &value)
        return value.map { String(cString: $0) } ?? ""
    }

    /// What went wrong, in libcurl's words.
    func detail(of code: CURLcode) -> String {
        let own = String(cString: errorText)
        return own.isEmpty ? String(cString: curl_easy_strerror(code)) : own
    }

    var certificates: [PeerCertificate] {
        var chain: UnsafeMutablePointer<curl_certinfo>?
        guard jaga_curl_get_certificates(handle.raw, &chain) == CURLE_OK, let chain = chain?.pointee,
            let entries = chain.certinfo
        else { return [] }
        return (0..<Int(chain.num_of_certs)).map { index in
            var fields: [String] = []
            var next = entries[index]
            while let node = next {
                if let data = node.pointee.data { fields.append(String(cString: data)) }
                next = node.pointee.next
            }
            return PeerCertificate(fields: fields)
        }
    }

    var timings: PhaseTimings {
        let resolved = microseconds(CURLINFO_NAMELOOKUP_TIME_T)
        let connected = microseconds(CURLINFO_CONNECT_TIME_T)
        let secured = microseconds(CURLINFO_APPCONNECT_TIME_T)
        let ready = microseconds(CURLINFO_PRETRANSFER_TIME_T)
        let firstByte = microseconds(CURLINFO_STARTTRANSFER_TIME_T)
        let total = microseconds(CURLINFO_TOTAL_TIME_T)
        func span(_ reached: Bool, _ start: Int64, _ end: Int64) -> Duration? {
            reached ? .microseconds(max(0, end - start)) : nil
        }
        return PhaseTimings(
            resolve: span(resolved > 0 || connected > 0, 0, resolved),
            connect: span(connected > 0, resolved, connected), tls: span(secured > 0, connected, secured),
            processing: span(firstByte > 0, ready, firstByte), transfer: span(firstByte > 0, firstByte, total),
            total: .microseconds(total))
    }

    private func installCallbacks() {
        let context = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        _ = jaga_curl_set_bytes_function(handle.raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.from(context).take(bytes, size * count)
        }
        set(CURLOPT_WRITEDATA, pointer: context)
        _ = jaga_curl_set_bytes_function(handle.raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            let raw = UnsafeRawBufferPointer(start: bytes, count: size * count)
            Transfer.from(context).onHeader?(String(decoding: raw, as: UTF8.self))
            return size * count
        }
        set(CURLOPT_HEADERDATA, pointer: context)
        _ = jaga_curl_set_bytes_function(handle.raw, CURLOPT_READFUNCTION) { bytes, size, count, context in
            Transfer.from(context).give(bytes, size * count)
        }
        set(CURLOPT_READDATA, pointer: context)
        _ = jaga_curl_set_progress_function(handle.raw) { context, _, _, _, _ in
            Transfer.from(context).stop.isRaised ? 1 : 0
        }
        set(CURLOPT_XFERINFODATA, pointer: context)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> Transfer {
        Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    private func take(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard let onBody, count > 0, let bytes else { return count }
        let goesOn = bytes.withMemoryRebound(to: UInt8.self, capacity: count) {
            onBody(UnsafeBufferPointer(start: $0, count: count))
        }
        // Any other count than the given one ends the transfer with CURLE_WRITE_ERROR.
        return goesOn ? count : 0
    }

    private func give(_ bytes: UnsafeMutablePointer<CChar>?, _ space: Int) -> Int {
        let count = min(space, outgoing.count - outgoingOffset)
        guard count > 0, let bytes else { return 0 }
        outgoing.withUnsafeBytes { source in
            UnsafeMutableRawPointer(bytes).copyMemory(from: source.baseAddress! + outgoingOffset, byteCount: count)
        }
        outgoingOffset += count
        return count
    }

    private func check(_ code: CURLcode, _ option: CURLoption) {
        precondition(
            code == CURLE_OK || code == CURLE_OUT_OF_MEMORY,
            "libcurl refused option \(option.rawValue): \(String(cString: curl_easy_strerror(code)))")
    }
}

/// `CURL *` is imported as a raw pointer; this keeps it apart from all others.
struct OpaquePointerBox {
    let raw: UnsafeMutableRawPointer

    init(_ raw: UnsafeMutableRawPointer) { self.raw = raw }
}

/// A libcurl handle that outlives its exchanges.
///
/// `@unchecked Sendable`: the handle is used by one `Transfer` at a time, which `HTTPConnection` sees to; libcurl allows it to move
/// between threads.
final class KeptHandle: @unchecked Sendable {
    let handle = Transfer.newHandle()
    /// About how much the peer answered last.
    var lastByteCount = 0

    deinit { curl_easy_cleanup(handle.raw) }
}

private let libraryIsReady: Bool = {
    let code = curl_global_init(Int(CURL_GLOBAL_ALL))
    precondition(code == CURLE_OK, "libcurl cannot start: \(String(cString: curl_easy_strerror(code)))")
    return true
}()

/// OpenSSL writes without MSG_NOSIGNAL, so a peer that hangs up would end the process. The signal is held back on this
/// thread alone and taken off again, and other threads and child processes keep their own handling.
private func withoutBrokenPipeSignal<Result>(_ body: () -> Result) -> Result {
    var brokenPipe = sigset_t()
    var previous = sigset_t()
    var pending = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &previous)
    defer {
        sigpending(&pending)
        if sigismember(&pending, SIGPIPE) == 1, sigismember(&previous, SIGPIPE) == 0 {
            var none = timespec(tv_sec: 0, tv_nsec: 0)
            sigtimedwait(&brokenPipe, nil, &none)
        }
        pthread_sigmask(SIG_SETMASK, &previous, nil)
    }
    return body()
}
