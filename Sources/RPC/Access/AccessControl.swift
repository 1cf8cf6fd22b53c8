package import Logging
package import Metrics
import Primitives
import Transport

/// What is known of who made a call and what for; kept on the call.
package struct CallAccess {
    package internal(set) var grant: Grant?
    /// Names of the resources of the last message that was looked at.
    package internal(set) var resources: [String] = []
    /// Whether a message has named dataset groups that the caller may use.
    var hasNamedGroups = false
}

/// Lets each call do what its token or certificate may, and writes down what admins do.
///
/// The role is checked at a call's headers, the dataset group at each message. A method that the
/// table does not know is for unrestricted admins.
package final class AccessControl: Interceptor {
    private let rules: AccessRules?
    private let methods: [MethodAccess]
    private let logger: Logger
    private let refuse: @Sendable (StatusCode, String) -> Status
    /// Whether others want to know the resources of every message.
    private let readsEveryName: @Sendable () -> Bool
    private let unauthenticated: Counter
    private let denied: Counter
    /// Anybody can be a stranger as often as they like, and would fill the disk of the log.
    private let strangerLines = LineLimit(
        linesPerSecondMax: Limits.strangerLinesPerSecondMax
    )

    /// - Parameters:
    ///   - rules: `nil` for a server that only this machine can reach: everybody may do everything.
    ///   - access: What the method at a path asks for.
    ///   - router: All paths that are served.
    ///   - logger: Told of every call of an admin's method, and of every call that was refused.
    ///   - metrics: Counts refusals.
    ///   - readsEveryName: Whether resources must be known of messages that nobody is held to.
    ///   - refuse: Makes a status that programs can read.
    package init(
        rules: AccessRules?,
        access: (_ path: String) -> MethodAccess?,
        router: Router,
        logger: Logger,
        metrics: Registry,
        readsEveryName: @escaping @Sendable () -> Bool = { false },
        refuse: @escaping @Sendable (StatusCode, String) -> Status
    ) {
        self.rules = rules
        methods = router.paths.map { access($0) ?? .undeclared }
        self.logger = logger
        self.refuse = refuse
        self.readsEveryName = readsEveryName
        let help = "Calls that were refused for who made them, by reason."
        let name = "bowerbird_access_refusals_total"
        unauthenticated = metrics.counter(name, help, [("reason", "unauthenticated")])
        denied = metrics.counter(name, help, [("reason", "denied")])
    }

    // MARK: At the headers

    package func begin(_ call: ServerCall) -> Status? {
        guard let rules, let method = method(of: call), let role = method.role else { return nil }
        guard let grant = identify(call, rules) else {
            unauthenticated.add()
            let status = refuse(.unauthenticated, Self.reason(call))
            if let leftOut = strangerLines.admit(now: call.startedNanoseconds) {
                record(call, status, leftOut: leftOut)
            }
            return status
        }
        call.authenticate(as: grant.principal)
        call.access.grant = grant
        guard grant.role >= role else {
            return denyAtHeaders(
                call,
                "\(call.path) needs the role \(role.rawValue); \(grant.principal) has "
                    + "\(grant.role.rawValue)"
            )
        }
        if case .server = method.scope, !grant.isUnrestricted {
            return denyAtHeaders(
                call,
                "\(call.path) concerns the whole server; \(grant.principal) is for "
                    + AccessFile.groupsText(grant)
            )
        }
        return nil
    }

    private func method(of call: ServerCall) -> MethodAccess? {
        call.methodIndex.map { methods[$0] }
    }

    /// A token says more than a certificate, which a proxy may show for many.
    private func identify(_ call: ServerCall, _ rules: AccessRules) -> Grant? {
        if let field = call.header("authorization") {
            return Self.bearer(field).flatMap { rules.grant(token: $0) }
        }
        return call.peer.certificateSubject.flatMap { rules.grant(subject: $0) }
    }

    private static func bearer(_ field: String) -> Substring? {
        let scheme = "bearer "
        guard field.utf8.count > scheme.utf8.count,
            field.prefix(scheme.count).lowercased() == scheme
        else { return nil }
        return field.dropFirst(scheme.count)
    }

    private static func reason(_ call: ServerCall) -> String {
        if call.header("authorization") != nil {
            return "the token is not known here, or it was revoked"
        }
        if call.peer.certificateSubject != nil {
            return "the client's certificate is not known here, and no token was sent"
        }
        return "no token; send it in the metadata as 'authorization: Bearer TOKEN'"
    }

    // MARK: At a message

    package func receive(_ message: RawSpan, _ call: ServerCall) -> Status? {
        guard let method = method(of: call), case .groups(let readNames) = method.scope else {
            return nil
        }
        let grant = call.access.grant
        let isAudited = method.role == .admin || readsEveryName()
        guard isAudited || grant?.isUnrestricted == false else { return nil }
        let names = readNames(message)
        if isAudited { call.access.resources = Array(names.prefix(Limits.auditedNamesMax)) }
        guard let grant, let groups = grant.groups else { return nil }
        for name in names {
            guard let group = Self.group(of: name), groups.contains(group) else {
                return deny(
                    call,
                    "\(grant.principal) is for \(AccessFile.groupsText(grant)), not for "
                        + "'\(name.prefix(Limits.pathEchoBytesMax))'"
                )
            }
        }
        if !names.isEmpty { call.access.hasNamedGroups = true }
        if !call.access.hasNamedGroups {
            return deny(
                call,
                "\(grant.principal) is for \(AccessFile.groupsText(grant)); name a resource of it"
            )
        }
        return nil
    }

    /// The group of `datasetGroups/{group}/…`.
    static func group(of name: String) -> String? {
        let parts = name.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count >= 2 && parts[0] == "datasetGroups" ? String(parts[1]) : nil
    }

    // MARK: What is written down

    private func deny(_ call: ServerCall, _ message: String) -> Status {
        denied.add()
        return refuse(.permissionDenied, message)
    }

    /// The end of a call that was not let in is not told to who refused it.
    private func denyAtHeaders(_ call: ServerCall, _ message: String) -> Status {
        let status = deny(call, message)
        record(call, status)
        return status
    }

    package func end(_ call: ServerCall, _ status: Status) {
        let isRefusal = status.code == .permissionDenied || status.code == .unauthenticated
        if isRefusal || method(of: call)?.role == .admin { record(call, status) }
    }

    private func record(_ call: ServerCall, _ status: Status, leftOut: Int = 0) {
        var fields = call.logMetadata
        if leftOut > 0 { fields["left_out"] = .stringConvertible(leftOut) }
        fields["principal"] = "\(call.context.principal)"
        fields["resources"] = "\(call.access.resources.joined(separator: ","))"
        fields["status"] = "\(status.code.name)"
        fields["peer"] = "\(call.peer.address.map { "\($0)" } ?? "unix")"
        logger.notice("audit", metadata: fields)
    }
}
