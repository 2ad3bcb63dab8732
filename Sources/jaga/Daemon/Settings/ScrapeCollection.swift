import Diagnostics
import Scraping
import Settings

/// All jobs: of the section `scrape`, of `scrape_configs`, and of the files that `scrape_config_files` names.
enum ScrapeCollection {
    /// - Parameters:
    ///   - values: where the keys of the file stand, for what is wrong between them.
    ///   - place: the same for any key.
    ///   - folder: what relative paths start from.
    ///   - host: the machine's name.
    /// - Returns: the jobs, with warnings of the files.
    /// - Throws: `InvalidInput` with the faults of all files.
    static func load(
        _ settings: SiteSettings, values: [SettingsValue] = [],
        place: (_ path: String) -> SourcePosition? = { _ in nil }, folder: String, host: String,
        sources: SettingsSources
    ) throws -> (jobs: [ScrapeJob], warnings: [Diagnostic]) {
        var faults: [Diagnostic] = []
        var warnings: [Diagnostic] = []
        var jobs = settings.scrape.map { $0.job(onHost: host) }
        jobs += settings.scrapeConfigs.map { ScrapeJob($0, global: settings.global, folder: folder) }
        for (index, pattern) in settings.scrapeConfigFiles.enumerated() {
            let key = "scrape_config_files[\(index)]"
            let path = pattern.hasPrefix("/") ? pattern : "\(folder)/\(pattern)"
            let files = RuleCollection.expanded(path)
            if files.isEmpty {
                faults.append(Diagnostic(at: place(key), path: key, "'\(pattern)' names no file"))
            }
            for file in files {
                do {
                    let reading = try SettingsDocument.read(
                        try readText(file), file: file, sources: sources, as: ScrapeFileSettings.self)
                    warnings += reading.warnings
                    // Paths within such a file start from the file's own folder.
                    let home = file.contains("/") ? String(file[..<file.lastIndex(of: "/")!]) : "."
                    jobs += reading.section.configs.map { ScrapeJob($0, global: settings.global, folder: home) }
                } catch let invalid as InvalidInput {
                    faults += invalid.diagnostics
                } catch {
                    faults.append(Diagnostic(at: place(key), path: key, describe(error)))
                }
            }
        }
        var seen: Set<String> = []
        for job in jobs where !seen.insert(job.name).inserted {
            // The last place with the name: that one came second.
            let place = values.last {
                $0.text == job.name && $0.path.hasPrefix("scrape")
                    && ($0.path.hasSuffix(".job_name") || $0.path.hasSuffix(".name"))
            }
            faults.append(
                Diagnostic(
                    at: place?.origin.position, path: place?.path ?? "scrape_configs",
                    "two jobs have the name '\(job.name)'; give each its own"))
        }
        guard faults.isEmpty else { throw InvalidInput(faults) }
        return (jobs, warnings)
    }
}
