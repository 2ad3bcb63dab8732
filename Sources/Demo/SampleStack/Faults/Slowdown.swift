import Glibc

/// Makes a server slow by stopping it most of the time, as a starved virtual machine is.
struct Slowdown: Sendable {
    /// A server that runs 5 ms of every 100 still answers, twenty times later.
    static let running = Duration.milliseconds(5)
    static let stopped = Duration.milliseconds(95)

    let server: any StackServer

    /// Goes on until its task is cancelled; the server runs freely again afterwards.
    func run() async {
        while !Task.isCancelled {
            server.pause()
            // Cancelled or not, the server must go on again; the loop sees the cancellation.
            try? await Task.sleep(for: Self.stopped)
            server.resume()
            try? await Task.sleep(for: Self.running)
        }
        server.resume()
    }
}
