import Access
import Units
import WebAPI

extension WebSite {
    static let apiAccountRoutes: [Route] = [
        Route(.get, APIPath.users, .api, .needs(.manageUsers), "Users.", response: "[UserStatus]") { site, _ in
            try .json(try await site.access.users().map(status))
        },
        Route(
            .post, APIPath.users, .api, .needs(.manageUsers), "Create a user; the answer has the set-password link.",
            request: "CreateUser", response: "PasswordLink"
        ) { site, request in
            let wanted = try decoded(CreateUser.self, request)
            let link = try await site.access.createUser(
                wanted.name, role: try role(wanted.role), by: try actor(request))
            return try .json(passwordLink(link), status: 201)
        },
        Route(
            .put, "\(APIPath.users)/{name}", .api, .needs(.manageUsers), "Change a user's role.", request: "ChangeUser",
            response: "UserStatus"
        ) { site, request in
            let name = request.parameters["name"] ?? ""
            let wanted = try decoded(ChangeUser.self, request)
            try await site.access.changeRole(of: name, to: try role(wanted.role), by: try actor(request))
            guard let user = try await site.access.users().first(where: { $0.name == name }) else {
                throw Problem(.notFound, "there is no user '\(name.prefix(80))'")
            }
            return try .json(status(user))
        },
        Route(.delete, "\(APIPath.users)/{name}", .api, .needs(.manageUsers), "Remove a user.") { site, request in
            try await site.access.removeUser(request.parameters["name"] ?? "", by: try actor(request))
            return .json(text: "{}")
        },
        Route(
            .post, "\(APIPath.users)/{name}/password-link", .api, .needs(.manageUsers),
            "A new set-password link; an older one stops working.", response: "PasswordLink"
        ) { site, request in
            let link = try await site.access.makeLink(for: request.parameters["name"] ?? "", by: try actor(request))
            return try .json(passwordLink(link), status: 201)
        },
        Route(.get, APIPath.tokens, .api, .needs(.manageTokens), "API tokens.", response: "[TokenStatus]") { site, _ in
            try .json(try await site.access.tokens().map(status))
        },
        Route(
            .post, APIPath.tokens, .api, .needs(.manageTokens), "Create a token; its secret is shown this once.",
            request: "CreateToken", response: "NewToken"
        ) { site, request in
            let wanted = try decoded(CreateToken.self, request)
            let (token, secret) = try await site.access.createToken(
                wanted.name, role: try role(wanted.role), validFor: wanted.validForMs.map { .milliseconds($0) },
                by: try actor(request))
            return try .json(NewToken(token: status(token), secret: secret), status: 201)
        },
        Route(.delete, "\(APIPath.tokens)/{id}", .api, .needs(.manageTokens), "Revoke a token.") { site, request in
            try await site.access.revokeToken(request.parameters["id"] ?? "", by: try actor(request))
            return .json(text: "{}")
        },
    ]

    private static func status(_ user: User) -> UserStatus {
        UserStatus(
            name: user.name, role: user.role.rawValue, createdAt: user.createdAt, hasPassword: user.hasPassword,
            lastLoginAt: user.lastLoginAt)
    }

    private static func status(_ token: Token) -> TokenStatus {
        TokenStatus(
            id: token.id, name: token.name, role: token.role.rawValue, createdBy: token.createdBy,
            createdAt: token.createdAt, expiresAt: token.expiresAt, lastUsedAt: token.lastUsedAt)
    }

    private static func passwordLink(_ link: SetPasswordLink) -> PasswordLink {
        PasswordLink(user: link.user, path: link.path, expiresAt: link.expiresAt)
    }
}
