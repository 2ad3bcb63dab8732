/// The program's version, as `jaga --version` and the API say it.
public enum ProgramVersion {
    public static let number = "0.1.0"
}
