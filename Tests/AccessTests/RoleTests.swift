import Access
import Testing

/// Goal: each role may do exactly what the documentation says. Method: the whole table, written out.
struct RoleTests {
    @Test(arguments: Permission.allCases)
    func `each permission is given from one role upwards`(permission: Permission) {
        let least: Role =
            switch permission {
            case .viewSite, .viewLedger, .viewMetrics, .manageOwnAccount: .viewer
            case .viewConfiguration, .verifyLedger, .runActions, .restore, .writeSeries: .operator
            case .reload, .administerSeries, .manageUsers, .manageTokens: .administrator
            }
        for role in Role.allCases {
            #expect(isAllowed(permission, to: role) == (role >= least), "\(permission) to \(role)")
        }
    }

    @Test func `roles rise from viewer to administrator`() {
        #expect(Role.allCases.sorted() == [.viewer, .operator, .administrator])
    }
}
