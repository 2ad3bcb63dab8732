import Access
import Diagnostics
import Texts
import Units
import WebAPI

extension WebSite {
    // MARK: Before a login

    static func loginPage(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        if request.sessionSecret != nil { return .seeOther("/") }
        return loginForm(site, request, message: nil)
    }

    static func logIn(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let form = request.form
        do {
            let session = try await site.access.logIn(
                name: form["name"] ?? "", password: Secret(form["password"] ?? ""), address: request.address)
            let next = form["next"] ?? "/"
            var reply = Reply.seeOther(Markup.isLocal(path: next) ? next : "/")
            reply.setCookie(
                sessionCookie, session.secret, maxAge: session.expiresAt - site.clock.now, isSecure: request.isSecure)
            reply.setCookie(formCookie, "", maxAge: .zero, isSecure: request.isSecure)
            return reply
        } catch let error as AccessError {
            var reply = loginForm(site, request, message: error)
            reply.status = error.code == .tooManyTries ? 429 : 401
            if let wait = error.retryAfter { reply.set("retry-after", "\(wait.components.seconds + 1)") }
            return reply
        }
    }

    private static func loginForm(_ site: WebSite, _ request: WebRequest, message: AccessError?) -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let (token, isNew) = formToken(request)
        let next = request.form["next"] ?? request.query["next"] ?? "/"
        let fault: Markup =
            message.map { "<p class=\"fault\" role=\"alert\">\($0.summary). \($0.hint ?? "")</p>" } ?? ""
        var reply = Reply.html(
            Layout(context: context, title: t[.logInTitle]).page(
                """
                <section class="card narrow"><h1><img src="/assets/icon.svg" alt="" width="28" height="28"> Jaga</h1>
                \(fault)<form method="post" action="/login" class="fields">
                <input type="hidden" name="\(formField)" value="\(token)">
                <input type="hidden" name="next" value="\(next)">
                <label>\(t[.userName]) <input name="name" required autocomplete="username" autocapitalize="none" \
                value="\(request.form["name"] ?? "")"></label>
                <label>\(t[.password]) <input name="password" type="password" required autocomplete="current-password"></label>
                <button class="primary">\(t[.logInNow])</button></form></section>
                """))
        if isNew { reply.setCookie(formCookie, token, maxAge: .seconds(3600), isSecure: request.isSecure) }
        return reply
    }

    /// The value that ties a form shown before a login to the browser that it was shown to.
    private static func formToken(_ request: WebRequest) -> (token: String, isNew: Bool) {
        if let known = request.cookie(formCookie), known.utf8.count == 43 { return (known, false) }
        return (AccessControl.freshSecret(), true)
    }

    static func setupPage(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let secret = request.query["secret"] ?? ""
        guard let user = try await site.access.userOfLink(secret) else { return invalidLink(site, request) }
        return setupForm(site, request, secret: secret, user: user, message: nil)
    }

    static func setPassword(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let form = request.form
        let secret = form["secret"] ?? ""
        guard let user = try await site.access.userOfLink(secret) else { return invalidLink(site, request) }
        do {
            guard form["password"] == form["again"] else { throw mismatch }
            try await site.access.setPassword(Secret(form["password"] ?? ""), link: secret)
            return .seeOther("/login")
        } catch let error as any Failure {
            var reply = setupForm(site, request, secret: secret, user: user, message: error)
            reply.status = 400
            return reply
        }
    }

    private static let mismatch = Problem(.invalid, "the two passwords differ", hint: "Type the same twice.")

    private static func setupForm(
        _ site: WebSite, _ request: WebRequest, secret: String, user: String, message: (any Failure)?
    ) -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let (token, isNew) = formToken(request)
        let fault: Markup =
            message.map { "<p class=\"fault\" role=\"alert\">\($0.summary). \($0.hint ?? "")</p>" } ?? ""
        var reply = Reply.html(
            Layout(context: context, title: t[.setPasswordTitle]).page(
                """
                <section class="card narrow"><h1>\(t[.setPasswordTitle])</h1>
                <p>\(t(.setPasswordFor, ["user": user]))</p>
                \(fault)<form method="post" action="/setup-link" class="fields">
                <input type="hidden" name="\(formField)" value="\(token)">
                <input type="hidden" name="secret" value="\(secret)">
                <input type="hidden" name="username" value="\(user)" autocomplete="username">
                \(context.newPasswordFields)
                <button class="primary">\(t[.setPasswordNow])</button></form></section>
                """))
        if isNew { reply.setCookie(formCookie, token, maxAge: .seconds(3600), isSecure: request.isSecure) }
        return reply
    }

    private static func invalidLink(_ site: WebSite, _ request: WebRequest) -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        return .html(
            Layout(context: context, title: t[.setPasswordTitle]).page(
                """
                <section class="card narrow"><h1>\(t[.setPasswordTitle])</h1><p class="fault" role="alert">\(t[.linkInvalid])</p>
                <p><a href="/login">\(t[.logInTitle])</a></p></section>
                """), status: 404)
    }

    // MARK: One's own account

    static func logOut(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        if let identity = request.identity {
            try await site.access.logOut(identity, address: request.address)
            site.feeds.endAll(of: identity.means)
        }
        var reply = Reply.seeOther("/login")
        reply.setCookie(sessionCookie, "", maxAge: .zero, isSecure: request.isSecure)
        return reply
    }

    static func account(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        accountPage(site, request, message: nil)
    }

    static func changePassword(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let form = request.form
        guard request.sessionSecret != nil, let identity = request.identity else {
            throw Problem(.conflict, "this caller has no password", hint: "Log in as a user.")
        }
        do {
            guard form["password"] == form["again"] else { throw mismatch }
            try await site.access.changePassword(
                of: identity.name, from: Secret(form["old"] ?? ""), to: Secret(form["password"] ?? ""))
            // All sessions ended, this one too.
            return .seeOther("/login")
        } catch let error as any Failure {
            var reply = accountPage(site, request, message: error)
            reply.status = 400
            return reply
        }
    }

    private static func accountPage(_ site: WebSite, _ request: WebRequest, message: (any Failure)?) -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let identity = request.identity ?? .localAdministrator
        let fault: Markup =
            message.map { "<p class=\"fault\" role=\"alert\">\($0.summary). \($0.hint ?? "")</p>" } ?? ""
        let form: Markup =
            request.sessionSecret == nil
            ? ""
            : """
            <section class="card narrow"><h2>\(t[.changePasswordTitle])</h2>\(fault)
            <form method="post" action="/account/password" class="fields">\(context.formField)
            <label>\(t[.oldPassword]) <input name="old" type="password" required autocomplete="current-password"></label>
            \(context.newPasswordFields)<button>\(t[.setPasswordNow])</button></form></section>
            """
        return .html(
            Layout(context: context, title: identity.name).page(
                "<h1>\(identity.name)</h1><p>\(t[.columnRole]): \(context.role(identity.role))</p>\(form)"))
    }

    static func theme(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let form = request.form
        let back = form["back"] ?? "/"
        var reply = Reply.seeOther(Markup.isLocal(path: back) ? back : "/")
        // Without a script the button goes round: what the browser prefers, dark, light.
        let next =
            switch request.cookie("jaga_theme") {
            case "dark": "light"
            case "light": ""
            default: "dark"
            }
        reply.headers.append(
            .init(
                name: "set-cookie",
                value: "jaga_theme=\(next); Path=/; SameSite=Lax; Max-Age=\(next.isEmpty ? 0 : 31_536_000)"))
        return reply
    }
}

extension PageContext {
    fileprivate var newPasswordFields: Markup {
        """
        <label>\(t[.newPassword]) <input name="password" type="password" required minlength="10" autocomplete="new-password"></label>
        <label>\(t[.newPasswordAgain]) <input name="again" type="password" required autocomplete="new-password"></label>
        """
    }

    func role(_ role: Role) -> String {
        switch role {
        case .viewer: t[.roleViewer]
        case .operator: t[.roleOperator]
        case .administrator: t[.roleAdministrator]
        }
    }
}
