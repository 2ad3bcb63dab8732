import Hummingbird
import JSONCoding
import PostgresClient
import RedisClient

/// What customers see: a front page, products and orders, each from the database and with the cache's help.
struct ShopPages: Sendable {
    /// Longer than any statement of a healthy shop takes, and short enough that an outage shows soon.
    private static let limit = Duration.seconds(3)

    let database: PostgresPool
    let cache: RedisTarget
    let log: ApplicationLog

    func front(_ request: Request) async throws -> Response {
        // A shop sells without its cache: the page then leaves the figure out.
        let visits = try? await cache.pipeline([["INCR", "visits"]], timeout: .seconds(1)).first?.integer
        let agent = request.headers[.userAgent] ?? ""
        try await database.query(
            "INSERT INTO pages_pagevisit (path, ip_address, user_agent) VALUES ($1, '127.0.0.1', $2)",
            [.text(request.uri.path), .text(agent)], timeout: Self.limit)
        let count = try await database.query("SELECT count(*) AS n FROM products WHERE is_active", timeout: Self.limit)
        let products = count.rows.first?["n"] ?? "0"
        let visitors = visits.map { "\($0)" } ?? "many"
        return htmlPage(
            title: "Sample shop",
            body: "<p>\(products) products, \(visitors) visitors.</p><p><a href=\"/products\">Look around</a></p>")
    }

    func products(_ request: Request) async throws -> Response {
        let key = "products:front"
        // Without the cache the list comes from the database.
        if let cached = try? await cache.pipeline([["GET", key]], timeout: .seconds(1)).first?.text {
            return json(cached)
        }
        let result = try await database.query(
            "SELECT id, name, price::text AS price, stock FROM products WHERE is_active ORDER BY id LIMIT 50",
            timeout: Self.limit)
        let list = result.rows.map { row -> JSONValue in
            [
                "id": .integer(Int64(row["id"] ?? "") ?? 0), "name": .string(row["name"] ?? ""),
                "price": .string(row["price"] ?? ""), "stock": .integer(Int64(row["stock"] ?? "") ?? 0),
            ]
        }
        let text = JSONValue.array(list).canonicalText
        // What could not be kept is read again the next time.
        _ = try? await cache.pipeline([["SET", key, text, "EX", "5"]], timeout: .seconds(1))
        return json(text)
    }

    /// Takes `{"userId": 1, "productId": 2, "quantity": 1}`. The order and the stock change together or not at all.
    func placeOrder(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 16_384)
        guard let order = try? JSONValue(parsing: String(buffer: body)), let user = order["userId"]?.intValue,
            let product = order["productId"]?.intValue
        else { throw HTTPError(.badRequest) }
        let quantity = max(1, min(order["quantity"]?.intValue ?? 1, 100))
        let result = try await database.query(
            """
            WITH sold AS (UPDATE products SET stock = stock - $3::int WHERE id = $2::int RETURNING id, price)
            INSERT INTO orders (user_id, product_id, quantity, status, total)
            SELECT $1::int, id, $3::int, 'pending', price * $3::int FROM sold RETURNING id
            """, [.integer(user), .integer(product), .integer(quantity)], timeout: Self.limit)
        guard let id = result.rows.first?["id"] else { throw HTTPError(.notFound) }
        log.write(.info, "order \(id) placed by user \(user)")
        return json("{\"id\":\(id)}", status: .created)
    }
}

func json(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
    Response(
        status: status, headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(string: text + "\n")))
}

func htmlPage(title: String, body: String, status: HTTPResponse.Status = .ok) -> Response {
    let text =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>\(title)</title>\n<h1>\(title)</h1>\n\(body)\n</html>\n"
    return Response(
        status: status, headers: [.contentType: "text/html; charset=utf-8"],
        body: .init(byteBuffer: ByteBuffer(string: text)))
}
