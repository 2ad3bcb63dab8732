/// Where the time of one exchange went. A phase that was not reached is nil, so that a refused connection never looks fast.
///
/// The phases are those of blackbox_exporter's `probe_http_duration_seconds`. Over redirects they add up.
public struct PhaseTimings: Sendable, Hashable {
    /// Name to address.
    public var resolve: Duration?
    /// TCP or unix socket.
    public var connect: Duration?
    /// TLS handshake; nil also where there is none.
    public var tls: Duration?
    /// From the request's start to the reply's first byte.
    public var processing: Duration?
    /// From the first byte to the last.
    public var transfer: Duration?
    /// From the start to the end or the failure.
    public var total: Duration

    public init(
        resolve: Duration? = nil, connect: Duration? = nil, tls: Duration? = nil, processing: Duration? = nil,
        transfer: Duration? = nil, total: Duration
    ) {
        self.resolve = resolve
        self.connect = connect
        self.tls = tls
        self.processing = processing
        self.transfer = transfer
        self.total = total
    }
}
