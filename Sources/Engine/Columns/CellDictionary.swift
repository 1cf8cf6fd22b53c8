import Primitives
import Synchronization

/// The distinct texts of one column, and of what parts a multi-valued one consists.
///
/// A code is the place of a text in order of first sight, plus 1; 0 is null. Codes are never taken
/// back, so that a chunk of codes may be read beside any later state of the dictionary. The writer
/// adds, anyone reads; both hold the lock for one text, or for the texts that are new to a reader.
package final class CellDictionary: Sendable {
    /// Texts are split at `|`.
    let isMultiValued: Bool
    private let state: Mutex<State>

    private struct State {
        var cells: IdentifierTable
        /// Of a multi-valued column: `partStarts[c]..<partStarts[c + 1]` are the parts of cell c.
        var parts: IdentifierTable
        var partStarts: [UInt32] = [0]
        var cellParts: [UInt32] = []
    }

    init(isMultiValued: Bool, hash: StableHash) {
        self.isMultiValued = isMultiValued
        state = Mutex(
            State(cells: IdentifierTable(hash: hash), parts: IdentifierTable(hash: hash))
        )
    }

    var byteCount: Int {
        state.withLock { state in
            state.cells.byteCount + state.parts.byteCount
                + (state.partStarts.capacity + state.cellParts.capacity) * 4
        }
    }

    /// The code of a text, made where it is new; on the writer's thread.
    func insert(_ text: String) -> UInt32 {
        state.withLock { state in
            if let known = state.cells.index(of: text) { return known + 1 }
            if isMultiValued {
                for part in text.split(separator: "|", omittingEmptySubsequences: false) {
                    let part = String(part)
                    state.cellParts.append(
                        state.parts.index(of: part) ?? state.parts.insert(part)
                    )
                }
                state.partStarts.append(UInt32(state.cellParts.count))
            }
            return state.cells.insert(text) + 1
        }
    }

    /// Distinct texts.
    package var count: Int { state.withLock { $0.cells.count } }

    /// The one code that a single-valued text has; 0 for one that no record ever had.
    func code(of text: String) -> UInt32 {
        state.withLock { $0.cells.index(of: text).map { $0 + 1 } ?? 0 }
    }

    /// Distinct parts, which in a single-valued column are the texts.
    ///
    /// Their numbers begin at 1, so that 0 is none.
    var partCount: Int {
        state.withLock { isMultiValued ? $0.parts.count : $0.cells.count }
    }

    /// The parts with the numbers above `count`, in order; at most `maximum`.
    func parts(after count: Int, maximum: Int) -> [String] {
        state.withLock { state in
            func take(_ table: IdentifierTable) -> [String] {
                (count..<max(count, min(count + maximum, table.count))).map { table[UInt32($0)] }
            }
            return isMultiValued ? take(state.parts) : take(state.cells)
        }
    }

    /// By text the number of the part that it is; 0 for none.
    func numbers(ofParts texts: [String]) -> [UInt32] {
        var found: [UInt32?] = []
        found.reserveCapacity(texts.count)
        state.withLock { state in
            if isMultiValued {
                state.parts.indices(of: texts[...], into: &found)
            } else {
                state.cells.indices(of: texts[...], into: &found)
            }
        }
        return found.map { $0.map { $0 + 1 } ?? 0 }
    }

    /// By code the numbers of its parts, none for 0.
    func parts(ofCodes codes: [UInt32]) -> PartLists {
        guard isMultiValued else { return PartLists(single: codes) }
        var lists = PartLists()
        state.withLock { state in
            for code in codes {
                if code != 0 {
                    let start = Int(state.partStarts[Int(code) - 1])
                    let end = Int(state.partStarts[Int(code)])
                    for part in state.cellParts[start..<end] { lists.numbers.append(part + 1) }
                }
                lists.ends.append(lists.numbers.count)
            }
        }
        return lists
    }

    /// Extends `table` by the codes that it lacks: 1 where any part is one of `texts`.
    ///
    /// O(parts of the codes that are new to the table).
    func extend(_ table: inout [UInt8], texts: [String]) {
        state.withLock { state in
            if table.isEmpty { table.append(0) }
            let first = table.count - 1
            guard first < state.cells.count else { return }
            table.reserveCapacity(state.cells.count + 1)
            guard isMultiValued else {
                let added = state.cells.count - first
                table.append(contentsOf: repeatElement(0, count: added))
                for text in texts {
                    if let cell = state.cells.index(of: text) { table[Int(cell) + 1] = 1 }
                }
                return
            }
            let wanted = Set(texts.compactMap { state.parts.index(of: $0) })
            for cell in first..<state.cells.count {
                let start = Int(state.partStarts[cell])
                let end = Int(state.partStarts[cell + 1])
                let isWanted = state.cellParts[start..<end].contains { wanted.contains($0) }
                table.append(isWanted ? 1 : 0)
            }
        }
    }
}

/// By item of a chunk the numbers of the parts of its text.
struct PartLists {
    var numbers: [UInt32] = []
    /// Where the numbers of each item end.
    var ends: [Int] = []

    init() {}

    /// One number each; 0 is none, and equals no part.
    init(single numbers: [UInt32]) {
        self.numbers = numbers
        ends = Array(numbers.indices.map { $0 + 1 })
    }

    /// Sets the bits of the items that have a part in both.
    func fillCommon(_ other: PartLists, into words: inout [UInt64]) {
        var (start, otherStart) = (0, 0)
        for slot in 0..<min(ends.count, other.ends.count) {
            let parts = numbers[start..<ends[slot]]
            let others = other.numbers[otherStart..<other.ends[slot]]
            if parts.contains(where: { $0 != 0 && others.contains($0) }) {
                words[slot / 64] |= 1 << UInt64(slot % 64)
            }
            (start, otherStart) = (ends[slot], other.ends[slot])
        }
    }
}
