import Primitives
import Synchronization

/// Items by what their records say, for those that events say little of yet; kept current.
///
/// An item is a unit vector f_i over tokens, see `TokenRarity`, in which each column of its record
/// has the same norm: a title of rare words says no more than a genre.
/// score_j = g(n_j) · Σ_i w_i (f_i · f_j) over the members j: the `membersMax` items of the highest
/// index, which are the newest, that a record describes and that have fewer than `eventsMax`
/// events; g(n) = 2 / (2 + n) lets counts take over. Linear in the history, 0 to 1.
///
/// Rows are whole numbers in units of 1/4096, so taking one back leaves nothing behind, and
/// membership is a function of the records and counts alone: a restart finds the same. A query
/// reads a row for each item of the history and one for each of their tokens; O(tokens · members
/// that share them). An event of a member, and a record, cost O(tokens · row).
final class ContentIndex: Sendable {
    /// Which items have rows by token.
    struct Membership: Hashable, Sendable {
        var membersMax: Int
        /// Events from which on an item is no member; `nil`: it stays, and does not fade.
        var eventsMax: UInt32?

        static let cold = Membership(
            membersMax: Limits.contentMembersMax,
            eventsMax: Limits.contentEventsMax
        )
        static let all = Membership(membersMax: Limits.contentRelatedMax, eventsMax: nil)
    }

    static let unit: Float = 4_096
    private static let stripeCount = 64

    private final class Stripe: Sendable {
        let rows = Mutex<[[RowPair]]>([])
    }

    /// The writer's; readers use the rows alone.
    fileprivate struct State {
        var vocabulary: [UInt64: UInt32] = [:]
        var events: [UInt32] = []
        var isDescribed = ItemBitmap()
        var isMember = ItemBitmap()
        var memberCount = 0
        /// The lowest member, where there may be non-members below it that would be members.
        var lowest = 0
        /// Below it no item was looked at since the index was full.
        var hasSkipped = false
    }

    private let membership: Membership
    private let rarity: TokenRarity
    /// Tokens by item, then items by token.
    private let tokens = (0..<ContentIndex.stripeCount).map { _ in Stripe() }
    private let members = (0..<ContentIndex.stripeCount).map { _ in Stripe() }
    private let state = Mutex(State())
    /// Whether a question may find anything.
    private let hasMembers = Atomic(false)

    init(_ membership: Membership, rarity: TokenRarity = TokenRarity()) {
        self.membership = membership
        self.rarity = rarity
    }

    // MARK: Scoring

    /// Whether no question can find anything.
    var isEmpty: Bool { !hasMembers.load(ordering: .relaxed) }

    /// Adds scale · the scores after a history.
    func add(
        _ weights: HistoryWeights,
        recency: Float,
        scale: Float,
        to scores: inout [Float]
    ) {
        weights.tokens.clear()
        guard !isEmpty else { return }
        weights.forEach(recency: recency) { item, weight in
            for pair in row(of: item) {
                weights.tokens.add(weight * Float(pair.weight), to: pair.item)
            }
        }
        addTokens(weights.tokens, scale: scale, to: &scores)
    }

    /// Adds scale · the likeness of one item to each member.
    func add(
        like item: UInt32,
        scale: Float,
        _ sums: inout TokenSums,
        to scores: inout [Float]
    ) {
        sums.clear()
        for pair in row(of: item) { sums.add(Float(pair.weight), to: pair.item) }
        addTokens(sums, scale: scale, to: &scores)
    }

    private func addTokens(_ sums: TokenSums, scale: Float, to scores: inout [Float]) {
        let scale = scale / (Self.unit * Self.unit)
        for token in sums.touched {
            let row = Self.row(members, token)
            Kernels.add(row, scale * sums[token], to: &scores)
        }
    }

    /// What an item's record says, in units; empty without one.
    func row(of item: UInt32) -> [RowPair] { Self.row(tokens, item) }

    /// f_i · f_j · g(n_j) of a member j.
    func likeness(of source: UInt32, to member: UInt32) -> Float {
        let isMember = state.withLock { $0.isMember.contains(Int(member)) }
        guard isMember else { return 0 }
        let row = row(of: source)
        var sum: Float = 0
        for pair in row {
            let column = Self.row(members, pair.item)
            guard let at = Kernels.find(member, in: column) else { continue }
            sum += Float(pair.weight) * Float(column[at].weight)
        }
        return sum / (Self.unit * Self.unit)
    }

