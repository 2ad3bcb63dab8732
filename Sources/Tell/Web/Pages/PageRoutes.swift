import Access

extension WebSite {
    /// What answers without a login: this and nothing else.
    static let openRoutes: [Route] = [
        Route(.get, "/healthz", .api, .open, "Whether the program answers.", health),
        Route(.get, "/-/healthy", .api, .open, "The same, where Prometheus says it.", prometheusHealth),
        Route(
            .get, "/-/ready", .api, .open, "Whether queries are answered, where Prometheus says it.",
            prometheusReadiness),
        Route(
            .get, "/login", .page, .open, "The login form.", query: [.optional("next", "The page to go on to.")],
            loginPage),
        Route(.post, "/login", .page, .open, "Log in.", logIn),
        Route(
            .get, "/setup-link", .page, .open, "The form that a set-password link leads to.",
            query: [.optional("secret", "The secret of the link.")], setupPage),
        Route(.post, "/setup-link", .page, .open, "Set a password by a link.", setPassword),
        Route(
            .get, "/assets/{name}", .page, .open, "Style sheet, script and icon.",
            query: [.optional("v", "The version, which lets the browser keep the file.")], asset),
    ]

    static let pageRoutes: [Route] = [
        Route(.get, "/", .page, .needs(.viewSite), "Overview.", query: [.range], overview),
        Route(
            .get, "/host", .page, .needs(.viewSite), "The host.", query: [.optional("name", "The source."), .range],
            host),
        Route(.get, "/databases", .page, .needs(.viewSite), "Databases and services.", databases),
        Route(
            .get, "/source", .page, .needs(.viewSite), "One database or service.",
            query: [
                .required("name", "The source, as in postgres/shop or shop."),
                .optional("kind", "The kind of source, where several have one name."), .range,
            ], source),
        Route(.get, "/probes", .page, .needs(.viewSite), "Probes.", query: [.range], probes),
        Route(.get, "/alerts", .page, .needs(.viewSite), "Alerts and rules.", alerts),
        Route(.get, "/rules", .page, .needs(.viewSite), "Rules, and those that match no series.", rules),
        Route(
            .get, "/series", .page, .needs(.viewSite), "How much is stored, and what has the most series.",
            query: [.optional("limit", "How many of each kind, 1 to 1000; 20 when left out.", .number(1...1000))],
            series),
        Route(.get, "/jobs", .page, .needs(.viewSite), "Jobs.", jobs),
        Route(.get, "/jobs/{name}", .page, .needs(.viewSite), "A job with its runs.", job),
        Route(.get, "/jobs/{name}/runs/{run}", .page, .needs(.viewSite), "A run with its output.", jobRun),
        Route(.get, "/backups", .page, .needs(.viewSite), "Backups and drills.", backups),
        Route(.get, "/ledger", .page, .needs(.viewLedger), "The ledger.", query: ledgerParameters, ledger),
        Route(
            .get, "/query", .page, .needs(.viewSite), "A PromQL expression.",
            query: [.optional("expr", "The expression.", .text(lengthMax: 10_000)), .range],
            takesGraphLinks: true, queryPage),
        Route(
            .get, "/graph", .page, .needs(.viewSite), "Where Prometheus has that page: leads to it.",
            takesGraphLinks: true
        ) { _, request in .seeOther(GraphLink(request.query).path) },
        Route(.get, "/jaga", .page, .needs(.viewSite), "Jaga itself.", system),
        Route(.get, "/api", .page, .needs(.viewSite), "The API for people.", apiPage),
        Route(.get, "/actions/{id}", .page, .needs(.viewSite), "An action under way.", actionPage),
    ]

    static let actionRoutes: [Route] = [
        // What exactly is needed depends on the action, which the handler checks.
        Route(.post, "/actions/{action}", .page, .needs(.runActions), "Start an action.", performForm),
        Route(.post, "/ledger/verify", .page, .needs(.verifyLedger), "Verify the ledger.", verifyLedger),
    ]

    static let accountRoutes: [Route] = [
        Route(.post, "/logout", .page, .needs(.manageOwnAccount), "Log out.", logOut),
        Route(.get, "/account", .page, .needs(.manageOwnAccount), "One's own account.", account),
        Route(.post, "/account/password", .page, .needs(.manageOwnAccount), "Change one's password.", changePassword),
        Route(.post, "/theme", .page, .needs(.manageOwnAccount), "Light or dark.", theme),
        Route(.get, "/users", .page, .needs(.manageUsers), "Users and tokens.", users),
        Route(.post, "/users", .page, .needs(.manageUsers), "Create a user.", createUserForm),
        Route(.post, "/users/{name}", .page, .needs(.manageUsers), "Change or remove a user.", userForm),
        Route(.post, "/tokens", .page, .needs(.manageTokens), "Create a token.", createTokenForm),
        Route(.post, "/tokens/{id}/revoke", .page, .needs(.manageTokens), "Revoke a token.", revokeTokenForm),
    ]
}
