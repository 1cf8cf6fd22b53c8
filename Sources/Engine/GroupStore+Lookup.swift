import Primitives
import Synchronization

/// Several ids at once.
extension GroupStore {
    /// What own columns say, by `HistoryChange.properties`.
    package func eventProperties(_ code: UInt32) -> [PropertyValue] { eventProperties[code] }

    /// The indices of several items' ids, in their order; `nil` for what is unknown.
    package func items(withIDs ids: [String], into indices: inout [UInt32?]) {
        indices.removeAll(keepingCapacity: true)
        // In pieces: others wait for the lock.
        for start in stride(from: 0, to: ids.count, by: 64) {
            let piece = ids[start..<min(start + 64, ids.count)]
            readableItems.withLock { $0.indices(of: piece, into: &indices) }
        }
    }
}
