import Glibc
import Series
import TestSupport
import Testing
import Units

@testable import Collectors

/// Goal: the kernel's figures arrive under node_exporter's names, and one unreadable part leaves the others. Method: a folder
/// with small copies of the kernel's files, and the machine itself.
@Suite struct HostSourceTests {
    private static let files = [
        "/proc/stat": """
        cpu  10 0 5 100 2 0 1 0 0 0
        cpu0 1000 200 300 40000 500 6 7 8 90 10
        intr 12345 1 2 3
        ctxt 999
        btime 1700000000
        processes 77
        procs_running 3
        procs_blocked 1

        """,
        "/proc/loadavg": "0.50 1.25 2.00 1/200 4242\n",
        "/proc/meminfo":
            "MemTotal:        2048 kB\nMemAvailable:    1024 kB\nActive(anon):    12 kB\nHugePages_Total:       3\n",
        "/proc/vmstat": "nr_free_pages 5\npgpgin 10\npgfault 20\npgmajfault 21\noom_kill 2\npswpin 0\n",
        "/proc/pressure/cpu":
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        "/proc/pressure/io":
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n",
        "/proc/diskstats": """
           8       0 sda 100 1 2000 50 200 2 4000 60 1 70 80 5 6 7 8 9 10
           8       1 sda1 100 1 2000 50 200 2 4000 60 1 70 80
         259       0 nvme0n1 1 1 1 1 1 1 1 1 1 1 1
           7       0 loop0 1 1 1 1 1 1 1 1 1 1 1

        """,
        "/proc/net/dev": """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
          eth0: 1000 10 1 2 3 4 5 6 2000 20 7 8 9 10 11 12

        """,
        "/proc/net/snmp": "Tcp: ActiveOpens CurrEstab RtoMin\nTcp: 5 6 200\nUdp: InErrors\nUdp: 4\n",
        "/proc/net/netstat": "TcpExt: ListenDrops Other\nTcpExt: 9 1\n",
        "/proc/net/sockstat": "sockets: used 50\nTCP: inuse 5 orphan 0 tw 1 alloc 8 mem 2\n",
        "/proc/sys/fs/file-nr": "1024\t0\t65536\n",
        "/proc/sys/kernel/ostype": "Linux\n", "/proc/sys/kernel/osrelease": "6.1.0\n",
        "/proc/sys/kernel/version": "#1 SMP\n", "/proc/sys/kernel/hostname": "shop-1\n",
        "/proc/sys/kernel/domainname": "(none)\n", "/proc/sys/kernel/pid_max": "4194304\n",
        "/proc/self/mounts":
            "/dev/sda1 / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\n/dev/sdb1 /mnt/my\\040disk ext4 ro 0 0\n",
        "/proc/100/stat":
            "100 (my (odd) name) S 1 1 1 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 4 0 5000 104857600 256 1 1 1 0 0 0 0 0 0 0\n",
        "/proc/100/cmdline": "/usr/bin/worker\0--queue\0mail\0",
        "/proc/100/smaps_rollup": "00400000-7ffd [rollup]\nRss:   9000 kB\nPss:   512 kB\n",
        "/proc/101/stat": "101 (idle) R 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 6000 1 1 1 1 1 0 0 0 0 0 0 0\n",
        "/proc/101/cmdline": "",
        "/etc/os-release": "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\n",
    ]

