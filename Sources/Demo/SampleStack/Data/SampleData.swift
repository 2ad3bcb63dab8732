// The shop's tables and their rows. The rows are made by the server from a seed, since that takes a tenth of the time
// of sending them: `setseed` fixes the sequence of `random()`, and every statement reads rows in a fixed order, so
// equal seeds give equal rows. Times count back from one instant, which is a parameter too.
// <https://www.postgresql.org/docs/15/functions-math.html#FUNCTIONS-MATH-RANDOM-TABLE>

/// The sample shop's tables, filled with made-up rows.
public struct SampleData: Sendable, Hashable {
    public enum Size: String, Sendable, CaseIterable {
        /// About 12,000 rows, 4 MB, made in well under a second.
        case small
        /// About 240,000 rows.
        case medium
        /// About 2,400,000 rows.
        case large

        var factor: Int {
            switch self {
            case .small: 1
            case .medium: 20
            case .large: 200
            }
        }
    }

    public var size: Size
    public var seed: UInt64
    /// `2026-11-21 03:00:00+00`; the time of making when nil. The newest rows are from just before it.
    public var referenceTime: String?

    public init(size: Size = .small, seed: UInt64 = 1, referenceTime: String? = nil) {
        self.size = size
        self.seed = seed
        self.referenceTime = referenceTime
    }

    /// Makes and fills the tables in an empty database.
    public var sql: String { "BEGIN;\n\(Self.tables)\n\(rows)\nCOMMIT;\nANALYZE;\n" }

    /// Rows of each table, without those that the shop adds while it runs.
    public var rowCounts: [String: Int] {
        let factor = size.factor
        return [
            "users": 200 * factor, "products": 100 * factor, "orders": 1000 * factor, "reviews": 1500 * factor,
            "jobs": 500 * factor, "login_attempts": 1000 * factor, "audit_log": 800 * factor,
            "pages_pagevisit": 4000 * factor, "utils_requestfingerprint": 3000 * factor,
        ]
    }

    static let tables = """
        CREATE TABLE users (
            id serial PRIMARY KEY, username text NOT NULL UNIQUE, email text NOT NULL, last_login timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(), is_active boolean NOT NULL DEFAULT true);
        CREATE TABLE products (
            id serial PRIMARY KEY, name text NOT NULL, category_id int NOT NULL, price numeric(10, 2) NOT NULL,
            stock int NOT NULL DEFAULT 0, is_active boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE orders (
            id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users, product_id int NOT NULL REFERENCES products,
            quantity int NOT NULL CHECK (quantity > 0), status text NOT NULL, total numeric(12, 2) NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX orders_created_at ON orders (created_at);
        CREATE TABLE reviews (
            id serial PRIMARY KEY, product_id int NOT NULL REFERENCES products, user_id int NOT NULL REFERENCES users,
            rating int NOT NULL CHECK (rating BETWEEN 1 AND 5), comment text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE jobs (
            id serial PRIMARY KEY, job_type text NOT NULL, status text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(), completed_at timestamptz, error text);
        CREATE INDEX jobs_created_at ON jobs (created_at);
        CREATE TABLE login_attempts (
            id serial PRIMARY KEY, username text NOT NULL, login_time timestamptz NOT NULL DEFAULT now(),
            ip_address inet NOT NULL, success boolean NOT NULL);
        CREATE INDEX login_attempts_login_time ON login_attempts (login_time);
        CREATE TABLE audit_log (
            id serial PRIMARY KEY, user_id int REFERENCES users, action text NOT NULL, object text NOT NULL,
            ip_address inet NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE pages_pagevisit (
            id bigserial PRIMARY KEY, path text NOT NULL, ip_address inet NOT NULL, user_agent text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX idx_pagevisit_created_at ON pages_pagevisit (created_at);
        CREATE TABLE utils_requestfingerprint (
            id bigserial PRIMARY KEY, fingerprint text NOT NULL, ip_address inet NOT NULL, path text NOT NULL,
            is_suspicious boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX idx_requestfingerprint_ip ON utils_requestfingerprint (ip_address);
        """

