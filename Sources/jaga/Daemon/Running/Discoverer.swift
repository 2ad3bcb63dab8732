import Diagnostics
import Discovery
import JSONCoding
import Outbound
import Processes
import Units

/// Finds what runs on this host, with the doors that finding needs.
struct Discoverer: Sendable {
    func configuration(at now: Timestamp) async -> String {
        await find().configurationText(at: now)
    }

    func find() async -> Findings {
        await HostFinder(
            fetch: { socket, path in
                let response = try await HTTPClient().send(
                    HTTPRequest(url: "http://localhost\(path)", timeout: .seconds(3), unixSocketPath: socket))
                guard response.status == 200 else {
                    throw PlainFailure("refused", "it answered with status \(response.status)")
                }
                return try JSONValue(parsing: response.body)
            },
            listUnits: {
                let command = Command(
                    "systemctl",
                    ["list-units", "--type=service", "--state=running", "--plain", "--no-legend", "--no-pager"],
                    timeLimit: .seconds(5))
                return try await command.run().checked().output.text
            }
        ).find()
    }
}

/// The machine's name, from the kernel.
func kernelHostName() -> String {
    // A Linux without this file is not known; a name is needed all the same, and this one is true.
    (try? readText("/proc/sys/kernel/hostname")).map { String($0.prefix { !$0.isNewline }) } ?? "localhost"
}
