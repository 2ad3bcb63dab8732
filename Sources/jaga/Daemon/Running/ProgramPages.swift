import AllocatorShim

/// The resident memory that is the program's own code.
///
/// Reading a configuration, opening stores and serving the first page touch most of the program once, and the kernel maps sixteen pages around each
/// that is touched. Those pages are backed by the file: given back, they cost a soft fault when they are used again, and
/// what only the start needed stays away.
enum ProgramPages {
    /// After a step of the start that will not be repeated soon.
    static func release() { jaga_release_program_pages() }

    /// Gives back what the start has used, and from then on every five seconds what has come since, some hundred soft faults each time.
    /// So does the heap: the labels of a target's first page, or the samples of a large answer, are needed once.
    ///
    /// In the first second, when the stores are open and all targets are read for the first time, it happens more often: else the code of the
    /// start would lie in memory beside what the first pages need.
    static func keepFew() async throws {
        for milliseconds in [0, 50, 50, 100, 100, 100, 200, 400, 1000, 2000, 4000, 8000] {
            try await ContinuousClock().sleep(for: .milliseconds(milliseconds))
            release()
            jaga_release_free_memory()
        }
        while true {
            try await ContinuousClock().sleep(for: .seconds(5))
            release()
            jaga_release_free_memory()
        }
    }
}
