package import Primitives
import Resources
import Synchronization

/// A filter ready for requests: compiled once, asked by any thread.
///
/// What depends on items only is kept as sets of items; a request adds what depends on its user and
/// its values. See `Documentation/Decisions/0015-filters-by-readers.md`.
package final class CompiledFilter: Sendable {
    package let checked: CheckedFilter
    /// Of the group's root when it was checked; with another one it is to be made again.
    let layout: UInt64
    let clauses: [Clause]
    /// Whether a request must bring its user's history.
    package let readsHistory: Bool

    struct Clause: Sendable {
        let action: FilterAction
        let condition: FilterNode
        /// The IF part.
        let requirement: FilterNode?
    }

    init(_ checked: CheckedFilter, layout: UInt64) {
        self.checked = checked
        self.layout = layout
        let compiler = FilterCompiler(checked)
        clauses = checked.expression.clauses.map { clause in
            Clause(
                action: clause.action,
                condition: compiler.compile(clause.condition),
                requirement: clause.requirement.map { compiler.compile($0) }
            )
        }
        readsHistory = checked.usesInteractions
    }

    /// Of the sets of items that it keeps.
    var byteCount: Int {
        clauses.reduce(0) { $0 + $1.condition.byteCount + ($1.requirement?.byteCount ?? 0) }
    }

    /// Sets of items that it may keep.
    var setCount: Int { clauses.reduce(0) { $0 + $1.condition.setCount } }

    /// Takes every item that does not pass from `candidates`.
    package func restrict(
        _ candidates: inout ItemBitmap,
        _ request: borrowing FilterRequest,
        _ scratch: FilterScratch
    ) {
        FilterRun(self, request, scratch).restrict(&candidates.words)
    }
}

/// What a filter needs to know of one request, all of one state.
package struct FilterRequest {
    package let group: GroupStore
    package let root: GroupRoot
    package var arguments: FilterArguments
    /// The instant of the request.
    package var nowMS: Int64
    /// The requesting user's record; one without columns for a user who has none.
    package var user: EntityRecord?
    /// The record of the item that the request names.
    package var currentItem: EntityRecord?

    package init(
        group: GroupStore,
        root: GroupRoot,
        arguments: FilterArguments = FilterArguments(),
        nowMS: Int64,
        user: EntityRecord? = nil,
        currentItem: EntityRecord? = nil
    ) {
        self.group = group
        self.root = root
        self.arguments = arguments
        self.nowMS = nowMS
        self.user = user
        self.currentItem = currentItem
    }
}

/// The reused memory of one thread's filters: the user's history and bitmaps.
package final class FilterScratch {
    /// The history of the requesting user; see `GroupStore.copyHistory(of:_:into:)`.
    package let history = FilterHistory()
    private(set) var bitmaps: [[UInt64]] = []
    private var free: [Int] = []

    package init() {}

    /// Lends a bitmap of `wordCount` words, all 0.
    func borrow(wordCount: Int) -> Int {
        let index: Int
        if let known = free.popLast() {
            index = known
        } else {
            index = bitmaps.count
            bitmaps.append([])
        }
        bitmaps[index].removeAll(keepingCapacity: true)
        bitmaps[index].append(contentsOf: repeatElement(0, count: wordCount))
        return index
    }

    func giveBack(_ index: Int) { free.append(index) }

    func change(_ index: Int, _ body: (inout [UInt64]) -> Void) { body(&bitmaps[index]) }
}

/// A copy of one owner's whole history, with everything that filters ask of an event.
package final class FilterHistory {
    var entries: [PackedInteraction] = []
    /// Parallel to `entries`, or empty; see `HistoryDetails`.
    var values: [Double] = []
    var properties: [UInt32] = []
    /// The distinct combinations of own columns, by code - 1, of group `rowsOf`.
    var rows: [[PropertyValue]] = []
    var rowsOf: ObjectIdentifier?

    package func removeAll() {
        entries.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        properties.removeAll(keepingCapacity: true)
    }
}

extension GroupStore {
    /// Copies an owner's whole history and record for filters; 12 bytes an event and more where its
    /// events have values.
    ///
    /// - Returns: Whether the owner is known, and the record if there is one.
    package func copyHistory(
        of id: RawSpan,
        _ kind: OwnerKind,
        into target: FilterHistory?
    ) -> (isKnown: Bool, record: EntityRecord?) {
        target?.removeAll()
        let record: EntityRecord?? = withOwner(named: id, kind) { state, slot in
            let owner = state.owners[slot]
            if let target {
                unsafe target.entries.append(contentsOf: state.arena.entries(owner.history))
                if let details = owner.history.details {
                    target.values.append(contentsOf: details.values)
                    target.properties.append(contentsOf: details.properties)
                }
            }
            return state.record(ofSlot: slot)
        }
        if let target, !target.properties.isEmpty {
            if target.rowsOf != ObjectIdentifier(self) {
                target.rows = []
                target.rowsOf = ObjectIdentifier(self)
            }
            eventProperties.extend(&target.rows)
        }
        return (record != nil, record ?? nil)
    }
}