    /// Makes what items scored after a history, by `add` at a scale of 1, Σ_i w_i (f_i · f_j) of
    /// all: without what counts take off the members, and of others too; negative without a record.
    ///
    /// O(items), and a row for each that is described and no member.
    func complete(_ likeness: inout [Float], of items: [UInt32], _ sums: TokenSums) {
        var others: [Int] = []
        state.withLock { state in
            for (place, item) in items.enumerated() {
                if state.isMember.contains(Int(item)) {
                    likeness[place] /= fade(Int(item), state)
                } else if state.isDescribed.contains(Int(item)) {
                    others.append(place)
                } else {
                    likeness[place] = -1
                }
            }
        }
        for place in others {
            let sum = row(of: items[place]).reduce(0) { sum, pair in
                sum + Float(pair.weight) * sums.value(of: pair.item)
            }
            likeness[place] = sum / (Self.unit * Self.unit)
        }
    }

    func isMember(_ item: Int) -> Bool { state.withLock { $0.isMember.contains(item) } }

    // MARK: Following the facts

    func grow(to itemCount: Int) {
        state.withLock { state in
            guard state.events.count < itemCount else { return }
            state.events.append(
                contentsOf: repeatElement(0, count: itemCount - state.events.count)
            )
        }
    }

    /// An item's record says this from now on; nothing: it has none.
    func describe(_ item: ItemIndex, _ described: [ItemToken]) {
        let index = item.rawValue
        grow(to: Int(index) + 1)
        state.withLock { state in
            let new = vector(described, &state.vocabulary)
            leave(index, &state)
            Self.setRow(tokens, index, new)
            if new.isEmpty {
                state.isDescribed.remove(Int(index))
            } else {
                state.isDescribed.insert(Int(index))
            }
            enter(index, &state)
            refill(&state)
        }
    }

    /// An item has one event more (`sign` 1), or fewer.
    func count(_ item: ItemIndex, sign: Int64) {
        let index = item.rawValue
        state.withLock { state in
            guard Int(index) < state.events.count else { return }
            let old = state.events[Int(index)]
            let new = UInt32(clamping: Int64(old) + sign)
            guard let eventsMax = membership.eventsMax else {
                state.events[Int(index)] = new
                return
            }
            guard min(old, new) < eventsMax else {
                state.events[Int(index)] = new
                return
            }
            leave(index, &state)
            state.events[Int(index)] = new
            enter(index, &state)
            refill(&state)
        }
    }

    /// f_i, in units.
    private func vector(
        _ described: [ItemToken],
        _ vocabulary: inout [UInt64: UInt32]
    ) -> [RowPair] {
        var weighed: [(token: UInt32, weight: Float, column: UInt8)] = []
        var squares: [UInt8: Float] = [:]
        for token in described.prefix(Limits.contentTokensMax) {
            let known = vocabulary[token.hash]
            guard known != nil || vocabulary.count < Limits.contentVocabularyMax else { continue }
            let index = known ?? UInt32(vocabulary.count)
            vocabulary[token.hash] = index
            guard !weighed.contains(where: { $0.token == index }) else { continue }
            let weight = token.share * rarity[token.hash]
            weighed.append((index, weight, token.column))
            squares[token.column, default: 0] += weight * weight
        }
        let columns = Float(squares.count)
        return weighed.map { token, weight, column in
            let norm = ((squares[column] ?? 1) * columns).squareRoot()
            return RowPair(
                item: token,
                weight: UInt32(max(1, (weight / norm * Self.unit).rounded()))
            )
        }
    }

    private func fits(_ item: Int, _ state: State) -> Bool {
        guard state.isDescribed.contains(item) else { return false }
        return membership.eventsMax.map { state.events[item] < $0 } ?? true
    }

