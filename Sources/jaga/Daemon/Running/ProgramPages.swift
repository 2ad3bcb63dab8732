import AllocatorShim

/// The resident memory that is the program's own code.
///
/// Reading a configuration, opening stores and serving the first page touch most of the program once, and the kernel maps sixteen pages around each
/// that is touched. Those pages are backed by the file: given back, they cost a soft fault when they are used again, and
/// what only the start needed stays away.
enum ProgramPages {
    /// After a step of the start that will not be repeated soon.
    static func release() { jaga_release_program_pages() }

    /// Gives back what the start has used, and from then on four times a minute what has come since, some hundred soft faults each time.
    /// So does the heap: the labels of a target's first page, or the samples of a large answer, are needed once.
    static func keepFew() async throws {
        for seconds in [0, 1, 2, 4, 8] {
            try await ContinuousClock().sleep(for: .seconds(seconds))
            release()
            jaga_release_free_memory()
        }
        while true {
            try await ContinuousClock().sleep(for: .seconds(15))
            release()
            jaga_release_free_memory()
        }
    }
}
