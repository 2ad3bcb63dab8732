import Commands

/// The program's version. `revision` is filled in by a release build from the environment.
enum JagaVersion {
    static let number = ProgramVersion.number
    static let revision = "development"
    static let swift = "6.3"
}
