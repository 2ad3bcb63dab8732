import Diagnostics
import Logging
public import Units

extension RuleEngine {
    /// So many groups are evaluated at once, as many as the reference evaluates rules. Queries of more would only wait for
    /// the same processors, while each holds the samples it has read.
    private static let runningCountMax = 4

    /// Evaluates every group at its place of its interval until the task is cancelled. A group that takes long holds up no
    /// other, until as many as may run at once take long.
    public func run<C: Clock>(clock: C, wall: any WallClock) async where C.Duration == Duration {
        await withDiscardingTaskGroup { tasks in
            var timetable = Timetable()
            while !Task.isCancelled {
                let now = wall.now
                await endDeparted(at: now)
                for due in timetable.due(states.map { ($0.group.id, $0.interval) }, at: now) {
                    countMissed(due.missed, of: due.group)
                    if isBusy(due.group) {
                        countMissed(1, of: due.group)
                    } else if runningCount < Self.runningCountMax {
                        runningCount += 1
                        tasks.addTask { await self.work(from: due) }
                    } else {
                        waiting.append(due)
                    }
                }
                // New groups of a reload are noticed within the site's interval.
                let pause = min(timetable.wake.map { $0 - wall.now } ?? defaultInterval, defaultInterval)
                do {
                    try await clock.sleep(for: max(pause, .milliseconds(1)))
                } catch {
                    // Cancelled: the loop ends.
                    break
                }
            }
            tasks.cancelAll()
        }
    }

    /// Evaluates a group, and then those that wait for the place.
    private func work(from first: Timetable.Due) async {
        var current: Timetable.Due? = first
        while let due = current, !Task.isCancelled {
            await evaluateLogging(due.group, at: due.slot)
            current = waiting.isEmpty ? nil : waiting.removeFirst()
        }
        runningCount -= 1
    }

    private func evaluateLogging(_ id: String, at time: Timestamp) async {
        do {
            try await evaluate(id, at: time)
        } catch is CancellationError {
            return
        } catch {
            logger.error(
                "what a rule group found could not be recorded; it will be found again",
                metadata: ["group": "\(id)", "error": "\(describe(error))"])
        }
    }
}
