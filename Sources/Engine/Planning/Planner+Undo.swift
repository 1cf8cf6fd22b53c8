import Primitives
import Resources

/// What one record of a partial call has planned so far, so that its refusal leaves nothing behind.
///
/// O(what the record did) to take back; a copy of the plan a record would be O(the call).
struct UndoLog {
    enum Step {
        case item(PlanOverlay.Key<String>)
        case owner(PlanOverlay.Key<PlanOverlay.OwnerID>)
        case eventType(PlanOverlay.Key<String>)
        case join(PlanOverlay.Key<UserIndex>, previous: UserIndex?)
        case history(
            user: PlanOverlay.Key<UserIndex>,
            session: PlanOverlay.Key<UserIndex>,
            places: [PlanOverlay.EventPlace]?,
            joined: [StoredEvent]?,
            owner: UserIndex?
        )
        case resource(ResourceName, previous: Resource??)
    }

    var steps: [Step] = []
    private(set) var effectCount = 0

    /// Before each record.
    mutating func begin(effectCount: Int) {
        steps.removeAll(keepingCapacity: true)
        self.effectCount = effectCount
    }
}

extension Planner {
    /// Takes back what the refused record has planned.
    ///
    /// An event itself is the last thing that a record plans, so none is among the steps.
    ///
    /// - Returns: Whether that changed a resource.
    mutating func takeBack() -> Bool {
        guard let undo else { return false }
        var hasChangedResource = false
        for step in undo.steps.reversed() {
            switch step {
            case .item(let key):
                local.items[key] = nil
                local.newItems[key.group, default: 0] -= 1
            case .owner(let key):
                local.owners[key] = nil
                local.newOwners[key.group, default: 0] -= 1
            case .eventType(let key):
                local.eventTypes[key] = nil
                local.newTypes[key.group, default: 0] -= 1
                lastType = nil
            case .join(let key, let previous):
                local.joins[key] = previous
            case .history(let user, let session, let places, let joined, let owner):
                local.placesByOwner[user] = places
                local.joinedHistories[user] = joined
                local.movedOwners[session] = owner
            case .resource(let name, let previous):
                local.resources[name] = previous
                hasChangedResource = true
            }
        }
        effects.removeLast(effects.count - undo.effectCount)
        return hasChangedResource
    }
}
