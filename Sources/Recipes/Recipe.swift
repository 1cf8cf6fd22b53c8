package import Primitives

/// What a recipe learns from: every history of one group at one position, ordered by user id bytes.
///
/// Only dense indices: a recipe never sees an identifier.
package protocol TrainingSet: AnyObject {
    var itemCount: Int { get }
    var userCount: Int { get }
    var interactionCount: Int { get }

    /// Calls `body` once per owner with its whole history, oldest first.
    ///
    /// `body` returns false to stop early, as a cancelled job does.
    func forEachHistory(
        _ body: (UserIndex, [Interaction]) -> Bool
    ) throws(RecipeError)

    /// The same with the codes of each entry in `contextTable`, one a column, entry by entry.
    func forEachHistoryInContext(
        _ body: (UserIndex, [Interaction], [UInt16]) -> Bool
    ) throws(RecipeError)

    /// The own columns of interactions; whole once `forEachHistoryInContext` is done.
    var contextTable: ContextTable { get }

    /// What the record of an item says; empty without one.
    func tokens(of item: ItemIndex) -> [ItemToken]

    /// What the record of a user says; empty without one.
    func tokens(ofUser user: UserIndex) -> [ItemToken]
}

extension TrainingSet {
    package var contextTable: ContextTable { ContextTable() }

    package func forEachHistoryInContext(
        _ body: (UserIndex, [Interaction], [UInt16]) -> Bool
    ) throws(RecipeError) {
        try forEachHistory { user, history in body(user, history, []) }
    }

    package func tokens(of item: ItemIndex) -> [ItemToken] { [] }
    package func tokens(ofUser user: UserIndex) -> [ItemToken] { [] }
}

/// Why a training or the reading of an artifact failed.
package struct RecipeError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        case cancelled
        case badArtifact
        case unknownHyperparameter
        case readFailed
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// One way to recommend.
package protocol Recipe: Sendable {
    /// The last part of its resource name, such as `user-personalization`.
    var identifier: String { get }

    /// A model that has seen nothing yet; it answers from what its live part observes.
    func emptyModel() -> any TrainedModel

    /// Learns from `set`; runs on a job's thread and may take long.
    ///
    /// `progress` is called with 0...1 and returns false to cancel.
    func train(
        _ set: any TrainingSet,
        progress: (Double) -> Bool
    ) throws(RecipeError) -> any TrainedModel

    /// What only a recipe of this kind is measured by, by the names of GetSolutionMetrics.
    func ownMetrics(_ log: InteractionLog) -> [String: Double]

    /// Reads what `TrainedModel.encode` wrote.
    func decode(_ artifact: [UInt8]) throws(RecipeError) -> any TrainedModel
}

extension Recipe {
    package func ownMetrics(_ log: InteractionLog) -> [String: Double] { [:] }
}

/// What answers queries: immutable parameters and the counts that its live part keeps current.
///
/// `score` runs on any reactor's thread while `live` is driven on the writer's thread.
package protocol TrainedModel: AnyObject, Sendable {
    /// The part that learns from every applied event.
    var live: any LivePart { get }

    /// Events of a history below which it asks for what the user's record says; 0: it never does.
    var userTokensBelow: Int { get }

    /// What the training tried and chose; `nil` of a recipe that has nothing to choose.
    var report: TrainingReport? { get }

    /// What its matrices and counts take of memory, about; 0 of one that does not know.
    ///
    /// O(items); takes the locks of the live part one after the other.
    var byteCount: Int { get }

    /// Ranks the candidates of one query; no allocation, no lock, no clock.
    ///
    /// Fills `scratch.top` with the best `query.count`, best first; fewer only when fewer are
    /// candidates.
    func rank(_ query: borrowing RankingQuery, scratch: RankingScratch)

    /// What the sum of one item, as `rank` gives it, is made of; not for the request path.
    func explain(
        _ item: ItemIndex,
        _ query: borrowing RankingQuery,
        scratch: RankingScratch
    ) -> ScoreExplanation

    /// Writes the model with its live counts; called on the writer's thread, or before publication.
    func encode(into writer: ByteWriter)
}

