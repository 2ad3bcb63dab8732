import Diagnostics
import Events
import JSONCoding
import Logging
import Synchronization
import Units
import WebAPI

/// What people asked for: each action runs in its own task, and the newest are remembered so that a page can follow them.
///
/// The ledger keeps what an action did (a run, a restore); this board only says how far it is.
final class ActionBoard: Sendable {
    /// How an action ended well: a sentence and facts for programs.
    struct Ending: Sendable {
        var message: String
        var result: JSONValue = [:]
    }

    /// Older ones are forgotten; some dozens are more than a page shows.
    static let rememberedCountMax = 64
    /// Actions at once. Each may be a restore; more would only slow each other down.
    static let runningCountMax = 8

    private struct State {
        var statuses: [ActionStatus] = []
        var nextNumber = 1
    }

    private let state = Mutex(State())
    private let clock: any WallClock
    private let logger: Logger
    private let begun: AsyncStream<@Sendable () async -> Void>
    private let begin: AsyncStream<@Sendable () async -> Void>.Continuation
    private let changed: @Sendable () -> Void

    init(clock: any WallClock, logger: Logger, changed: @escaping @Sendable () -> Void) {
        self.clock = clock
        self.logger = logger
        self.changed = changed
        (begun, begin) = AsyncStream.makeStream()
    }

    /// Runs what is begun until cancelled; the actions under way are cancelled too.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await work in begun { group.addTask { await work() } }
            group.cancelAll()
        }
    }

    /// - Throws: `Problem` of code `tooMany` when too many run already.
    func start(
        _ action: SiteAction, by actor: Actor, message: String, _ body: @escaping @Sendable () async throws -> Ending
    ) throws -> ActionStatus {
        let status = try state.withLock { state in
            guard state.statuses.count(where: { $0.state == .running }) < Self.runningCountMax else {
                throw Problem(
                    .tooMany, "\(Self.runningCountMax) actions are running already",
                    hint: "Wait for one of them to end.")
            }
            let status = ActionStatus(
                id: "a\(state.nextNumber)", action: action, actor: "\(actor)", state: .running, startedAt: clock.now,
                message: message)
            state.nextNumber += 1
            state.statuses.insert(status, at: 0)
            while state.statuses.count > Self.rememberedCountMax, state.statuses.last?.state != .running {
                state.statuses.removeLast()
            }
            return status
        }
        begin.yield { [self] in
            do {
                let ending = try await body()
                finish(status.id, .succeeded, ending.message, result: ending.result)
            } catch {
                let failure = error as? any Failure
                let what = action.subject.isEmpty ? action.name : "\(action.name) \(action.subject)"
                logger.warning("\(what) failed: \(failure?.oneLine ?? describe(error))")
                finish(
                    status.id, .failed, failure?.oneLine ?? describe(error), hint: failure?.hint,
                    code: failure?.codeName ?? "failed")
            }
        }
        changed()
        return status
    }

    private func finish(
        _ id: String, _ outcome: ActionStatus.State, _ message: String, hint: String? = nil, code: String? = nil,
        result: JSONValue = [:]
    ) {
        state.withLock { state in
            guard let index = state.statuses.firstIndex(where: { $0.id == id }) else { return }
            state.statuses[index].state = outcome
            state.statuses[index].finishedAt = clock.now
            state.statuses[index].message = message
            state.statuses[index].hint = hint
            state.statuses[index].code = code
            state.statuses[index].result = result
        }
        changed()
    }

    var statuses: [ActionStatus] { state.withLock { $0.statuses } }

    func status(_ id: String) throws -> ActionStatus {
        guard let status = statuses.first(where: { $0.id == id }) else {
            throw Problem(
                .notFound, "there is no action '\(id)'",
                hint: "The daemon remembers the newest \(Self.rememberedCountMax).")
        }
        return status
    }
}