    private func fixture() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (path, text) in Self.files {
            let parent = folder.path + path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
            var built = ""
            for part in parent.split(separator: "/") {
                built += "/\(part)"
                mkdir(built, 0o755)
            }
            let file = try #require(fopen(folder.path + path, "w"))
            _ = Array(text.utf8).withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            fclose(file)
        }
        return folder
    }

    @Test func `the kernel's files become node_exporter's series`() throws {
        let folder = try fixture()
        let batch = HostSource.readParts(hostParts, from: KernelFiles(root: folder.path), at: testNow)
        #expect(batch.value("node_cpu_seconds_total", ["cpu": "0", "mode": "idle"]) == 400)
        #expect(batch.value("node_cpu_seconds_total", ["cpu": "0", "mode": "steal"]) == 0.08)
        #expect(batch.value("node_cpu_guest_seconds_total", ["cpu": "0", "mode": "user"]) == 0.9)
        #expect(batch.rows("node_cpu_seconds_total").count == 8)
        #expect(batch.value("node_intr_total") == 12345)
        #expect(batch.value("node_boot_time_seconds") == 1_700_000_000)
        #expect(batch.value("node_procs_running") == 3)
        #expect(batch.value("node_load5") == 1.25)
        #expect(batch.value("node_memory_MemAvailable_bytes") == 1_048_576)
        #expect(batch.value("node_memory_Active_anon_bytes") == 12288)
        #expect(batch.value("node_memory_HugePages_Total") == 3)
        #expect(batch.value("node_vmstat_oom_kill") == 2)
        #expect(batch.value("node_vmstat_nr_free_pages") == nil)
        #expect(batch.value("node_pressure_cpu_waiting_seconds_total") == 1.5)
        #expect(batch.value("node_pressure_io_stalled_seconds_total") == 0.5)
        #expect(batch.rows("node_pressure_cpu_stalled_seconds_total").isEmpty)
        #expect(batch.value("node_disk_read_bytes_total", ["device": "sda"]) == 1_024_000)
        #expect(batch.value("node_disk_io_time_seconds_total", ["device": "sda"]) == 0.07)
        #expect(batch.value("node_disk_flush_requests_total", ["device": "sda"]) == 9)
        #expect(Set(batch.rows("node_disk_io_now").compactMap { $0.labels["device"] }) == ["sda", "nvme0n1"])
        #expect(batch.value("node_network_receive_bytes_total", ["device": "eth0"]) == 1000)
        #expect(batch.value("node_network_transmit_carrier_total", ["device": "eth0"]) == 11)
        #expect(batch.value("node_netstat_Tcp_CurrEstab") == 6)
        #expect(batch.value("node_netstat_Tcp_RtoMin") == nil)
        #expect(batch.value("node_netstat_TcpExt_ListenDrops") == 9)
        #expect(batch.value("node_sockstat_sockets_used") == 50)
        #expect(batch.value("node_sockstat_TCP_mem_bytes") == 2 * pageByteCount)
        #expect(batch.value("node_filefd_allocated") == 1024)
        #expect(batch.value("node_uname_info", ["nodename": "shop-1", "release": "6.1.0"]) == 1)
        #expect(batch.value("node_os_info", ["id": "debian", "pretty_name": "Debian GNU/Linux 12 (bookworm)"]) == 1)
        #expect(batch.value("node_time_seconds") == testNow.secondsSinceEpoch)
        #expect(batch.value("node_processes_pids") == 2)
        #expect(batch.value("node_processes_threads") == 5)
        #expect(batch.value("node_processes_state", ["state": "S"]) == 1)
        for row in batch.rows("node_scrape_collector_success") { #expect(row.value == 1, "\(row.labels)") }
        #expect(batch.metadata["node_cpu_seconds_total"]?.type == .counter)
    }

    @Test func `one damaged file fails its part alone`() throws {
        let folder = try fixture()
        let file = try #require(fopen(folder.path + "/proc/net/snmp", "w"))
        fputs("Tcp: ActiveOpens CurrEstab\nUdp: 5\n", file)
        fclose(file)
        unlink(folder.path + "/proc/loadavg")
        let batch = HostSource.readParts(hostParts, from: KernelFiles(root: folder.path), at: testNow)
        #expect(batch.value("node_scrape_collector_success", ["collector": "netstat"]) == 0)
        #expect(batch.value("node_scrape_collector_success", ["collector": "loadavg"]) == 0)
        #expect(
            batch.rows.allSatisfy {
                !$0.labels.name.hasPrefix("node_netstat_") && !$0.labels.name.hasPrefix("node_load")
            })
        #expect(batch.value("node_scrape_collector_success", ["collector": "cpu"]) == 1)
    }

    @Test func `a mount that hangs is an error of its own and is not asked again`() async throws {
        let folder = try fixture()
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let reader = ends[0]
        let reads = MountReader(files: KernelFiles(root: folder.path), deadline: .milliseconds(500)) { path in
            guard path == "/" else {
                var byte: UInt8 = 0
                read(reader, &byte, 1)
                return .failed("released")
            }
            return .answered(.init(bytes: 1000, freeBytes: 500, availableBytes: 400, files: 10, freeFiles: 5))
        }
        for _ in 0..<3 {
            // On a busy machine the other mount may come too late once.
            let batch = try await waitFor("the other mount answers") { () async -> SampleBatch? in
                let batch = await reads.read(at: testNow)
                return batch.value("node_filesystem_avail_bytes", ["mountpoint": "/"]) == 400 ? batch : nil
            }
            #expect(batch.value("node_filesystem_files_free", ["mountpoint": "/", "fstype": "ext4"]) == 5)
            let hung = try #require(batch.rows("node_filesystem_device_error").first { $0.value == 1 })
            #expect(hung.labels["mountpoint"] == "/mnt/my disk")
            #expect(hung.labels["device_error"] == "mountpoint timeout")
            #expect(batch.rows("node_filesystem_size_bytes").count == 1)
        }
        close(ends[1])
    }

    @Test(arguments: [
        ("sda", false), ("sda1", true), ("vdb12", true), ("nvme0n1", false), ("nvme0n1p2", true), ("loop3", true),
        ("dm-0", false), ("md0", false), ("zram0", true), ("mmcblk0", false), ("xvda1", true), ("sdaa1", false),
    ])
    func `partitions and loops are left out of the disks`(device: String, expected: Bool) {
        #expect(isLeftOut(device) == expected)
    }

    @Test(arguments: [
        ("/", false), ("/dev/shm", true), ("/dev", true), ("/devel", false), ("/run", false),
        ("/run/credentials/x", true),
        ("/var/lib/docker/overlay2/x", true), ("/var/lib/docker", false), ("/proc/fs", true), ("/home", false),
    ])
    func `pseudo mounts are left out of the file systems`(path: String, expected: Bool) {
        #expect(isLeftOut(mountPoint: path) == expected)
    }

    @Test func `this machine is read whole and quickly`() async throws {
        let source = HostSource(
            labels: ["instance": "here"], interval: .seconds(600), deadline: .seconds(600), mountDeadline: .seconds(60))
        let batch = try await source.read(at: testNow)
        #expect(batch.value("node_memory_MemTotal_bytes") ?? 0 > 1e6)
        #expect(batch.value("node_filesystem_size_bytes", ["mountpoint": "/"]) ?? 0 > 0)
        #expect(batch.rows("node_cpu_seconds_total").count >= 8)
        for row in batch.rows("node_scrape_collector_success") { #expect(row.value == 1, "\(row.labels)") }
        let duplicates = Dictionary(grouping: batch.rows, by: \.labels).filter { $1.count > 1 }
        #expect(duplicates.isEmpty)
    }

    @Test func `groups of processes are counted, also those with none`() throws {
        let folder = try fixture()
        let source = try ProcessGroupsSource(
            labels: [:],
            groups: [
                ProcessGroup(name: "worker", program: "worker", contains: ["--queue mail"]),
                ProcessGroup(name: "absent", program: "absent"),
                ProcessGroup(name: "other queue", program: "worker", contains: ["--queue bills"]),
            ], root: folder.path)
        var batch = try source.readNow(at: testNow)
        func value(_ name: String, _ group: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double? {
            batch.rows.first { row in
                row.labels.name == "namedprocess_namegroup_\(name)" && row.labels["groupname"] == group
                    && labels.allSatisfy { row.labels[$0.key] == $0.value }
            }?.value
        }
        #expect(value("num_procs", "worker") == 1)
        #expect(value("num_procs", "absent") == 0)
        #expect(value("num_procs", "other queue") == 0)
        #expect(value("num_threads", "worker") == 4)
        #expect(value("memory_bytes", "worker", ["memtype": "virtual"]) == 104_857_600)
        #expect(value("memory_bytes", "worker", ["memtype": "resident"]) == 256 * pageByteCount)
        #expect(value("memory_bytes", "worker", ["memtype": "proportionalResident"]) == 524_288)
        #expect(value("cpu_seconds_total", "worker", ["mode": "user"]) == 2.5)
        #expect(value("oldest_start_time_seconds", "worker") == 1_700_000_050)
        #expect(value("oldest_start_time_seconds", "absent") == nil)
        // A process that ends takes nothing back from a counter.
        unlink(folder.path + "/proc/100/stat")
        batch = try source.readNow(at: testNow)
        #expect(value("num_procs", "worker") == 0)
        #expect(value("cpu_seconds_total", "worker", ["mode": "user"]) == 2.5)
    }
}
