package import Engine
package import Primitives
package import Resources

/// Who would ask with a filter, and for what.
package struct FilterQuestion: Sendable {
    package var group: ResourceName
    package var userID: String
    package var sessionID: String
    package var itemID: String
    package var askedAt: Timestamp

    package init(
        group: ResourceName,
        userID: String,
        sessionID: String,
        itemID: String,
        askedAt: Timestamp
    ) {
        self.group = group
        self.userID = userID
        self.sessionID = sessionID
        self.itemID = itemID
        self.askedAt = askedAt
    }

    /// Counts what each part of a filter leaves on the state of now.
    ///
    /// The user's data are copied with the items of the same state; the counting is done behind
    /// that, so that it holds up nobody.
    /// - Throws: `invalidInput` where the filter needs a user or an item that did not come.
    package func explanation(
        of filter: CheckedFilter,
        _ arguments: FilterArguments,
        in engine: DatasetEngine
    ) throws(Refusal) -> (explanation: FilterExplanation, position: LogPosition) {
        if filter.needsUser && userID.isEmpty && sessionID.isEmpty {
            throw .invalid("user_id", "is required by this filter, or a session_id")
        }
        if filter.needsItem && itemID.isEmpty {
            throw .invalid("item_id", "is required by this filter")
        }
        guard let group = engine.group(named: group) else {
            throw .missing(self.group, ResourceKind.datasetGroup.noun)
        }
        let scratch = FilterScratch()
        let (request, position) = engine.consistently {
            (self.request(group, arguments, scratch), engine.position)
        }
        return (filter.explanation(request, scratch), position)
    }

    private func request(
        _ group: GroupStore,
        _ arguments: FilterArguments,
        _ scratch: FilterScratch
    ) -> FilterRequest {
        let root = group.currentRoot
        return FilterRequest(
            group: group,
            root: root,
            arguments: arguments,
            nowMS: askedAt.milliseconds,
            user: user(group, scratch),
            currentItem: itemID.isEmpty ? nil : item(group, root)
        )
    }

    /// The user's record, with the history copied: of a session of that name where there is no such
    /// user.
    private func user(_ group: GroupStore, _ scratch: FilterScratch) -> EntityRecord? {
        let owners: [(String, OwnerKind)] = [
            (userID, .user), (userID, .session), (sessionID, .session),
        ]
        for (id, kind) in owners where !id.isEmpty {
            let found = id.withRawSpan { group.copyHistory(of: $0, kind, into: scratch.history) }
            if found.isKnown { return found.record ?? nameless(id) }
        }
        scratch.history.removeAll()
        return nameless(userID)
    }

    private func item(_ group: GroupStore, _ root: GroupRoot) -> EntityRecord {
        let index = itemID.withRawSpan { group.item(withID: $0) }
        return index.flatMap { root.record(of: $0) } ?? nameless(itemID)
    }

    private func nameless(_ id: String) -> EntityRecord {
        EntityRecord(id: id, properties: RecordProperties())
    }
}
