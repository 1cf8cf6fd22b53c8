import Primitives
import Resources

/// What a group may grow to.
///
/// Held against what is planned, never against what is applied: a restart takes what there is.
extension Planner {
    /// Counts what is about to be planned; the last thing before that which may refuse it.
    mutating func grow(
        _ group: GroupIndex,
        by growth: @autoclosure () -> GroupSize
    ) throws(Stop) {
        guard engine.groupQuotas.areSet else { return }
        let growth = growth()
        let planned = (batch.growth[group] ?? GroupSize()) + (local.growth[group] ?? GroupSize())
        try check(growth, of: size(group) + planned, group)
        local.growth[group, default: GroupSize()] = (local.growth[group] ?? GroupSize()) + growth
    }

    /// The same for a record that is put for a user or an item.
    mutating func grow(
        _ group: GroupIndex,
        by new: EntityRecord,
        _ kind: DatasetKind,
        _ index: UInt32
    ) throws(Stop) {
        guard engine.groupQuotas.areSet else { return }
        let growth = GroupSize(of: new, inPlaceOf: record(index, kind, group))
        try grow(group, by: growth)
    }

    // MARK: In bulk; a job's step stands alone in its batch

    /// What a FULL import has gathered counts as if it were the dataset's already.
    func admit(
        _ chunk: PlannedEvents,
        _ group: GroupIndex,
        _ work: ImportWork
    ) throws(Stop) {
        guard engine.groupQuotas.areSet, let store = engine.stored(group) else { return }
        let growth = GroupSize(
            interactions: chunk.events.count,
            bytes: chunk.events.reduce(0) { $0 + chunk.dataByteCount($1) }
        )
        let size = work.mode == .full ? store.sizeSwitched(.interactions) : store.size
        try check(growth, of: size, group)
    }

    /// Which records a FULL import replaces is known at its end: until then what it has gathered
    /// must fit alone.
    func admit(
        _ entities: [BulkEntity],
        _ kind: DatasetKind,
        _ group: GroupIndex,
        _ work: ImportWork
    ) throws(Stop) {
        guard engine.groupQuotas.areSet, let store = engine.stored(group) else { return }
        let newest = Dictionary(entities.map { ($0.index, $0.record) }) { $1 }
        guard work.mode == .incremental else {
            let staged = store.stagedRecords(kind)
            let new = newest.keys.count { staged[$0] == nil }
            let size = GroupSize(records: staged.count)
            return try check(GroupSize(records: new), of: size, group)
        }
        let growth = newest.reduce(GroupSize()) { sum, entity in
            sum + GroupSize(of: entity.value, inPlaceOf: record(entity.key, kind, group))
        }
        try check(growth, of: store.size, group)
    }

    /// Whether what a FULL import has gathered may take the place of what was imported before.
    func admitSwitch(_ kind: DatasetKind, _ group: GroupIndex) throws(Stop) {
        guard engine.groupQuotas.areSet, let store = engine.stored(group) else { return }
        try check(store.sizeSwitched(kind) - store.size, of: store.size, group)
    }

    // MARK: The check

    private func size(_ group: GroupIndex) -> GroupSize {
        engine.stored(group)?.size ?? GroupSize()
    }

    /// Refuses growth beyond a quota; what shrinks, or stays as large, is never refused.
    private func check(
        _ growth: GroupSize,
        of size: GroupSize,
        _ group: GroupIndex
    ) throws(Stop) {
        let quotas = engine.groupQuotas
        let after = size + growth
        try check(growth.records, after.records, quotas.recordsMax, "records", group)
        try check(
            growth.interactions,
            after.interactions,
            quotas.interactionsMax,
            "interactions",
            group
        )
        try check(growth.bytes, after.bytes, quotas.bytesMax, "bytes", group)
    }

    private func check(
        _ growth: Int,
        _ after: Int,
        _ max: Int,
        _ noun: String,
        _ group: GroupIndex
    ) throws(Stop) {
        guard max > 0, growth > 0, after > max else { return }
        let name = resources(.datasetGroup).first { resource in
            if case .datasetGroup(let one) = resource { one.index == group } else { false }
        }
        let text = name?.resourceName.text ?? ""
        throw .refused(
            Refusal(
                .limitExceeded,
                "'\(text)' would have \(after) \(noun); at most \(max) are allowed "
                    + "(--group-\(noun)-max)",
                resource: text
            )
        )
    }
}
