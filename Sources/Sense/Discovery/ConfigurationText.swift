public import Units

extension Findings {
    /// A `jaga.yaml` for what was found: every entry with a comment that says how it was found, every guess marked.
    /// - Parameter now: for the line that says when it was written.
    public func configurationText(at now: Timestamp) -> String {
        var text = ConfigurationText()
        text.comment("What Jaga watches on \(hostName). Written by 'jaga init' at \(now.rfc3339) from what runs here.")
        text.comment("Lines marked 'guess' are worth a look. All keys: docs/reference/configuration.md.")
        text.line()
        text.line("site: \(quoted(hostName))")
        text.line()
        hostSection(&text)
        postgresSection(&text)
        redisSection(&text)
        nginxSection(&text)
        pageSection(&text)
        certificateSection(&text)
        tellSection(&text)
        if !notes.isEmpty {
            text.line()
            text.comment("Not looked at:")
            for note in notes { text.comment("- \(note)") }
        }
        return text.text
    }

    private func hostSection(_ text: inout ConfigurationText) {
        text.comment("The machine itself is always watched: CPU, memory, disks, network, pressure.")
        if !mounts.isEmpty { text.comment("found: file systems at \(mounts.joined(separator: ", "))") }
        if !units.isEmpty { text.comment("found: \(units.count) systemd units run, among them \(sample(of: units))") }
        if !composeServices.isEmpty {
            text.comment("found: compose services \(sample(of: composeServices)) (\(composeServices[0].evidence))")
        }
        guard !otherListeners.isEmpty else { return }
        text.line()
        text.comment("Programs that listen here. Remove the '#' from those that belong to the application.")
        text.line("# processes:")
        for name in uniqueNames(otherListeners) {
            text.line(
                "#   # found: \(otherListeners.filter { $0.name == name }.map(\.evidence).joined(separator: ", "))")
            text.line("#   - {name: \(quoted(name)), program: \(quoted(name))}")
        }
    }

    private func postgresSection(_ text: inout ConfigurationText) {
        text.line()
        guard !postgres.isEmpty else {
            text.comment("No PostgreSQL was found. To watch one elsewhere:")
            text.comment(
                "postgres: [{name: shop, host: db.internal, database: shop, user: jaga, password: \"${JAGA_PG_PASSWORD}\"}]"
            )
            return
        }
        text.comment("Create the user once: CREATE ROLE jaga LOGIN; GRANT pg_monitor TO jaga;")
        text.line("postgres:")
        for (index, server) in postgres.enumerated() {
            text.found(server.evidence, isGuess: server.isGuess)
            text.line("  - name: \(postgres.count == 1 ? "main" : "main-\(index + 1)")")
            text.line("    host: \(quoted(server.host))")
            text.line("    port: \(server.port)")
            text.line("    database: postgres  # guess: name the application's database to see its tables")
            text.line("    user: jaga  # guess")
            if !server.host.hasPrefix("/") { text.line("    # password: ${JAGA_PG_PASSWORD}") }
        }
    }

    private func redisSection(_ text: inout ConfigurationText) {
        text.line()
        guard !redis.isEmpty else {
            text.comment("No Redis was found.")
            return
        }
        text.line("redis:")
        for (index, server) in redis.enumerated() {
            text.found(server.evidence, isGuess: server.isGuess)
            text.line("  - name: \(redis.count == 1 ? "main" : "main-\(index + 1)")")
            if let socket = server.socket {
                text.line("    socket: \(quoted(socket))")
            } else {
                text.line("    host: \(quoted(server.host ?? "127.0.0.1"))")
                text.line("    port: \(server.port)")
            }
            text.line("    # password: ${JAGA_REDIS_PASSWORD}")
        }
    }

