package import Engine
package import Primitives
import Resources

/// Stored events in memory, kept by the effects that made them.
package final class TestFacts: FactReader {
    private var stored: [Key: [StoredEvent]] = [:]
    private var erasedIDs: Set<String> = []

    private struct Key: Hashable {
        let group: GroupIndex
        let owner: UserIndex
    }

    package init() {}

    package func store(_ effects: Effects) {
        for effect in effects.effects {
            switch effect {
            case .eventStored(let group, let owner, let event):
                stored[Key(group: group, owner: owner), default: []].append(event)
            case .historyJoined(let group, let session, let user, let merged):
                stored[Key(group: group, owner: session)] = nil
                stored[Key(group: group, owner: user)] = merged
            case .merged(.histories(let group, let from, let into, let moved, let kept)):
                stored[Key(group: group, owner: from)] = nil
                stored[Key(group: group, owner: into)] = MergeEffect.joined(moved, kept)
            case .erased(.owner(let group, let owner, let events)):
                stored[Key(group: group, owner: owner)] = nil
                erasedIDs.formUnion(events.eventIDs)
            case .erased(.event(let group, let owner, let event)):
                stored[Key(group: group, owner: owner)]?.removeAll { $0 == event }
                erasedIDs.insert(event.identifier(group, owner))
            default: break
            }
        }
    }

    package func isErased(_ group: GroupIndex, eventID: String) -> Bool {
        erasedIDs.contains(eventID)
    }

    package func events(_ group: GroupIndex, owner: UserIndex, at time: Timestamp) -> [StoredEvent]
    {
        events(group, owner: owner).filter { $0.record.occurredAt == time }
    }

    package func events(_ group: GroupIndex, owner: UserIndex) -> [StoredEvent] {
        (stored[Key(group: group, owner: owner)] ?? []).sorted { left, right in
            (left.record.occurredAt, left.position, left.ordinal)
                < (right.record.occurredAt, right.position, right.ordinal)
        }
    }

    package func event(
        _ group: GroupIndex,
        withID eventID: String
    ) -> (owner: UserIndex, event: StoredEvent)? {
        for (key, events) in stored where key.group == group {
            let found = events.first { $0.identifier(group, key.owner) == eventID }
            if let found { return (key.owner, found) }
        }
        return nil
    }
}