    /// Lets an item in, if it is one of the newest that fit.
    private func enter(_ item: UInt32, _ state: inout State) {
        guard fits(Int(item), state) else { return }
        if state.memberCount >= membership.membersMax {
            state.hasSkipped = true
            let lowest = state.lowestMember
            guard lowest < Int(item) else { return }
            leave(UInt32(lowest), &state)
        }
        state.isMember.insert(Int(item))
        state.memberCount += 1
        hasMembers.store(true, ordering: .relaxed)
        state.lowest = min(state.lowest, Int(item))
        let fade = fade(Int(item), state)
        for pair in row(of: item) {
            let weight = UInt32(max(1, (Float(pair.weight) * fade).rounded()))
            Self.change(members, pair.item) { $0.append(RowPair(item: item, weight: weight)) }
        }
    }

    /// g(n).
    private func fade(_ item: Int, _ state: State) -> Float {
        membership.eventsMax == nil ? 1 : 2 / (2 + Float(state.events[item]))
    }

    private func leave(_ item: UInt32, _ state: inout State) {
        guard state.isMember.contains(Int(item)) else { return }
        state.isMember.remove(Int(item))
        state.memberCount -= 1
        for pair in row(of: item) {
            Self.change(members, pair.item) { row in
                guard let at = Kernels.find(item, in: row) else { return }
                row.swapAt(at, row.count - 1)
                row.removeLast()
            }
        }
    }

    /// Once full, a member that left makes room for the newest that had to stay out.
    private func refill(_ state: inout State) {
        guard state.hasSkipped, state.memberCount < membership.membersMax else { return }
        var item = state.lowestMember - 1
        while item >= 0, !fits(item, state) { item -= 1 }
        if item >= 0 { enter(UInt32(item), &state) } else { state.hasSkipped = false }
    }

    // MARK: Rows

    private static func row(_ stripes: [Stripe], _ index: UInt32) -> [RowPair] {
        let slot = Int(index) / stripeCount
        return stripes[Int(index) % stripeCount].rows.withLock { rows in
            slot < rows.count ? rows[slot] : []
        }
    }

    private static func setRow(_ stripes: [Stripe], _ index: UInt32, _ row: [RowPair]) {
        change(stripes, index) { $0 = row }
    }

    private static func change(
        _ stripes: [Stripe],
        _ index: UInt32,
        _ body: (inout [RowPair]) -> Void
    ) {
        let slot = Int(index) / stripeCount
        stripes[Int(index) % stripeCount].rows.withLock { rows in
            while rows.count <= slot { rows.append([]) }
            body(&rows[slot])
        }
    }
}

extension ContentIndex.State {
    /// The member of the lowest index, from where it was found last.
    fileprivate var lowestMember: Int {
        mutating get {
            while lowest < events.count, !isMember.contains(lowest) { lowest += 1 }
            return lowest
        }
    }
}

// MARK: - Artifact

extension ContentIndex {
    /// Writes the rarities and counts; records are read anew from the facts.
    func encode(into artifact: ArtifactWriter) {
        rarity.encode(into: artifact)
        state.withLock { state in
            artifact.put(UInt32(state.events.count))
            for count in state.events { artifact.put(count) }
        }
    }

    convenience init(_ membership: Membership, _ reader: inout ArtifactReader) throws(RecipeError) {
        self.init(membership, rarity: try TokenRarity(&reader))
        var events: [UInt32] = []
        for _ in 0..<(try reader.count(of: 4)) { events.append(try reader.number(UInt32.self)) }
        let read = events
        state.withLock { $0.events = read }
    }
}

/// One number a token, most of them 0.
///
/// Reused from query to query; confined to one thread.
struct TokenSums {
    private var values: [Float] = []
    private(set) var touched: [UInt32] = []

    subscript(token: UInt32) -> Float { values[Int(token)] }

    /// 0 of a token that nothing was added to.
    func value(of token: UInt32) -> Float {
        Int(token) < values.count ? values[Int(token)] : 0
    }

    mutating func clear() {
        for token in touched { values[Int(token)] = 0 }
        touched.removeAll(keepingCapacity: true)
    }

    mutating func add(_ value: Float, to token: UInt32) {
        let index = Int(token)
        if index >= values.count {
            values.append(contentsOf: repeatElement(0, count: index + 1 - values.count))
        }
        if values[index] == 0 { touched.append(token) }
        values[index] += value
    }
}
