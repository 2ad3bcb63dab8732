import Glibc

/// What `/proc/<pid>/stat` says (proc_pid_stat(5)).
struct ProcessFacts {
    var name: String
    var state: String
    var userSeconds: Double
    var systemSeconds: Double
    var threadCount: Int
    /// In clock ticks since the machine started; with the number it names a process for good.
    var startTicks: UInt64
    var virtualBytes: Double
    var residentBytes: Double
}

let clockTicksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))

extension KernelFiles {
    var processNumbers: [Int] { names(in: "/proc").compactMap { Int($0) } }

    /// - Returns: nil when the process is gone.
    func facts(ofProcess number: Int) -> ProcessFacts? {
        guard let bytes = readWholeFile("\(root)/proc/\(number)/stat", byteCountMax: 4096),
            let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")")),
            open < close
        else { return nil }
        // The name may hold spaces and parentheses, so the fields are counted from its end. The first is the third: state.
        let fields = KernelLine(bytes: bytes[(close + 1)...].prefix { $0 != 10 }).words
        guard fields.count >= 22, let user = Double(fields[11]), let system = Double(fields[12]),
            let threads = Int(fields[17]), let start = UInt64(fields[19]), let virtual = Double(fields[20]),
            let residentPages = Double(fields[21])
        else { return nil }
        return ProcessFacts(
            name: String(decoding: bytes[(open + 1)..<close], as: UTF8.self), state: fields[0],
            userSeconds: user / clockTicksPerSecond, systemSeconds: system / clockTicksPerSecond, threadCount: threads,
            startTicks: start, virtualBytes: virtual, residentBytes: residentPages * pageByteCount)
    }

    /// The command line's words, or none for a kernel thread or a process that is gone.
    func arguments(ofProcess number: Int) -> [String] {
        guard let bytes = readWholeFile("\(root)/proc/\(number)/cmdline", byteCountMax: 65536) else { return [] }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}
