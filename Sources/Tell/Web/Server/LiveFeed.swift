import Access
import Hummingbird
import NIOCore
import ServiceLifecycle
import WebAPI

/// Server-sent events to one page: which parts of the site changed, and a sign of life when nothing did.
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html>
///
/// A feed lasts ten minutes; the browser then asks again by itself, and its session is checked again. It ends before that when
/// the session ends: at once by a logout, and with the next sign of life when time or an administrator ended it. What comes
/// faster than the browser takes it is dropped from a short queue: a change only says "read again", so the newest few are
/// enough. A browser that takes nothing at all is cut off by `ConnectionGuard`.
public struct LiveFeed: Sendable {
    static let queueLengthMax = 16
    static let lengthMax = Duration.seconds(600)

    let site: WebSite
    let place: LiveFeeds.Place
    let changes: AsyncStream<SiteChange>

    var body: ResponseBody {
        ResponseBody { writer in
            let (lines, queue) = AsyncStream.makeStream(
                of: String.self, bufferingPolicy: .bufferingNewest(Self.queueLengthMax))
            place.whenEnded { queue.finish() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await change in changes.cancelOnGracefulShutdown() { queue.yield(Self.message(change)) }
                    queue.finish()
                }
                group.addTask {
                    defer { queue.finish() }
                    var left = Self.lengthMax
                    while left > .zero {
                        try await Task.sleep(for: site.options.signOfLife)
                        guard try await site.access.isCurrent(place.identity) else { return }
                        queue.yield(": here\n\n")
                        left -= site.options.signOfLife
                    }
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