    private var rows: String {
        let counts = rowCounts
        func count(_ table: String) -> Int { counts[table]! }
        func one(_ words: String...) -> String {
            "(ARRAY[\(words.map { "'\($0)'" }.joined(separator: ", "))])[1 + floor(random() * \(words.count))::int]"
        }
        func number(_ below: Int) -> String { "1 + floor(random() * \(below))::int" }
        func before(days: Int) -> String { "moment - random() * interval '\(days) days'" }
        // Documentation addresses (RFC 5737), which belong to nobody.
        let address = "('203.0.113.' || floor(random() * 254 + 1)::int)::inet"
        func fill(_ table: String, _ columns: String, _ values: String...) -> String {
            """
            INSERT INTO \(table) (\(columns)) SELECT \(values.joined(separator: ", "))
                FROM generate_series(1, \(count(table))) AS n, reference;

            """
        }
        let moment = referenceTime.map { "timestamptz '\($0)'" } ?? "now()"
        let fraction = Double(seed % 1_000_000_007) / 1_000_000_007
        return
            "CREATE TEMPORARY TABLE reference ON COMMIT DROP AS SELECT \(moment) AS moment;\nSELECT setseed(\(fraction));\n"
            + fill(
                "users", "username, email, last_login, created_at, is_active", "'user' || n",
                "'user' || n || '@example.org'",
                before(days: 60), "moment - interval '60 days' - random() * interval '700 days'", "random() > 0.05")
            + fill(
                "products", "name, category_id, price, stock, created_at",
                one("Guitar", "Drum", "Flute", "Piano", "Violin", "Amplifier") + " || ' ' || n", number(12),
                "round((random() * 900 + 5)::numeric, 2)", number(500), before(days: 700))
            + fill(
                "orders", "user_id, product_id, quantity, status, total, created_at", number(count("users")),
                number(count("products")), number(4), one("pending", "paid", "shipped", "delivered", "cancelled"),
                "round((random() * 2000 + 5)::numeric, 2)", before(days: 365))
            + fill(
                "reviews", "product_id, user_id, rating, comment, created_at", number(count("products")),
                number(count("users")), number(5),
                one("Lovely", "As described", "Too loud", "Would buy again", "Broke"),
                before(days: 365))
                + """
                INSERT INTO jobs (job_type, status, created_at, completed_at, error)
                    SELECT kind, state, begun, CASE WHEN state IN ('completed', 'failed') THEN begun + took END,
                           CASE WHEN state = 'failed' THEN 'connection reset by peer' END
                    FROM (SELECT \(one("email", "thumbnail", "report", "import")) AS kind,
                                 CASE WHEN random() < 0.9 THEN 'completed' WHEN random() < 0.7 THEN 'failed'
                                      ELSE 'pending' END AS state,
                                 \(before(days: 120)) AS begun, random() * interval '90 seconds' AS took
                          FROM generate_series(1, \(count("jobs"))) AS n, reference) AS made;

                """
            + fill(
                "login_attempts", "username, login_time, ip_address, success", "'user' || (\(number(count("users"))))",
                before(days: 30), address, "random() > 0.15")
            + fill(
                "audit_log", "user_id, action, object, ip_address, created_at", number(count("users")),
                one("update", "delete", "create", "export"), one("product", "order", "user", "setting"), address,
                before(days: 90))
            + fill(
                "pages_pagevisit", "path, ip_address, user_agent, created_at", one("/", "/products", "/about", "/cart"),
                address, one("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)", "Mozilla/5.0 (Macintosh)"),
                before(days: 365))
            + fill(
                "utils_requestfingerprint", "fingerprint, ip_address, path, is_suspicious, created_at",
                "md5(random()::text)", address, one("/", "/products", "/wp-login.php", "/.env", "/orders"),
                "random() < 0.03", before(days: 180))
    }
}
