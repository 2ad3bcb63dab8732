import Access
import Texts
import Units
import WebAPI

extension WebSite {
    static func users(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        try await usersPage(site, request, shown: "")
    }

    static func createUserForm(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let form = request.form
        let link = try await site.access.createUser(
            form["name"] ?? "", role: try role(form["role"] ?? ""), by: try actor(request))
        return try await usersPage(site, request, shown: linkBox(PageContext(site, request), link))
    }

    static func userForm(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let form = request.form
        let name = request.parameters["name"] ?? ""
        switch form["do"] {
        case "role":
            try await site.access.changeRole(of: name, to: try role(form["role"] ?? ""), by: try actor(request))
        case "remove": try await site.access.removeUser(name, by: try actor(request))
        case "link":
            let link = try await site.access.makeLink(for: name, by: try actor(request))
            return try await usersPage(site, request, shown: linkBox(PageContext(site, request), link))
        default: throw Problem(.invalid, "the form does not say what to do")
        }
        return .seeOther("/users")
    }

    static func createTokenForm(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let form = request.form
        let days = Int(form["days"] ?? "") ?? 0
        guard (0...3660).contains(days) else { throw Problem(.invalid, "a token may be valid for 1 to 3660 days") }
        let (token, secret) = try await site.access.createToken(
            form["name"] ?? "", role: try role(form["role"] ?? ""),
            validFor: days == 0 ? nil : .seconds(days * 86_400), by: try actor(request))
        let t = site.phrases
        let box: Markup = """
            <section class="strip ok" role="alert"><p>\(t(.tokenCreated, ["name": token.name]))</p>
            <p><code class="secret">\(secret)</code></p></section>
            """
        return try await usersPage(site, request, shown: box)
    }

    static func revokeTokenForm(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        try await site.access.revokeToken(request.parameters["id"] ?? "", by: try actor(request))
        return .seeOther("/users")
    }

    private static func linkBox(_ context: PageContext, _ link: SetPasswordLink) -> Markup {
        """
        <section class="strip ok" role="alert"><p>\(context.t(.linkCreated, ["user": link.user])) \
        (\(context.ago(link.expiresAt)))</p>
        <p><a class="secret code" href="\(link: link.path)">\(link.path)</a></p></section>
        """
    }

    private static func usersPage(_ site: WebSite, _ request: WebRequest, shown: Markup) async throws -> Reply {
        let context = PageContext(site, request)
        let t = context.t
        let users = try await site.access.users()
        let tokens = try await site.access.tokens()
        let layout = Layout(context: context, title: t[.navUsers], section: .users)
        let userColumns = [t[.columnName], t[.columnRole], t[.columnLastLogin], t[.columnDo]]
        let tokenColumns = [t[.columnName], t[.columnRole], t[.columnExpires], t[.columnLastUsed], t[.columnDo]]
        return .html(
            layout.page(
                """
                <h1>\(t[.navUsers])</h1>\(shown)
                \(context.table(t[.navUsers], userColumns, users.map(context.userRow), empty: t[.noUsers]))
                <section class="card"><h2>\(t[.newUserTitle])</h2>
                <form method="post" action="/users" class="fields">\(context.formField)
                <label>\(t[.userName]) <input name="name" required maxlength="64" autocapitalize="none" autocomplete="off"></label>
                \(context.roleChoice(.viewer))<button>\(t[.createUserNow])</button></form></section>
                <h2>\(t[.tokensTitle])</h2>
                \(context.table(t[.tokensTitle], tokenColumns, tokens.map(context.tokenRow), empty: t[.noTokens]))
                <section class="card"><h2>\(t[.newTokenTitle])</h2>
                <form method="post" action="/tokens" class="fields">\(context.formField)
                <label>\(t[.columnName]) <input name="name" required maxlength="64" autocomplete="off"></label>
                \(context.roleChoice(.viewer))
                <label>\(t[.validDays]) <input name="days" type="number" min="0" max="3660" value="365"></label>
                <button>\(t[.createTokenNow])</button></form></section>
                """))
    }

    static func role(_ text: String) throws -> Role {
        guard let role = Role(rawValue: text) else {
            throw Problem(
                .invalid, "'\(text.prefix(40))' is not a role",
                hint: "Use \(Role.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return role
    }
}

extension PageContext {
    fileprivate func roleChoice(_ chosen: Role) -> Markup {
        let options = Role.allCases.map { role in
            let selected: Markup = role == chosen ? " selected" : ""
            return "<option value=\"\(role.rawValue)\"\(selected)>\(self.role(role))</option>" as Markup
        }
        return "<label>\(t[.columnRole]) <select name=\"role\">\(options)</select></label>"
    }

    fileprivate func userRow(_ user: User) -> Markup {
        let path = "/users/\(APIPath.escaped(user.name))"
        let waiting: Markup = user.hasPassword ? "" : "<span class=\"sub\">\(t[.noPasswordYet])</span>"
        return """
            <tr><td>\(user.name)\(waiting)</td>\
            <td><form method="post" action="\(link: path)" class="inline">\(formField)\
            <input type="hidden" name="do" value="role">\(roleChoice(user.role))<button>\(t[.changeRoleNow])</button></form></td>\
            <td>\(ago(user.lastLoginAt))</td>\
            <td>\(button(path, t[.passwordLinkNow], .manageUsers, fields: ["do": "link"], context: user.name)) \
            \(button(path, t[.removeNow], .manageUsers, fields: ["do": "remove"], kind: "danger", context: user.name,
                confirm: t(.removeUserQuestion, ["user": user.name])))</td></tr>
            """
    }

    fileprivate func tokenRow(_ token: Token) -> Markup {
        let isOver = token.expiresAt.map { $0 <= now } ?? false
        let expiry: Markup = token.expiresAt.map { ago($0) } ?? "\(t[.untilRevoked])"
        return """
            <tr><td>\(token.name)<span class="sub">\(token.createdBy)</span></td><td>\(role(token.role))</td>\
            <td>\(isOver ? Self.badge("warning", "▲", t[.expiredWord]) : "") \(expiry)</td><td>\(ago(token.lastUsedAt))</td>\
            <td>\(button("/tokens/\(token.id)/revoke", t[.revokeNow], .manageTokens, kind: "danger", context: token.name,
                confirm: t(.revokeTokenQuestion, ["name": token.name])))</td></tr>
            """
    }
}