    private func nginxSection(_ text: inout ConfigurationText) {
        text.line()
        guard !nginx.isEmpty else {
            text.comment("No nginx was found.")
            return
        }
        let watched = nginx.filter { $0.statusURL != nil || !$0.accessLogs.isEmpty }
        guard let first = watched.first else {
            text.comment("found: \(nginx[0].evidence), but it has neither a status page nor an access log.")
            text.comment("Add 'location = /nginx_status { stub_status; allow 127.0.0.1; deny all; }' to a server.")
            return
        }
        text.line("nginx:")
        text.found(first.evidence, isGuess: false)
        text.line("  - name: main")
        if let url = first.statusURL {
            text.line("    status_url: \(url)")
        } else {
            text.comment(
                "    no status page was found; add 'location = /nginx_status { stub_status; }' and set status_url")
        }
        if let log = first.accessLogs.first { text.line("    access_log: \(quoted(log))") }
    }

    private func pageSection(_ text: inout ConfigurationText) {
        text.line()
        guard !pages.isEmpty else {
            text.comment("What visitors see is worth more than any other check. Name the application's health page:")
            text.comment("probes: [{name: shop, url: \"https://shop.example/health\"}]")
            return
        }
        text.line("probes:")
        for page in unique(pages, by: \.url) {
            text.found(page.evidence, isGuess: page.isGuess)
            text.line("  - name: \(quoted(page.name))")
            text.line("    url: \(quoted(page.url))")
        }
    }

    private func certificateSection(_ text: inout ConfigurationText) {
        guard !certificates.isEmpty else { return }
        text.line()
        text.line("certificates:")
        text.line("  files:")
        for certificate in certificates {
            text.line("    # found: \(certificate.evidence)")
            text.line("    - \(quoted(certificate.file))")
        }
    }

    private func tellSection(_ text: inout ConfigurationText) {
        text.line()
        text.comment("Whom to tell. Until this is filled in, alerts are on the pages only.")
        text.comment("receivers:")
        text.comment("  ops:")
        text.comment("    email: [{to: [ops@example.com]}]")
        text.comment("    webhook: [{url: \"https://chat.example/hooks/jaga\"}]")
        text.comment("alerting: {route: {receiver: ops}}")
        text.comment(
            "smtp: {host: mail.example.com, from: jaga@example.com, username: jaga, password: \"${JAGA_SMTP_PASSWORD}\"}"
        )
        guard let database = postgres.first else { return }
        text.line()
        text.comment(
            "A backup every night, proved every week by restoring it. The role must be able to read all tables and")
        text.comment(
            "to create databases: CREATE ROLE backup LOGIN CREATEDB PASSWORD '…'; GRANT pg_read_all_data TO backup;")
        text.comment("backup:")
        text.comment("  targets:")
        text.comment("    main: {host: \(quoted(database.host)), port: \(database.port), database: shop, user: backup}")
        text.comment("jobs:")
        text.comment("  nightly-backup: {backup: main, schedule: \"0 2 * * *\"}")
        text.comment("  weekly-drill: {drill: main, schedule: \"0 5 * * 0\"}")
    }

    private func sample(of services: [Service]) -> String {
        services.prefix(5).map(\.name).joined(separator: ", ") + (services.count > 5 ? " …" : "")
    }

    private func uniqueNames(_ services: [Service]) -> [String] { unique(services, by: \.name).map(\.name) }

    private func unique<Element>(_ elements: [Element], by key: (Element) -> String) -> [Element] {
        var seen: Set<String> = []
        return elements.filter { seen.insert(key($0)).inserted }
    }
}

private struct ConfigurationText {
    private(set) var text = ""

    mutating func line(_ line: String = "") { text += line + "\n" }

    mutating func comment(_ comment: String) { text += "# \(comment)\n" }

    mutating func found(_ evidence: String, isGuess: Bool) {
        text += "  # \(isGuess ? "guess" : "found"): \(evidence)\n"
    }
}

/// `text` as a YAML scalar: plain where that is unmistakable, else in double quotation marks.
private func quoted(_ text: String) -> String {
    let isPlain =
        text.first.map { $0.isLetter || $0 == "/" } ?? false
        && text.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "-_./".contains($0) }
        && !["true", "false", "yes", "no", "on", "off", "null"].contains(text.lowercased())
    guard !isPlain else { return text }
    return "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("$", with: "$$"))\""
}
