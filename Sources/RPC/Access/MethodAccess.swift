/// What a method asks of its callers.
package struct MethodAccess: Sendable {
    /// The names of the resources that a message concerns, by which callers are held to their
    /// dataset groups; this layer can't read messages itself.
    package typealias ReadNames = @Sendable (RawSpan) -> [String]

    package enum Scope: Sendable {
        /// What belongs to no dataset group: a restricted caller is refused.
        case server
        /// What everybody shares, such as recipes and schemas to read: any caller of the role.
        case shared
        /// What is in the dataset groups of the resources that a message names.
        case groups(ReadNames)
    }

    /// The least role; `nil` for a method that asks for nothing.
    package var role: Role?
    package var scope: Scope

    package init(role: Role?, scope: Scope) {
        self.role = role
        self.scope = scope
    }

    /// Whoever can connect may call.
    package static let open = MethodAccess(role: nil, scope: .shared)

    /// What a method gets that nobody has declared: admins of the whole server only.
    package static let undeclared = MethodAccess(role: .admin, scope: .server)
}
