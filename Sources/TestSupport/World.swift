package import Engine
package import Primitives
package import Resources

/// An engine with one group, driven without a store.
package final class World {
    package let engine: DatasetEngine
    package let facts = TestFacts()
    package private(set) var log: [Effects] = []
    /// What whoever learns from the events was told.
    package var changes: [AppliedChange] = []
    private var next: UInt64 = 1

    /// The instant at which everything happens that says no other.
    package static let now = Timestamp(milliseconds: 1_700_000_000_000)
    /// The one group.
    package static let group = ResourceName.datasetGroup("shop")

    /// Without `fields` the schemas are open and have a column `COLOR`.
    package init(
        historyLengthMax: Int = Limits.historyLengthMax,
        groupQuotas: GroupQuotas = GroupQuotas(),
        fields: [DatasetKind: [SchemaField]]? = nil
    ) throws(Refusal) {
        engine = DatasetEngine(
            hash: StableHash(key: (1, 2)),
            historyLengthMax: historyLengthMax,
            groupQuotas: groupQuotas
        )
        var resources: [Resource] = [
            .datasetGroup(DatasetGroup(header: Self.header("shop"), index: GroupIndex(0)))
        ]
        for kind in DatasetKind.allCases {
            let id = kind == .items ? "ITEM_ID" : "USER_ID"
            let own = [
                SchemaField(name: id, type: .string),
                SchemaField(name: "COLOR", type: .string, isNullable: true),
            ]
            let label = kind.collectionLabel
            resources.append(
                .schema(
                    Schema(
                        header: Self.header(label),
                        kind: kind,
                        fields: fields?[kind] ?? own,
                        document: "{}",
                        isOpen: fields == nil
                    )
                )
            )
            resources.append(
                .dataset(
                    Dataset(
                        header: Self.header(label),
                        group: Self.group,
                        kind: kind,
                        schema: .schema(label)
                    )
                )
            )
        }
        resources.append(
            .eventTracker(
                EventTracker(header: Self.header("t"), group: Self.group, trackingID: "T")
            )
        )
        _ = try run(.createResources(resources, requestID: ""))
    }

    @discardableResult
    package func run(
        _ mutation: Mutation,
        at time: Timestamp = World.now
    ) throws(Refusal) -> MutationOutcome {
        let batch = PlannedBatch(engine: engine)
        let plan = try plan(mutation, batch, at: time)
        guard case .ready(let effects, let outcome) = plan else {
            preconditionFailure("an empty batch needs no commit")
        }
        if !effects.effects.isEmpty {
            next += 1
            log.append(effects)
            facts.store(effects)
            changes += engine.apply([effects])
        }
        return outcome
    }

    /// Plans all of them into one batch, or into more where planning asks for a commit; `nil` for
    /// one that was refused.
    package func runTogether(_ mutations: [Mutation]) throws -> [MutationOutcome?] {
        let batch = PlannedBatch(engine: engine)
        var pending: [Effects] = []
        func commit() {
            for effects in pending { facts.store(effects) }
            log += pending
            changes += engine.apply(pending)
            pending = []
            batch.removeAll()
        }
        var outcomes: [MutationOutcome?] = []
        for mutation in mutations {
            do throws(Refusal) {
                var plan = try plan(mutation, batch)
                if case .needsCommit = plan {
                    commit()
                    plan = try self.plan(mutation, batch)
                }
                guard case .ready(let effects, let outcome) = plan else {
                    preconditionFailure("an empty batch needs no commit")
                }
                outcomes.append(outcome)
                if !effects.effects.isEmpty {
                    next += 1
                    pending.append(effects)
                }
            } catch {
                outcomes.append(nil)
            }
        }
        commit()
        return outcomes
    }

    private func plan(
        _ mutation: Mutation,
        _ batch: PlannedBatch,
        at time: Timestamp = World.now
    ) throws(Refusal) -> Plan {
        try engine.plan(
            mutation,
            at: LogPosition(next),
            now: time,
            batch: batch,
            facts: facts
        )
    }

    package func put(
        _ user: String,
        _ session: String,
        _ events: [EventRecord]
    ) throws(Refusal) -> MutationOutcome {
        try run(
            .putEvents(
                group: Self.group,
                tracker: nil,
                EventBatch(userID: user, sessionID: session, events: events)
            )
        )
    }

    package func history(_ id: String, _ kind: OwnerKind = .user) -> [String] {
        guard let group = engine.group(named: Self.group) else { return [] }
        var entries: [Interaction] = []
        _ = id.withRawSpan { group.copyHistory(of: $0, kind, newest: 100, into: &entries) }
        return entries.map { group.currentRoot.id(of: $0.item) }
    }

    package static func header(_ name: String) -> ResourceHeader {
        ResourceHeader(name: name, createdAt: now, updatedAt: now)
    }
}
