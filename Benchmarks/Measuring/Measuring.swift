import Glibc

/// Runs a measurement and ends the program with the status it gives, or with 1 and its error.
///
/// The main thread waits and serves no queue: given away to Dispatch, as an asynchronous `main` does with it, it would end in a call that
/// valgrind 3.19 cannot follow (`sigsuspend`), and nothing would be counted.
public func measure(_ body: @escaping @Sendable () async throws -> Int32) -> Never {
    let run = Run()
    Task.detached {
        do {
            run.status = try await body()
        } catch {
            print("error: \(error)")
        }
        sem_post(run.ended)
    }
    while sem_wait(run.ended) != 0 {}
    exit(run.status)
}

/// `status` is written before `ended` is told, and read after.
private final class Run: @unchecked Sendable {
    let ended = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    var status: Int32 = 1

    init() { sem_init(ended, 0, 0) }
}
