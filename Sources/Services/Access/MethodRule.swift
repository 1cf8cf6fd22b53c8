package import RPC
import Wire

/// What a method asks of its callers, as its service declares it in `MethodAccessTable`.
package enum MethodRule: Sendable {
    /// The role holds for the dataset groups of the resources that these fields of a request name.
    ///
    /// `trackers` are fields that name a group by the `tracking_id` of its tracker.
    case groups(Role, [String], trackers: [String] = [])

    /// For callers of the whole server only.
    case server(Role)

    /// For every caller of the role, whatever its groups.
    case shared(Role)

    /// The rule in the terms of the layer that enforces it; `nil` when a field is not there.
    func resolved(
        _ method: String,
        group: @escaping MethodAccessTable.GroupOfTracker
    ) -> MethodAccess? {
        switch self {
        case .server(let role): return MethodAccess(role: role, scope: .server)
        case .shared(let role): return MethodAccess(role: role, scope: .shared)
        case .groups(let role, let fields, let trackers):
            let paths = fields.compactMap { FieldPath($0, inRequestOf: method) }
            let trackerPaths = trackers.compactMap { FieldPath($0, inRequestOf: method) }
            guard paths.count == fields.count, trackerPaths.count == trackers.count,
                !paths.isEmpty || !trackerPaths.isEmpty
            else { return nil }
            return MethodAccess(
                role: role,
                scope: .groups { message in
                    Self.names(message, paths, trackerPaths, group)
                }
            )
        }
    }

    /// What a message names; something that nobody has leave for, when it can't be read.
    private static func names(
        _ message: RawSpan,
        _ paths: [FieldPath],
        _ trackers: [FieldPath],
        _ group: MethodAccessTable.GroupOfTracker
    ) -> [String] {
        var names: [String] = []
        for path in paths {
            guard let texts = path.texts(in: message) else { return ["(unreadable)"] }
            // An empty text is an absent one.
            names += texts.filter { !$0.isEmpty }
        }
        for path in trackers {
            guard let texts = path.texts(in: message) else { return ["(unreadable)"] }
            for text in texts where !text.isEmpty {
                names.append(group(text) ?? "(unknown tracking_id)")
            }
        }
        return names
    }
}
