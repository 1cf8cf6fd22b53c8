import Primitives
import Resources
import Synchronization

/// The items that pass a fixed condition, kept for the next request and brought up to date by it.
///
/// What is kept names the versions of the chunks that it was made of. A request compares them with
/// its root's: mostly one number a column says that nothing changed; otherwise the chunks that
/// changed are evaluated again, a microsecond or so each. So the set is always of the state that
/// the request sees, the writer does nothing for it, and a filter that nobody uses costs nothing.
/// Two requests may do the same work at the same time; no request waits for another's.
final class ItemSet: Sendable {
    private let condition: FilterNode
    /// What `condition` reads; `nil` is `CREATION_TIMESTAMP`.
    private let places: [Int?]
    private let isSparseAllowed: Bool
    private let newest = Mutex<Snapshot?>(nil)

    /// The set at one state.
    final class Snapshot: Sendable {
        enum Storage: Sendable {
            /// 64 words for each chunk of items; bits behind the last item have no meaning.
            case words([UInt64])
            /// The members in order, where they are few.
            case members([UInt32])
        }

        let storage: Storage
        fileprivate let itemCount: Int
        /// By column that is read: its version, and those of its chunks.
        fileprivate let versions: [UInt64]
        fileprivate let chunkVersions: [[UInt64]]

        fileprivate init(
            _ storage: Storage,
            _ itemCount: Int,
            _ versions: [UInt64],
            _ chunkVersions: [[UInt64]]
        ) {
            self.storage = storage
            self.itemCount = itemCount
            self.versions = versions
            self.chunkVersions = chunkVersions
        }

        /// Of the members.
        var byteCount: Int {
            switch storage {
            case .words(let words): words.count * 8
            case .members(let members): members.count * 4
            }
        }
    }

    /// With `isSparseAllowed` few members are kept as a list; a bitmap is faster.
    init(_ condition: FilterNode, isSparseAllowed: Bool) {
        self.condition = condition
        self.isSparseAllowed = isSparseAllowed
        var places: [Int?] = []
        Self.collect(condition, &places)
        self.places = places
    }

    private static func collect(_ node: FilterNode, _ places: inout [Int?]) {
        func add(_ place: Int?) {
            if !places.contains(place) { places.append(place) }
        }
        switch node {
        case .and(let children), .or(let children):
            for child in children { collect(child, &places) }
        case .not(let child): collect(child, &places)
        case .fixed(let set): for place in set.places { add(place) }
        case .column(let test): add(test.place)
        case .pair(let pair): for place in pair.places { add(place) }
        case .whole, .request, .identifier, .once, .interactions:
            preconditionFailure("a set of items depends on items only")
        }
    }

    /// Bytes of the members at the newest state, and of what the condition keeps.
    var byteCount: Int { newest.withLock { $0?.byteCount ?? 0 } + condition.byteCount }

    /// The set in the state of `root`.
    func snapshot(_ root: GroupRoot) -> Snapshot {
        let known = newest.withLock { $0 }
        if let known, isCurrent(known, root) { return known }
        let made = make(root, known)
        newest.withLock { current in
            // Another request may have been faster, with a newer root.
            if let current, made.isOlder(than: current) { return }
            current = made
        }
        return made
    }

    private func isCurrent(_ snapshot: Snapshot, _ root: GroupRoot) -> Bool {
        guard snapshot.itemCount == root.itemCount else { return false }
        for (index, place) in places.enumerated()
        where root.columns.column(place).version != snapshot.versions[index] {
            return false
        }
        return true
    }

    private func make(_ root: GroupRoot, _ known: Snapshot?) -> Snapshot {
        let chunkCount = root.columnChunkCount
        let read = places.map { root.columns.column($0) }
        var words = known?.expanded ?? []
        // What is known may be of a later state, with more items.
        let missing = chunkCount * ItemColumn.chunkWords - words.count
        if missing > 0 { words.append(contentsOf: repeatElement(0, count: missing)) }
        if missing < 0 { words.removeLast(-missing) }
        for chunk in 0..<chunkCount {
            if let known, known.isCurrent(chunk, read, root.itemCount) { continue }
            let start = chunk * ItemColumn.chunkWords
            let made = evaluate(condition, chunk, root)
            for index in 0..<ItemColumn.chunkWords { words[start + index] = made[index] }
        }
        return Snapshot(
            storage(words, root.itemCount),
            root.itemCount,
            read.map(\.version),
            read.map(\.versions)
        )
    }

    private func storage(_ words: [UInt64], _ itemCount: Int) -> Snapshot.Storage {
        guard isSparseAllowed, Words.count(words) * 4 < words.count * 8 else {
            return .words(words)
        }
        var members: [UInt32] = []
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                members.append(UInt32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return .members(members)
    }

    private func evaluate(_ node: FilterNode, _ chunk: Int, _ root: GroupRoot) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: ItemColumn.chunkWords)
        switch node {
        case .and(let children):
            for (index, child) in children.enumerated() {
                let other = evaluate(child, chunk, root)
                if index == 0 { words = other } else { Words.and(&words, other) }
            }
        case .or(let children):
            for child in children { Words.or(&words, evaluate(child, chunk, root)) }
        case .not(let child):
            words = evaluate(child, chunk, root)
            Words.not(&words)
        case .fixed(let set): return set.evaluate(set.condition, chunk, root)
        case .column(let test): test.fill(chunk, root, into: &words, at: 0)
        case .pair(let pair): pair.fill(chunk, root, into: &words)
        case .whole, .request, .identifier, .once, .interactions:
            preconditionFailure("a set of items depends on items only")
        }
        return words
    }
}

extension ItemSet.Snapshot {
    fileprivate func isCurrent(_ chunk: Int, _ read: [ItemColumn], _ newCount: Int) -> Bool {
        // What compares ids only reads no column that would tell of new items.
        let end = min((chunk + 1) * ItemColumn.chunkItems, newCount)
        guard itemCount >= end else { return false }
        for (index, column) in read.enumerated() {
            let versions = chunkVersions[index]
            let before = chunk < versions.count ? versions[chunk] : 0
            let now = chunk < column.versions.count ? column.versions[chunk] : 0
            if before != now { return false }
        }
        return true
    }

    fileprivate func isOlder(than other: ItemSet.Snapshot) -> Bool {
        if itemCount != other.itemCount { return itemCount < other.itemCount }
        return zip(versions, other.versions).contains { $0 < $1 }
    }

    /// As a bitmap of its own.
    fileprivate var expanded: [UInt64] {
        switch storage {
        case .words(let words): return words
        case .members(let members):
            let chunks = (itemCount + ItemColumn.chunkItems - 1) / ItemColumn.chunkItems
            var words = [UInt64](repeating: 0, count: chunks * ItemColumn.chunkWords)
            for member in members {
                words[Int(member / 64)] |= 1 << UInt64(member % 64)
            }
            return words
        }
    }
}
