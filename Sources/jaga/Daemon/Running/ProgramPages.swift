import AllocatorShim
import Synchronization

/// The resident memory that is the program's own code.
///
/// Reading a configuration, opening stores and serving the first page touch most of the program once, and the kernel maps sixteen pages around each
/// that is touched. Those pages are backed by the file: given back, they cost a soft fault when they are used again, and
/// what only the start needed stays away.
enum ProgramPages {
    /// After a step of the start that will not be repeated soon.
    static func release() { jaga_release_program_pages() }

    /// Gives back what the start has used, and from then on every two seconds what has come since, some hundred soft faults each time.
    /// So does the heap: the labels of a target's first page, or the samples of a large answer, are needed once.
    ///
    /// In the first seconds, when the stores are open and all targets are read for the first and the second time, it happens more often: else the
    /// code of the start would lie in memory beside what the first pages need.
    static func keepFew() async throws {
        for _ in 0..<20 {
            try await ContinuousClock().sleep(for: .milliseconds(100))
            release()
            jaga_release_free_memory()
        }
        while true {
            for _ in 0..<3 {
                try await ContinuousClock().sleep(for: .seconds(2))
                release()
                jaga_release_free_memory()
            }
            FreeHeap.settle()
        }
    }
}

/// How much free memory at the top of the heap malloc keeps, rather than giving it back at once.
///
/// Little, where nothing but scrapes goes on. A query takes room for its samples and is done with it a moment later; the next one would
/// take the same pages again, which the kernel has to clear each time. So while queries come they stay, a dozen seconds at the longest
/// (`ProgramPages.keepFew`).
enum FreeHeap {
    private static let littleByteCount: Int32 = 1 << 19
    private static let muchByteCount: Int32 = 16 << 20

    private enum State {
        static let little = 0
        static let much = 1
        /// No query has come since the last look.
        static let idle = 2
    }

    private static let state = Atomic(State.little)

    static func keepLittle() { _ = jaga_keep_heap_top(littleByteCount) }

    /// A query is about to read samples.
    static func noteQuery() {
        guard state.load(ordering: .relaxed) != State.much else { return }
        if state.exchange(State.much, ordering: .relaxed) == State.little { _ = jaga_keep_heap_top(muchByteCount) }
    }

    /// Keeps little again where no query has come since the last call.
    static func settle() {
        switch state.load(ordering: .relaxed) {
        case State.much: state.store(State.idle, ordering: .relaxed)
        case State.idle:
            let (isIdle, _) = state.compareExchange(
                expected: State.idle, desired: State.little, ordering: .relaxed)
            if isIdle { keepLittle() }
        default: break
        }
    }
}
