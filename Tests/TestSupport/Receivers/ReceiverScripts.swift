// The servers at the far end of notifications are written in Python: its aiosmtpd is a complete SMTP server that others
// wrote, so that our own idea of the protocol is not tested against itself. Each writes what it received as JSON lines
// to a file, and reads from another file, before each answer, how it should behave.

enum ReceiverScripts {
    static let smtp = #"""
        import asyncio, json, os, ssl, sys, time
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, LoginPassword

        settings = json.loads(sys.argv[1])
        counted = {"failures": 0}

        def behaviour():
            try:
                with open(settings["behaviour"]) as file:
                    return json.load(file)
            except (OSError, ValueError):
                return {}

        class Handler:
            async def handle_DATA(self, server, session, envelope):
                wanted = behaviour()
                if wanted.get("delayMs"):
                    await asyncio.sleep(wanted["delayMs"] / 1000)
                if counted["failures"] < wanted.get("failFirst", 0):
                    counted["failures"] += 1
                    return wanted.get("answer", "451 4.3.0 try again later")
                message = {
                    "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                    "user": getattr(session, "auth_data", None) and session.auth_data.login.decode(),
                    "data": envelope.content.decode("utf-8", "replace"), "time": time.time(),
                }
                with open(settings["messages"], "a") as file:
                    file.write(json.dumps(message) + "\n")
                return "250 2.0.0 kept"

        def check(server, session, envelope, mechanism, data):
            right = isinstance(data, LoginPassword) and data.login.decode() == settings["user"] \
                and data.password.decode() == os.environ["SMTP_PASSWORD"]
            return AuthResult(success=right, handled=False, auth_data=data)

        context = None
        if settings.get("certificate"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(settings["certificate"], settings["key"])
        needs_login = bool(settings.get("user"))
        controller = Controller(
            Handler(), hostname="127.0.0.1", port=settings["port"], tls_context=context,
            require_starttls=context is not None, authenticator=check if needs_login else None,
            auth_required=needs_login, auth_require_tls=context is not None)
        controller.start()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            controller.stop()
        """#

    static let webhook = #"""
        import json, sys, threading, time
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        settings = json.loads(sys.argv[1])
        counted = {"failures": 0}
        turn = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    with open(settings["behaviour"]) as file:
                        wanted = json.load(file)
                except (OSError, ValueError):
                    wanted = {}
                if wanted.get("delayMs"):
                    time.sleep(wanted["delayMs"] / 1000)
                with turn:
                    fails = counted["failures"] < wanted.get("failFirst", 0)
                    if fails:
                        counted["failures"] += 1
                    status = int(wanted.get("answer", "500")) if fails else 200
                    request = {
                        "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
                        "body": body.decode("utf-8", "replace"), "status": status, "time": time.time(),
                    }
                    with open(settings["messages"], "a") as file:
                        file.write(json.dumps(request) + "\n")
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_PUT = do_POST

            def log_message(self, *arguments):
                pass

        ThreadingHTTPServer(("127.0.0.1", settings["port"]), Handler).serve_forever()
        """#
}

/// What a receiver answers.
public struct ReceiverBehaviour: Sendable {
    /// This many are refused, counted since the receiver started; then all are taken.
    public var failFirst = 0
    /// What a refused one gets: an HTTP status (`503`), or an SMTP reply (`451 4.3.0 try again later`).
    public var answer: String
    /// How long each answer takes.
    public var delay = Duration.zero

    public init(failFirst: Int = 0, answer: String, delay: Duration = .zero) {
        self.failFirst = failFirst
        self.answer = answer
        self.delay = delay
    }

    /// Takes everything at once.
    public static let accept = ReceiverBehaviour(answer: "")
}
