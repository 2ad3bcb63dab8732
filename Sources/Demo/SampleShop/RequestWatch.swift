import Hummingbird

/// Around every request: counts it, and does wrong what was ordered.
struct RequestWatch: RouterMiddleware {
    typealias Context = BasicRequestContext

    let metrics: RequestMetrics
    let faults: FaultSwitch
    let log: ApplicationLog

    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await answer(request, context, next)
        metrics.observe(
            method: request.method.rawValue, route: context.endpointPath ?? "unknown",
            status: Int(response.status.code),
            duration: ContinuousClock.now - start)
        return response
    }

    private func answer(
        _ request: Request, _ context: Context, _ next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let path = request.uri.path
        if !path.hasPrefix("/control"), path != "/metrics" {
            let order = faults.next()
            if order.delay > .zero { try await Task.sleep(for: order.delay) }
            if order.fails {
                log.write(.error, "\(request.method.rawValue) \(path) failed: ordered fault")
                return page(.internalServerError, "Something went wrong")
            }
        }
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            return page(error.status, error.status.reasonPhrase)
        } catch {
            log.write(.error, "\(request.method.rawValue) \(path) failed: \(error)")
            return page(.internalServerError, "Something went wrong")
        }
    }

    private func page(_ status: HTTPResponse.Status, _ text: String) -> Response {
        htmlPage(title: text, body: "<p>Please try again.</p>", status: status)
    }
}
