import Primitives
import Resources
import Synchronization

/// Counts the memory of a group a part at a time, so that no write waits long.
extension GroupStore {
    /// How many parts there are now.
    package var memoryPartCount: Int { shards.count + 1 + records.count }

    /// Adds one part; O(owners of a shard) or O(items of a chunk), some ms at a million.
    ///
    /// On the writer's thread.
    package func addMemory(part: Int, to use: inout MemoryUse) {
        if part < shards.count {
            use.add(toShard: part) { shards[part].addMemory(to: &$0) }
        } else if part == shards.count {
            addItemMemory(to: &use)
        } else if part - shards.count - 1 < records.count {
            let chunk = records[part - shards.count - 1]
            let stride = MemoryLayout<EntityRecord?>.stride
            let heap = chunk.reduce(0) { $0 + ($1?.heapByteCount ?? 0) }
            use.add(chunk.capacity * stride + heap, to: .itemRecords)
        }
    }

    private func addItemMemory(to use: inout MemoryUse) {
        // Readers have a table of their own.
        let tables = 2 * items.byteCount + eventTypes.byteCount
        let texts = ids.reduce(0) { sum, chunk in
            chunk.reduce(sum + chunk.capacity * 16) { $0 + $1.heapByteCount }
        }
        use.add(tables + texts, to: .identifiers)
        use.add(places.capacity * MemoryLayout<Place>.stride, to: .owners)
        use.add(columns.byteCount, to: .itemColumns)
        use.add(filters.byteCount, to: .filterIndexes)
        let bitmaps = [hasRecord, hasPutRecord, hasEvents, hasPutEvents]
        use.add(bitmaps.reduce(0) { $0 + $1.words.capacity * 8 }, to: .itemCounts)
        use.add(putCounts.byteCount + bulkCounts.byteCount, to: .itemCounts)
    }
}

extension Shard {
    fileprivate func addMemory(to use: inout MemoryUse) {
        state.withLock { state in
            use.add(state.arena.byteCount, to: .histories)
            use.add(state.users.byteCount + state.sessions.byteCount, to: .identifiers)
            let slots = state.userSlots.capacity + state.sessionSlots.capacity
            let staged = state.staged.capacity * MemoryLayout<(Int, HistorySlot)>.stride
            let owners = state.owners.capacity * MemoryLayout<Owner>.stride
            use.add(owners + staged + 4 * slots, to: .owners)
            var details = 0
            var records = 0
            for owner in state.owners {
                details += owner.history.details?.byteCount ?? 0
                records += owner.properties?.heapByteCount ?? 0
            }
            use.add(details, to: .eventDetails)
            use.add(records, to: .userRecords)
        }
    }
}

extension EntityRecord {
    /// What a record takes beside the place where it is kept.
    var heapByteCount: Int { id.heapByteCount + properties.heapByteCount }
}

extension RecordProperties {
    var heapByteCount: Int {
        var bytes = 0
        if values.capacity > 0 {
            bytes += 32 + values.capacity * MemoryLayout<PropertyValue>.stride
        }
        for case .string(let text) in values { bytes += text.heapByteCount }
        return bytes
    }
}

extension String {
    /// Texts of up to 15 bytes are kept in place.
    var heapByteCount: Int { utf8.count > 15 ? 32 + utf8.count : 0 }
}
