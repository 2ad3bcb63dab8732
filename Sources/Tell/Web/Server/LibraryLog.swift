import Logging

/// The log as the HTTP library writes to it. A server that is told to stop while it waits for connections is an error to the library, and
/// stands in the log before the reason: that the other server could not listen, for instance. Here it is a line for those who look closely.
/// All other lines keep their level.
struct LibraryLog: LogHandler {
    private var log: any LogHandler

    init(_ log: any LogHandler) { self.log = log }

    /// A logger for the library that writes where `logger` does.
    static func logger(over logger: Logger) -> Logger {
        Logger(label: logger.label) { _ in LibraryLog(logger.handler) }
    }

    var metadata: Logger.Metadata {
        get { log.metadata }
        set { log.metadata = newValue }
    }
    var metadataProvider: Logger.MetadataProvider? {
        get { log.metadataProvider }
        set { log.metadataProvider = newValue }
    }
    var logLevel: Logger.Level {
        get { log.logLevel }
        set { log.logLevel = newValue }
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { log[metadataKey: key] }
        set { log[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        // The library writes the error into the text.
        if event.level > .debug, event.message.description.hasSuffix(": \(CancellationError())") {
            guard logLevel <= .debug else { return }
            event.level = .debug
        }
        log.log(event: event)
    }
}
