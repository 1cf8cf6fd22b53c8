package import Journal
package import Primitives
import Synchronization

/// Every list that was served, until there are too many: what the events that name them go back to,
/// and what their next pages must not repeat.
///
/// An answer is remembered in memory before it leaves and on disk within `flush`'s interval, so a
/// crash loses what was served in the last second; the oldest are forgotten beyond
/// `Limits.servedListBytesMax`. A list that is not there is told of as a miss.
package final class ServedLists: Sendable {
    private struct State {
        /// Oldest first; each but the last is on disk, or about to be.
        var chunks: [ServedChunk] = []
        var unwritten: [ServedChunk] = []
        var forgotten: [UInt64] = []
        var bytes = 0
        var next: UInt64 = 0
        /// The last page of a list that has several, by its first.
        var lastPages: [UInt64: UInt64] = [:]
    }

    private let state: Mutex<State>
    private let hash: StableHash
    private let misses = Atomic<UInt64>(0)

    /// No number is given twice, as long as the clock (`now`) does not go back; what a crash took
    /// had numbers, too.
    package init(
        hash: StableHash = StableHash(key: (0, 0)),
        now: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.hash = hash
        state = Mutex(State(next: UInt64(max(0, now.milliseconds)) << 20))
    }

    /// Lists that were asked for and not there any more.
    package var missCount: UInt64 { misses.load(ordering: .relaxed) }

    package var byteCount: Int { state.withLock { $0.bytes } }

    // MARK: Requests, any thread

    /// Remembers a list; its number.
    package func remember(_ list: ServedList, goingOn first: UInt64? = nil) -> UInt64 {
        state.withLock { state in
            if state.chunks.last.map({ $0.byteCount >= Limits.servedChunkBytes }) ?? false {
                seal(&state)
            } else if state.chunks.isEmpty {
                state.chunks.append(ServedChunk(firstNumber: state.next))
            }
            let number = state.next
            state.next += 1
            if let first {
                if state.lastPages.count >= Limits.pagedListsMax { state.lastPages.removeAll() }
                state.lastPages[first] = number
            }
            let last = state.chunks.count - 1
            let before = state.chunks[last].byteCount
            state.chunks[last].append(list)
            state.bytes += state.chunks[last].byteCount - before
            return number
        }
    }

    /// A number of what a text says, the same in every process of this data directory.
    func stableHash(_ text: String) -> UInt64 { hash.hash(text) }
    func stableHash(_ bytes: RawSpan) -> UInt64 { hash.hash(bytes) }

    package func id(_ number: UInt64) -> String { idText(number).text }

    /// The same without a string.
    func idText(_ number: UInt64) -> HexText { RecommendationID.text(number, hash) }

    package func number(_ id: String) -> UInt64? { RecommendationID.number(id, hash) }

    package func list(_ number: UInt64) -> ServedList? {
        let found = state.withLock { state in
            place(of: number, state).flatMap { state.chunks[$0].list(number) }
        }
        if found == nil { misses.add(1, ordering: .relaxed) }
        return found
    }

    /// Every item of a list, from its last page back to its first; `nil` when one page of it is not
    /// there any more.
    package func items(through page: UInt64) -> [ItemIndex]? {
        var items: [ItemIndex] = []
        var next: UInt64? = page
        while let number = next {
            guard let list = list(number) else { return nil }
            items += list.items
            next = list.previous
        }
        return items
    }

    // MARK: Events, the writer's thread

    /// The items of all pages of the list that an event names; `nil` for a miss.
    ///
    /// `isFirst` for the first event that names it.
    package func shown(_ id: String) -> (items: [ItemIndex], isFirst: Bool)? {
        guard let number = number(id) else {
            misses.add(1, ordering: .relaxed)
            return nil
        }
        let last = state.withLock { $0.lastPages[number] ?? number }
        guard let items = items(through: last) else { return nil }
        let isFirst = state.withLock { state in
            place(of: number, state).map { state.chunks[$0].markCounted(number) } ?? false
        }
        return (items, isFirst)
    }

    // MARK: Disk

    /// Reads what was remembered before a restart.
    package func load(_ store: ServedListStore) throws(JournalError) {
        let rows = try store.rows()
        state.withLock { state in
            for (number, row) in rows {
                guard let chunk = ServedChunk(firstNumber: number, decoding: row) else { continue }
                state.chunks.append(chunk)
                state.bytes += chunk.byteCount
                state.next = max(state.next, number + UInt64(chunk.count) + 1 << 20)
            }
            state.chunks.append(ServedChunk(firstNumber: state.next))
        }
    }

    /// What must be written now, and what must be deleted.
    package func takeUnwritten() -> (rows: [(number: UInt64, row: [UInt8])], forgotten: [UInt64]) {
        let (chunks, forgotten) = state.withLock { state in
            seal(&state)
            forgetOldest(&state)
            defer {
                state.unwritten = []
                state.forgotten = []
            }
            return (state.unwritten, state.forgotten)
        }
        return (chunks.map { ($0.firstNumber, $0.encoded) }, forgotten)
    }

    /// The last chunk takes no more; it will be written.
    private func seal(_ state: inout State) {
        guard let last = state.chunks.last, last.count > 0 else { return }
        state.unwritten.append(last)
        state.chunks.append(ServedChunk(firstNumber: state.next, like: last))
    }

    private func forgetOldest(_ state: inout State) {
        while state.bytes > Limits.servedListBytesMax, state.chunks.count > 1 {
            let oldest = state.chunks.removeFirst()
            state.bytes -= oldest.byteCount
            state.forgotten.append(oldest.firstNumber)
        }
    }

    private func place(of number: UInt64, _ state: State) -> Int? {
        var low = 0
        var high = state.chunks.count
        while low < high {
            let middle = (low + high) / 2
            if state.chunks[middle].firstNumber <= number {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low > 0, state.chunks[low - 1].contains(number) else { return nil }
        return low - 1
    }
}
