import JSONCoding
import SampleStack
import SystemPackage
import Units

/// A browser without a window: what a page shows after its scripts ran, and how it looks.
///
/// It is driven over Chromium's debugging pipe (<https://chromedevtools.github.io/devtools-protocol/>), in real time,
/// so that pages that keep listening to the server are looked at as a person would.
public struct Chromium: Sendable {
    public var width = 1280
    public var height = 900
    /// Whether the page is told that the reader prefers dark colours.
    public var isDark = false

    private let program: String

    /// - Throws: `TestProgramFailed` when there is no Chromium.
    public init() throws {
        program = try findProgram("chromium")
    }

    /// Opens `url`, waits, and returns the document as HTML.
    /// - Parameters:
    ///   - cookies: sent to the page's host, by name: a session's, for pages behind a login.
    ///   - condition: a JavaScript expression; the page counts as ready when it is true. Nil waits for the page's
    ///     `load`.
    ///   - screenshot: where a PNG of the page goes.
    ///   - limit: for all together.
    /// - Throws: `TestProgramFailed` when the page cannot be had or the condition stays false.
    @discardableResult
    public func visit(
        _ url: String, cookies: [String: String] = [:], until condition: String? = nil, screenshot: String? = nil,
        limit: Duration = .seconds(90)
    ) async throws -> String {
        let folder = try StackFolder(prefix: "jaga-chromium-")
        defer { folder.remove() }
        let order: JSONValue = [
            "program": .string(program), "profile": .string("\(folder.path)/profile"), "url": .string(url),
            "width": .integer(Int64(width)), "height": .integer(Int64(height)), "dark": .bool(isDark),
            "cookies": .object(cookies.mapValues { .string($0) }),
            "condition": .string(condition ?? "document.readyState === 'complete'"),
            "screenshot": screenshot.map { .string($0) } ?? .null, "limit": .number(limit.inSeconds),
            "document": .string("\(folder.path)/document.html"),
        ]
        // In a file: cookies of a session do not belong into the list of processes.
        try writeText(order.canonicalText, to: "\(folder.path)/order.json", permissions: [.ownerReadWrite])
        try writeText(Self.script, to: "\(folder.path)/visit.py")
        let result = try await runProgram(
            [findPython(), "\(folder.path)/visit.py", "\(folder.path)/order.json"],
            environment: ["HOME": folder.path, "TMPDIR": folder.path],
            limit: limit + .seconds(10))
        guard result.status == 0 else {
            throw TestProgramFailed(description: "chromium at \(url): \(result.output.suffix(2000))")
        }
        return try readText("\(folder.path)/document.html")
    }

    private static let script = #"""
        import base64, fcntl, json, os, select, subprocess, sys, time

        order = json.load(open(sys.argv[1]))
        deadline = time.monotonic() + order["limit"]

        def high(descriptor):
            return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 20)

        (their_in, our_out), (our_in, their_out) = [tuple(map(high, os.pipe())) for _ in range(2)]

        def take_pipes():
            os.dup2(their_in, 3)
            os.dup2(their_out, 4)

        browser = subprocess.Popen(
            [order["program"], "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir=" + order["profile"],
             "--window-size=%d,%d" % (order["width"], order["height"]), "about:blank"],
            preexec_fn=take_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_in)
        os.close(their_out)
        state = {"number": 0, "rest": b"", "session": None}

        def call(method, **parameters):
            state["number"] += 1
            number = state["number"]
            message = {"id": number, "method": method, "params": parameters}
            if state["session"]:
                message["sessionId"] = state["session"]
            os.write(our_out, json.dumps(message).encode() + b"\0")
            while True:
                while b"\0" in state["rest"]:
                    text, state["rest"] = state["rest"].split(b"\0", 1)
                    answer = json.loads(text)
                    if answer.get("id") == number:
                        if "error" in answer:
                            sys.exit("%s: %s" % (method, answer["error"]["message"]))
                        return answer["result"]
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([our_in], [], [], left)[0]:
                    sys.exit("no answer to %s in time" % method)
                chunk = os.read(our_in, 1 << 20)
                if not chunk:
                    sys.exit("chromium ended at " + method)
                state["rest"] += chunk

        def evaluate(expression):
            return call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

        try:
            page = next(t for t in call("Target.getTargets")["targetInfos"] if t["type"] == "page")
            state["session"] = call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
            if order["dark"]:
                call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
            call("Emulation.setDeviceMetricsOverride", width=order["width"], height=order["height"], deviceScaleFactor=1,
                 mobile=order["width"] < 600)
            for name, value in order["cookies"].items():
                call("Network.setCookie", name=name, value=value, url=order["url"])
            failure = call("Page.navigate", url=order["url"]).get("errorText")
            if failure:
                sys.exit(failure)
            while evaluate("location.href !== 'about:blank' && !!(%s)" % order["condition"]) is not True:
                if time.monotonic() > deadline:
                    sys.exit("not in time: %s\n%s" % (order["condition"], (evaluate("document.body.innerText") or "")[:1500]))
                time.sleep(0.05)
            with open(order["document"], "w") as file:
                file.write(evaluate("document.documentElement.outerHTML"))
            if order["screenshot"]:
                with open(order["screenshot"], "wb") as file:
                    file.write(base64.b64decode(call("Page.captureScreenshot", format="png")["data"]))
        finally:
            browser.kill()
            browser.wait()
        """#
}
