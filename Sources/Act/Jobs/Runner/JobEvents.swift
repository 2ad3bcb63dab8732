import Events
import JSONCoding
import Units

// What goes into the ledger; `EventKinds.swift` lists the keys.

func started(_ context: JobContext, at now: Timestamp) -> Event {
    var payload: [String: JSONValue] = [
        "job": .string(context.job), "run": .string(context.run), "trigger": .string(context.trigger.rawValue),
        "attempt": .integer(Int64(context.attempt)),
    ]
    if let scheduled = context.scheduledFor { payload["scheduledFor"] = .integer(scheduled.millisecondsSinceEpoch) }
    return Event(at: now, by: context.actor, .jobStarted, "job/\(context.job)", .object(payload))
}

func finished(
    _ job: String, run: String, outcome: String, at now: Timestamp, duration: Duration?, exitCode: Int32?,
    _ message: String, output: String
) -> Event {
    var payload: [String: JSONValue] = [
        "job": .string(job), "run": .string(run), "outcome": .string(outcome), "message": .string(message),
        "outputTail": .string(output),
    ]
    if let duration { payload["durationMs"] = .integer(max(0, duration.wholeMilliseconds)) }
    if let exitCode { payload["exitCode"] = .integer(Int64(exitCode)) }
    return Event(at: now, by: .jaga, .jobFinished, "job/\(job)", .object(payload))
}

func missed(_ job: String, at now: Timestamp, _ scheduled: Timestamp, _ count: Int, _ reason: String) -> Event {
    let text = count == 1 ? reason : "\(reason); \(count) runs in all"
    return Event(
        at: now, by: .jaga, .jobMissed, "job/\(job)",
        [
            "job": .string(job), "scheduledFor": .integer(scheduled.millisecondsSinceEpoch),
            "count": .integer(Int64(count)), "reason": .string(text),
        ])
}
