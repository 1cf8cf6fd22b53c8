/// What a caller may do; each role may do all that those before it may.
package enum Role: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Ask for recommendations, look at records and resources.
    case read
    /// Put, change and delete records.
    case write
    /// Create, change and delete resources, run jobs.
    case admin

    private var rank: Int {
        switch self {
        case .read: 0
        case .write: 1
        case .admin: 2
        }
    }

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}

/// What one caller has been given.
package struct Grant: Hashable, Sendable {
    package var principal: Principal
    package var role: Role
    /// The names of the dataset groups that it holds for; `nil` for all, and for what is in none.
    package var groups: Set<String>?

    package init(principal: Principal, role: Role, groups: Set<String>? = nil) {
        self.principal = principal
        self.role = role
        self.groups = groups
    }

    /// Whether it holds for everything on the server.
    package var isUnrestricted: Bool { groups == nil }
}
