import NIOCore

/// Runs tasks on the thread of an event loop, so that what reads a request and writes its answer need not change threads to talk to the
/// connection. Whatever computes or waits goes elsewhere (`WebServer.threads`).
final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let own = asUnownedTaskExecutor()
        loop.execute { job.runSynchronously(on: own) }
    }
}
