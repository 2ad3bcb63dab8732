import TimeSeriesStore
import Units
import ArgumentParser
import Diagnostics
import DurableFiles
import JSONCoding
import Texts
import WebAPI

extension SeriesCommand {
    struct Snapshot: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "snapshot",
            abstract: "Put a copy of all samples into a new folder, blocks as hard links where that works.",
            discussion: """
                The copy is a store by itself: a data folder with the copy as its 'series' can be given to a daemon. Without a \
                folder it goes into 'series/snapshots' of the data folder, under a name of its own.
                """)
        @Argument(help: "The folder to be made.") var target: String?
        @OptionGroup var folder: FolderOptions

        func run() async throws {
            if let target, try RealFiles().status(of: target) != nil { throw Self.exists(target) }
            try await folder.withStore { store in
                let place = target ?? joined(store.snapshotFolder, Self.name)
                if target == nil { try RealFiles().createFolders(store.snapshotFolder) }
                try await store.snapshot(to: place)
                return place
            } daemon: { daemon in
                let place = try await Self.made(by: daemon, folder)
                guard let target else { return place }
                do {
                    try RealFiles().rename(place, to: target)
                    try RealFiles().syncFolder(parentFolder(of: target))
                } catch {
                    throw PlainFailure(
                        "snapshot-elsewhere", "the snapshot is whole, but cannot be moved to '\(target)'",
                        hint: "It is in '\(place)': copy it from there, and remove it then.", cause: error)
                }
                return target
            } show: { made in
                folder.show(["folder": .string(made)], [Console.current.phrases(.seriesSnapshot, ["folder": made])])
            }
        }

        private static func exists(_ target: String) -> PlainFailure {
            PlainFailure("exists", "'\(target)' exists already", hint: "Name a folder that does not exist yet.")
        }

        private static var name: String {
            let digits = Console.current.now().rfc3339.filter { $0.isNumber }
            return "\(digits)-\(String(UInt32.random(in: 0 ... .max), radix: 16))"
        }

        /// Has the daemon make a snapshot.
        /// - Returns: its folder.
        static func made(by daemon: any APIConnection, _ folder: FolderOptions) async throws -> String {
            struct Made: Codable { var name: String }
            let body = try await daemon.raw("POST", APIPath.snapshot, body: nil)
            let reply = try daemon.decode(body, as: PrometheusReply<Made>.self)
            guard let name = reply.data?.name, !name.contains("/") else {
                throw PlainFailure("unexpected-answer", "the daemon did not say where the snapshot is")
            }
            return joined(joined(folder.series, "snapshots"), name)
        }
    }
}
