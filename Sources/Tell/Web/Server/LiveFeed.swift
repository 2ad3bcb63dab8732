import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization
import WebAPI

/// Server-sent events to one page: which parts of the site changed, and a sign of life when nothing did.
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html>
///
/// A feed lasts ten minutes; the browser then asks again by itself, and its session is checked again. What comes faster than
/// the browser takes it is dropped from a short queue: a change only says "read again", so the newest few are enough.
struct LiveFeed: Sendable {
    static let queueLengthMax = 16
    static let signOfLife = Duration.seconds(15)
    static let signsOfLifeMax = 40

    let site: WebSite
    let changes: AsyncStream<SiteChange>

    var body: ResponseBody {
        ResponseBody { writer in
            // The handler has looked already; of several that came at the same moment the last ones are turned away here.
            let isAdmitted = site.liveClients.withLock { count in
                guard count < site.options.liveClientsMax else { return false }
                count += 1
                return true
            }
            guard isAdmitted else {
                try await writer.finish(nil)
                return
            }
            defer { site.liveClients.withLock { $0 -= 1 } }
            let (lines, queue) = AsyncStream.makeStream(
                of: String.self, bufferingPolicy: .bufferingNewest(Self.queueLengthMax))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await change in changes.cancelOnGracefulShutdown() { queue.yield(Self.message(change)) }
                    queue.finish()
                }
                group.addTask {
                    for _ in 0..<Self.signsOfLifeMax {
                        try await Task.sleep(for: Self.signOfLife)
                        queue.yield(": here\n\n")
                    }
                    queue.finish()
                }
                // The browser counts the feed as open once something has come.
                try await writer.write(ByteBuffer(string: "retry: 5000\n\n"))
                for await line in lines { try await writer.write(ByteBuffer(string: line)) }
                group.cancelAll()
            }
            try await writer.finish(nil)
        }
    }

    static func message(_ change: SiteChange) -> String { "event: change\ndata: \(change.rawValue)\n\n" }
}
