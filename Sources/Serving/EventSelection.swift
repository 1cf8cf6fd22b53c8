package import Engine
import Primitives
package import Resources
import Synchronization

/// The events that a solution learns from, for those who see event types as indices.
///
/// Where a least value is set, nothing is learnt of others' events before the next training: an
/// entry of a history does not carry its value, so what was left out could not be taken back.
package final class EventSelection: Sendable {
    private let selected: [String: Double?]
    private let hasThreshold: Bool
    /// By event type index, as far as types are known.
    private let isSelected = Mutex<[Bool]>([])

    /// `nil` when a solution learns from all events.
    package init?(_ config: SolutionConfig, _ store: GroupStore?) {
        guard let selected = config.selectedEvents else { return nil }
        self.selected = selected
        hasThreshold = selected.values.contains { $0 != nil }
        if let store { learn(store) }
    }

    /// Whether a stored event is learnt from.
    package func selects(_ record: EventRecord) -> Bool {
        guard let threshold = selected[record.eventType.lowercased()] else { return false }
        guard let threshold else { return true }
        return record.eventValue.map { $0 >= threshold } ?? false
    }

    /// Takes in the types that have come since; on the writer's thread.
    func learn(_ store: GroupStore) {
        isSelected.withLock { known in
            while let name = store.eventTypeName(known.count) {
                known.append(selected.keys.contains(name.lowercased()))
            }
        }
    }

    /// Whether events of this type are learnt from.
    func selects(_ type: EventTypeIndex) -> Bool {
        isSelected.withLock { known in
            Int(type.rawValue) < known.count && known[Int(type.rawValue)]
        }
    }

    /// A change as the solution sees it, of the selected entries alone; `nil` when it is of others.
    ///
    /// On the writer's thread. Entries beyond the window are not looked at: whether an item is the
    /// only one of its history is told as far as the window tells it.
    func selected(_ change: HistoryChange, _ store: GroupStore?) -> HistoryChange? {
        guard !hasThreshold else { return nil }
        if let store { learn(store) }
        guard selects(change.window[change.index].type) else { return nil }
        var window: [Interaction] = []
        var index = 0
        for (place, entry) in change.window.enumerated() where selects(entry.type) {
            if place == change.index { index = window.count }
            window.append(entry)
        }
        let item = window[index].item
        return HistoryChange(
            user: change.user,
            window: window,
            index: index,
            isOnlyOneOfItem: change.isOnlyOneOfItem || window.count { $0.item == item } == 1,
            properties: change.properties
        )
    }
}
