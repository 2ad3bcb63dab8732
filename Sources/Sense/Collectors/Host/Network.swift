import Series

private let received = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"]
private let sent = ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"]

/// `/proc/net/dev`: eight counters each way.
func readNetworkDevices(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    for line in try files.read("/proc/net/dev").lines {
        // `eth0:123` and `eth0: 123` both occur.
        guard let colon = line.bytes.firstIndex(of: 0x3A),
            let device = KernelLine(bytes: line.bytes[..<colon]).words.first
        else { continue }
        let numbers = KernelLine(bytes: line.bytes[(colon + 1)...]).words
        guard numbers.count >= 16 else { continue }
        for (field, word) in zip(received, numbers) {
            batch.counter(
                "node_network_receive_\(field)_total", "Network device statistic receive_\(field).", Double(word),
                ["device": device])
        }
        for (field, word) in zip(sent, numbers.dropFirst(8)) {
            batch.counter(
                "node_network_transmit_\(field)_total", "Network device statistic transmit_\(field).", Double(word),
                ["device": device])
        }
    }
}

/// `/sys/class/net/<device>/…` (the kernel's Documentation/ABI/testing/sysfs-class-net).
func readNetworkClasses(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    for device in files.names(in: "/sys/class/net").sorted() {
        let folder = "/sys/class/net/\(device)"
        // `bonding_masters` is a file.
        guard let state = files.word("\(folder)/operstate") else { continue }
        batch.gauge("node_network_up", "1 where the device's state is 'up'.", state == "up" ? 1 : 0, ["device": device])
        batch.gauge(
            "node_network_info", "Always 1; the labels tell.", 1,
            [
                "device": device, "operstate": state, "address": files.word("\(folder)/address") ?? "",
                "broadcast": files.word("\(folder)/broadcast") ?? "", "duplex": files.word("\(folder)/duplex") ?? "",
                "ifalias": files.word("\(folder)/ifalias") ?? "",
            ])
        // Reading `carrier` and `speed` fails while the device is down.
        batch.gauge(
            "node_network_carrier", "1 where a carrier is seen.", files.number("\(folder)/carrier"), ["device": device])
        batch.gauge("node_network_mtu_bytes", "Largest packet.", files.number("\(folder)/mtu"), ["device": device])
        batch.gauge(
            "node_network_speed_bytes", "Bytes per second that the link can carry.",
            files.number("\(folder)/speed").flatMap { $0 >= 0 ? $0 * 1_000_000 / 8 : nil }, ["device": device])
        batch.gauge(
            "node_network_transmit_queue_length", "Length of the queue of outgoing packets.",
            files.number("\(folder)/tx_queue_len"), ["device": device])
        batch.counter(
            "node_network_carrier_changes_total", "Changes of the carrier.", files.number("\(folder)/carrier_changes"),
            ["device": device])
    }
}

// The default selection of node_exporter's netstat collector.
private let wantedCounters: Set<String> = [
    "Icmp6_InErrors", "Icmp6_InMsgs", "Icmp6_OutMsgs", "Icmp_InErrors", "Icmp_InMsgs", "Icmp_OutMsgs", "Ip6_InOctets",
    "Ip6_OutOctets", "IpExt_InOctets", "IpExt_OutOctets", "Ip_Forwarding", "TcpExt_ListenDrops",
    "TcpExt_ListenOverflows", "TcpExt_SyncookiesFailed", "TcpExt_SyncookiesRecv", "TcpExt_SyncookiesSent",
    "TcpExt_TCPOFOQueue", "TcpExt_TCPRcvQDrop", "TcpExt_TCPSynRetrans", "TcpExt_TCPTimeouts", "Tcp_ActiveOpens",
    "Tcp_CurrEstab", "Tcp_InErrs", "Tcp_InSegs", "Tcp_OutRsts", "Tcp_OutSegs", "Tcp_PassiveOpens", "Tcp_RetransSegs",
    "Udp6_InDatagrams", "Udp6_InErrors", "Udp6_NoPorts", "Udp6_OutDatagrams", "Udp6_RcvbufErrors",
    "Udp6_SndbufErrors", "UdpLite6_InErrors", "UdpLite_InErrors", "Udp_InDatagrams", "Udp_InErrors", "Udp_NoPorts",
    "Udp_OutDatagrams", "Udp_RcvbufErrors", "Udp_SndbufErrors",
]

/// `/proc/net/snmp` and `netstat` have pairs of lines (names, numbers); `snmp6` one line for each field.
func readNetworkCounters(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    func add(_ name: String, _ value: Double?) {
        guard wantedCounters.contains(name) else { return }
        batch.untyped("node_netstat_\(name)", "Statistic \(name).", value)
    }
    for file in ["/proc/net/snmp", "/proc/net/netstat"] {
        let lines = try files.read(file).lines
        for index in stride(from: 0, to: lines.count - 1, by: 2) {
            let names = lines[index].words
            let numbers = lines[index + 1].words
            guard let family = names.first, family == numbers.first, names.count == numbers.count else {
                throw CollectorError(
                    .unexpectedContent, files.root + file, "line \(index + 2) does not fit the one before")
            }
            for (name, number) in zip(names, numbers).dropFirst() {
                add("\(family.dropLast())_\(name)", Double(number))
            }
        }
    }
    guard files.exists("/proc/net/snmp6") else { return }
    for (field, value) in try files.read("/proc/net/snmp6").firstNumbers {
        guard let six = field.firstIndex(of: "6") else { continue }
        add("\(field[...six])_\(field[field.index(after: six)...])", value)
    }
}

/// `/proc/net/sockstat`: `TCP: inuse 5 orphan 0 tw 0 alloc 8 mem 2`; memory is counted in pages.
func readSockets(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    for file in ["/proc/net/sockstat", "/proc/net/sockstat6"] where files.exists(file) {
        for line in try files.read(file).lines {
            let words = line.words
            guard let family = words.first?.dropLast() else { continue }
            for index in stride(from: 1, to: words.count - 1, by: 2) {
                let name = "node_sockstat_\(family)_\(words[index])"
                let value = Double(words[index + 1])
                batch.gauge(name, "Number of \(family) sockets in state \(words[index]).", value)
                if words[index] == "mem" {
                    batch.gauge(name + "_bytes", "Memory of \(family) sockets.", value.map { $0 * pageByteCount })
                }
            }
        }
    }
}

func readConnectionTracking(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    batch.gauge(
        "node_nf_conntrack_entries", "Tracked connections.", files.number("/proc/sys/net/netfilter/nf_conntrack_count"))
    batch.gauge(
        "node_nf_conntrack_entries_limit", "Connections that can be tracked.",
        files.number("/proc/sys/net/netfilter/nf_conntrack_max"))
}
