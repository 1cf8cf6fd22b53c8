package import Engine
package import Primitives
package import Resources

/// One record as it came.
package enum RecordInput: Sendable {
    case interaction(userID: String, sessionID: String, EventInput)
    case user(EntityInput)
    case item(EntityInput)
    case userUpdate(EntityInput)
    case itemUpdate(EntityInput)
    /// Of no kind at all.
    case none
}

extension Ingest {
    /// Checks the ids that all events of a `PutEvents` call share.
    package static func checkOwner(userID: String, sessionID: String) throws(Refusal) {
        var violations = Violations()
        violations.checkOwner(userID: userID, sessionID: sessionID)
        try violations.throwIfAny()
    }

    /// Checks records of any kind.
    ///
    /// - Parameters:
    ///   - input: The call's records.
    ///   - list: Where they stand in the call.
    ///   - isPartial: Whether bad ones are listed in the result, in place of refusing the call.
    ///   - countMax: The most records that one such call takes; `nil` for the operator's bound.
    ///   - now: The server's clock, for events from the future.
    ///   - schema: The schema of the group's records of a kind; `nil` without such a dataset.
    /// - Returns: The good records, ready for the planner, and the bad ones.
    /// - Throws: `invalidInput` with paths such as `records[3].interaction.event.item_id`.
    package func checkRecords(
        _ input: [RecordInput],
        in list: RecordBatch.List,
        isPartial: Bool,
        countMax: Int? = nil,
        now: Timestamp,
        schema: (DatasetKind) -> SchemaIndex?
    ) throws(Refusal) -> RecordBatch {
        var all = Violations()
        checkCount(input.count, list.rawValue, countMax ?? limits.recordsPerCallMax, &all)
        try all.throwIfAny()
        var batch = RecordBatch(list: list, count: input.count, isPartial: isPartial)
        batch.entries.reserveCapacity(input.count)
        var schemas: [DatasetKind: SchemaIndex] = [:]
        for (position, one) in input.enumerated() {
            var own = Violations()
            let path = RecordPath(list: list, position: position)
            var record: RecordBatch.Record?
            if let kind = one.kind {
                if let index = schemas[kind] ?? schema(kind) {
                    schemas[kind] = index
                    record = check(one, index, list, now, at: path, &own)
                } else {
                    own.add("\(path)", "the group has no \(kind.collectionLabel) dataset")
                }
            } else {
                own.add("\(path)", "is of no kind; an interaction, a user or an item is needed")
            }
            if let refusal = own.refusal {
                if isPartial {
                    batch.rejected.append(RejectedRecord(index: position, refusal: refusal))
                } else {
                    all.add(own)
                }
            } else if let record {
                batch.entries.append(.init(index: position, record: record))
            }
        }
        try all.throwIfAny()
        return batch
    }

    private func check(
        _ input: RecordInput,
        _ index: SchemaIndex,
        _ list: RecordBatch.List,
        _ now: Timestamp,
        at place: RecordPath,
        _ violations: inout Violations
    ) -> RecordBatch.Record? {
        switch input {
        case .interaction(let userID, let sessionID, let event):
            // The events of a list share their ids, which are checked once.
            if list == .records { checkOwner(userID, sessionID, at: place, &violations) }
            let path = place.member(list.member(.interactions))
            let record = check(event, index, now, at: path, &violations)
            return .event(userID: userID, sessionID: sessionID, record)
        case .user(let user):
            let path = place.member(list.member(.users))
            return .user(check(user, index, at: path, &violations))
        case .item(let item):
            let path = place.member(list.member(.items))
            return .item(check(item, index, at: path, &violations))
        case .userUpdate(let user):
            let path = place.member(list.member(.users, isUpdate: true))
            return .userUpdate(check(update: user, index, at: path, &violations))
        case .itemUpdate(let item):
            let path = place.member(list.member(.items, isUpdate: true))
            return .itemUpdate(check(update: item, index, at: path, &violations))
        case .none:
            return nil
        }
    }
}

extension Ingest {
    private func checkOwner(
        _ userID: String,
        _ sessionID: String,
        at place: RecordPath,
        _ violations: inout Violations
    ) {
        let path = place.member(".interaction")
        violations.checkID(userID, isRequired: false, "\(path).user_id")
        violations.checkID(sessionID, isRequired: false, "\(path).session_id")
        if userID.isEmpty && sessionID.isEmpty {
            violations.add("\(path).user_id", "is required, or a session_id")
        }
    }
}

extension RecordInput {
    fileprivate var kind: DatasetKind? {
        switch self {
        case .interaction: .interactions
        case .user, .userUpdate: .users
        case .item, .itemUpdate: .items
        case .none: nil
        }
    }
}