extension TrainedModel {
    package var report: TrainingReport? { nil }
    package var userTokensBelow: Int { 0 }
    package var byteCount: Int { 0 }
}

/// The part of a model that follows the facts.
///
/// Driven by one thread, the writer's.
package protocol LivePart: AnyObject, Sendable {
    /// The entry at `change.index` is new in the history.
    func observe(_ change: HistoryChange)

    /// The entry at `change.index` is about to leave the history.
    func retract(_ change: HistoryChange)

    /// Whether it wants to be told in which context entries came.
    var readsContext: Bool { get }

    /// The same, of an entry that came in this context.
    func observe(_ change: HistoryChange, in context: [ContextValue])

    /// The same.
    func retract(_ change: HistoryChange, in context: [ContextValue])

    /// The catalogue now has this many item indices; called before they are observed.
    func itemCountGrew(to itemCount: Int)

    /// Whether it wants to be told what items' records say: of all items once it is trained or
    /// read, and of each that changes.
    var readsItems: Bool { get }

    /// The record of an item says this from now on; called with an item that the catalogue has.
    func describe(_ item: ItemIndex, _ tokens: [ItemToken])
}

extension LivePart {
    package var readsItems: Bool { false }
    package func describe(_ item: ItemIndex, _ tokens: [ItemToken]) {}
    package var readsContext: Bool { false }

    package func observe(_ change: HistoryChange, in context: [ContextValue]) {
        observe(change)
    }

    package func retract(_ change: HistoryChange, in context: [ContextValue]) {
        retract(change)
    }
}

/// One question to a model.
package struct RankingQuery: ~Escapable {
    /// The newest entries of the history, oldest first; at most `Limits.queryHistoryMax`.
    package let history: Span<Interaction>
    /// Which items may be in the answer.
    package let candidates: ItemBitmapView
    /// How many are wanted.
    package let count: Int
    /// What the answer is to be related to, for recipes that ask for it; `nil` when it is unknown.
    package let item: ItemIndex?
    /// What the record of the user says, where that matters; empty without one.
    package let userTokens: [ItemToken]
    /// Items of which `RankingScratch.likeness` is wanted, each once.
    package let unfamiliar: [UInt32]
    /// How the user comes here, as own columns of interactions say it; of a column one value.
    package let context: [ContextValue]

    @_lifetime(copy history, copy candidates)
    package init(
        history: Span<Interaction>,
        candidates: ItemBitmapView,
        count: Int,
        item: ItemIndex? = nil,
        userTokens: [ItemToken] = [],
        unfamiliar: [UInt32] = [],
        context: [ContextValue] = []
    ) {
        self.context = context
        self.userTokens = userTokens
        self.unfamiliar = unfamiliar
        self.history = history
        self.candidates = candidates
        self.count = count
        self.item = item
    }
}

/// A set of items as words of a bitmap, borrowed.
package struct ItemBitmapView: ~Escapable {
    /// Bit `i % 64` of word `i / 64` is item `i`.
    package let words: Span<UInt64>

    @_lifetime(copy words)
    package init(words: Span<UInt64>) {
        self.words = words
    }
}

/// Why an item is in a list.
package enum RankingReason: UInt8, Hashable, Sendable, CaseIterable {
    case none = 0
    case popular = 1
    case sequence = 2
    /// A promotion gave it its slot; nothing in a model says so.
    case promoted = 3
    /// Little is known of it; nothing in a model says so.
    case explored = 5
    case related = 6
    case trending = 7
}

/// An item with its score.
///
/// Scores of one answer are comparable, of two are not.
package struct RankedItem: Hashable, Sendable {
    package var item: ItemIndex
    package var score: Float
    package var reason: RankingReason

    package init(item: ItemIndex, score: Float, reason: RankingReason) {
        self.item = item
        self.score = score
        self.reason = reason
    }
}
