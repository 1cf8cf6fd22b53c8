import Primitives
import Resources
import Synchronization

/// What `EngineDigest` tells of a group.
extension GroupStore {
    /// Every fact as a line, by identifier; see `EngineDigest`.
    func describe() -> [String] {
        var lines = describeBulkItems()
        lines.append("size \(size)")
        for (item, position) in itemDeletions {
            lines.append("deleted item \(items[item.rawValue]) \(position)")
        }
        for index in 0..<items.count {
            let record = records[index / ItemIDChunk.capacity][index % ItemIDChunk.capacity]
            let marks = "\(hasRecord.contains(index)) \(hasEvents.contains(index))"
            lines.append("item \(items[UInt32(index)]) \(marks) \(record.map { "\($0)" } ?? "-")")
        }
        for shard in shards {
            shard.state.withLock { state in
                for slot in state.owners.indices {
                    let owner = state.owners[slot]
                    if owner.isErased { continue }
                    let id = state.id(ofSlot: slot) ?? ""
                    var entries: [String] = []
                    for place in 0..<Int(owner.history.count) {
                        let entry = unsafe state.arena.entries(owner.history)[place]
                        entries.append(
                            "\(items[entry.item])/\(eventTypes[UInt32(entry.type)])/"
                                + "\(entry.milliseconds)\(describe(owner.history.details, place))"
                        )
                    }
                    let joined =
                        owner.joinedUser.map { user in self.name(of: user, in: state) } ?? "-"
                    lines += describeBulk(slot, id, state)
                    lines.append(
                        "owner \(owner.kind) \(id) \(entries) \(owner.history.isTruncated) "
                            + "\(joined) \(state.record(ofSlot: slot).map { "\($0)" } ?? "-")"
                    )
                }
            }
        }
        return lines
    }

    /// What an event carries beyond item, type and time; empty when it is nothing.
    private func describe(_ details: HistoryDetails?, _ place: Int) -> String {
        guard let details else { return "" }
        let value = details.value(at: place)
        let properties = eventProperties[details.properties(at: place)]
        return (value.isNaN ? "" : "/\(value)") + (properties.isEmpty ? "" : "/\(properties)")
    }

    /// An owner's id; `held` is the state whose lock the caller has.
    private func name(of owner: UserIndex, in held: Shard.State) -> String {
        if let slot = held.owners.firstIndex(where: { $0.index == owner }) {
            return held.id(ofSlot: slot) ?? ""
        }
        return withOwner(owner) { $0.id(ofSlot: $1) ?? "" }
    }
}
