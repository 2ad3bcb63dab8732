import Diagnostics
import JSONCoding
import SampleStack

/// The `jaga.yaml` of the demo: what a team would write for such a shop, with intervals of seconds so that nobody waits.
struct DemoConfiguration {
    let stack: StackDescription
    let webhook: String?
    let smtp: String?

    var text: String {
        """
        # The sample shop, watched every two seconds. Without these intervals a minute would pass before anything is said.
        site: demo-shop

        host: {interval: 2s}

        postgres:
          - name: shop
            host: 127.0.0.1
            port: \(stack.postgresPort)
            database: \(stack.database)
            user: \(stack.postgresUser)
            password: ${JAGA_DEMO_POSTGRES_PASSWORD}
            interval: 2s

        redis:
          - {name: cache, host: 127.0.0.1, port: \(stack.redisPort), password: "${JAGA_DEMO_REDIS_PASSWORD}", interval: 2s}

        nginx:
          - {name: web, status_url: "\(stack.statusURL)", access_log: \(quoted(stack.accessLogPath)), interval: 2s}

        scrape:
          - {name: shop, url: "\(stack.metricsURL)", interval: 2s}

        processes:
          - {name: shop, contains: [sample-shop]}

        probes:
          - name: front-page
            url: \(quoted(stack.webURL))
            interval: 2s
          - name: health
            url: \(quoted(stack.detailedHealthURL))
            bearer_token: ${JAGA_DEMO_HEALTH_TOKEN}
            interval: 2s
            expect:
              json: [{path: services.database.status, equals: healthy}, {path: services.redis.status, equals: healthy}]
          - name: uploads
            url: \(quoted(stack.detailedHealthURL))
            bearer_token: ${JAGA_DEMO_HEALTH_TOKEN}
            interval: 2s
            expect:
              json: [{path: services.storage.status, equals: healthy}]
          - {name: database-port, tcp: "127.0.0.1:\(stack.postgresPort)", interval: 2s}

        rules: {interval: 2s}

        alerting:
          route: {group_wait: 1s, group_interval: 5s, repeat_interval: 1h}
        \(receivers)
        backup:
          targets:
            shop:
              host: 127.0.0.1
              port: \(stack.postgresPort)
              database: \(stack.database)
              user: \(stack.postgresUser)
              password: ${JAGA_DEMO_POSTGRES_PASSWORD}
              assertions: {orders without a user: "SELECT count(*) FROM orders o LEFT JOIN users u ON u.id = o.user_id WHERE u.id IS NULL"}

        jobs:
          nightly-backup: {backup: shop, schedule: "0 2 * * *", description: Every night}
          weekly-drill: {drill: shop, schedule: "0 5 * * 0", description: Restores the newest backup and checks it}
          disk-report: {command: [df, -h], schedule: "every 1m", description: How full the disks are}

        """
    }

    private var receivers: String {
        guard webhook != nil || smtp != nil else { return "" }
        var lines = ["", "receivers:", "  ops:"]
        if let webhook { lines.append("    webhook: [{url: \(quoted(webhook))}]") }
        if let smtp {
            let parts = smtp.split(separator: ":")
            lines.append("    email: [{to: [ops@shop.example]}]")
            lines += [
                "", "smtp:", "  host: \(parts.first ?? "127.0.0.1")", "  port: \(parts.last ?? "25")",
                "  from: Jaga <jaga@shop.example>", "  security: none",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// JSON's strings are YAML's too, once a dollar sign is told apart from a variable.
    private func quoted(_ text: String) -> String { JSONValue.quoted(text.replacing("$", with: "$$")) }

    /// The secrets that the file refers to.
    var environment: [String: String] {
        [
            "JAGA_DEMO_POSTGRES_PASSWORD": stack.postgresPassword.reveal(),
            "JAGA_DEMO_REDIS_PASSWORD": stack.redisPassword.reveal(),
            "JAGA_DEMO_HEALTH_TOKEN": stack.healthToken.reveal(),
        ]
    }
}
