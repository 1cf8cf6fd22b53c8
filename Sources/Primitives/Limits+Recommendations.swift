/// The bounds of questions and of what answers them.
extension Limits {
    // MARK: Questions

    /// Items of one personalized ranking, as Personalize.
    package static let rankingInputMax = 500

    /// Questions of one batch: all are answered on one state.
    package static let batchQueriesMax = 100

    /// Questions of a batch that are answered before other calls of its loop get their turn.
    package static let batchQueriesPerTurn = 8

    /// Columns of items that one question asks for, as Personalize.
    package static let metadataColumnsMax = 99

    /// Pairs of one question's context, as Personalize.
    package static let contextPairsMax = 150

    /// Own columns of interactions that a training looks at, the schema's first: 2 bytes an event.
    package static let contextColumnsMax = 8

    /// Columns that a model goes by; few say what others do not.
    package static let contextTermsMax = 3

    /// Combinations of own columns whose values the writer remembers, for each solution.
    package static let rememberedContextsMax = 4_096

    /// Values of a column that a model tells apart, at least and at most.
    package static let contextValuesMin = 8
    package static let contextValuesMax = 64

    /// Items times values of a column, between these: 4 bytes each.
    package static let contextCellsMax = 1 << 24

    /// Columns by which one question limits its list; each is read of every item that is ranked.
    package static let limitedAttributesMax = 10

    /// Items that are ranked so that different ones can be chosen of them.
    package static let diversityDepthMax = 2_000

    /// Items that are ranked to tell an explained item's rank.
    package static let explainedRankMax = 100_000

    // MARK: Related and trending items

    /// Neighbours that one item's row of counts keeps: 8 bytes each; no list is longer.
    package static let cooccurrenceRowMax = 500

    /// Items that one slice of a trend counts; rarer ones of a larger catalogue do not trend.
    package static let trendItemsMax = 65_536

    /// Attributes of users whose popular items a version keeps: 1.6 KB each.
    package static let userSegmentsMax = 1_000

    // MARK: Sessions

    /// Sessions that the row of an item keeps, a quarter more between two cuts; a request reads ten
    /// rows.
    package static let sessionRowMax = 500

    /// Mean events of a history above which histories are no sessions.
    package static let sessionLengthMax = 40

    // MARK: Metrics

    /// Users that a version's metrics are means over; more change the third digit.
    package static let metricUsersMax = 2_000

    // MARK: Content

    /// Items of a group that content speaks for, the newest of those with few events: a request
    /// reads each for every token that it shares with the history.
    package static let contentMembersMax = 1_024

    /// Events from which on an item's followers say more than its record.
    package static let contentEventsMax: UInt32 = 8

    /// The same for the items related to one: all of most catalogues.
    package static let contentRelatedMax = 16_384

    /// Values and words of one record that a model reads; more of them say little.
    package static let contentTokensMax = 48

    /// Different values and words of a group that a model tells apart: 12 bytes each.
    package static let contentVocabularyMax = 1 << 20

    /// Values and words whose rarity a training keeps, the most frequent ones: 12 bytes each.
    package static let contentRarityMax = 1 << 18

    // MARK: Exploration

    /// Items of a group that are explored at a time, the newest of those little known.
    ///
    /// Each costs a list that explores one draw, about 15 ns.
    package static let explorationPoolMax = 512

    /// Events from which on an item speaks for itself: the models know it.
    ///
    /// Those that a showing led to do not count.
    package static let explorationEventsMax: UInt32 = 8

    /// Times that an item is chosen of what was shown before the models must know it.
    package static let explorationChosenMax: UInt32 = 64

    /// Showings in vain from which on an item is not shown for its newness any more, for each time
    /// that it was chosen and once more; at most nine times so many.
    package static let explorationShowingsMax: UInt32 = 128

    /// Write batches between two searches of all items for the pool.
    package static let explorationScanInterval = 1_024

    /// How long a list's noise stays the same while its user does nothing.
    package static let explorationBucketMS: Int64 = 15 * 60_000

    // MARK: Solutions

    /// Event types that one solution selects, as Personalize.
    package static let eventParametersMax = 10

    /// Columns of one dataset that one solution selects, as Personalize.
    package static let trainingColumnsMax = 50

    /// How often solutions that train by themselves are looked at.
    package static let autoTrainingCheckMS = 2_000

    /// How often the interactions of a group whose solution has a version are counted.
    package static let autoTrainingCountNS: UInt64 = 20_000_000_000

    /// A person has so long to train a first version; also the pause after a failed training.
    package static let autoTrainingGraceMS: Int64 = 600_000

    /// Interactions below which a starter's solution does not train: popular items are all that
    /// there is to say.
    package static let autoTrainingEventsMin: Int64 = 100

    /// New interactions below which nothing is trained anew, whatever their share.
    package static let autoTrainingChangesMin: Int64 = 500

    /// Versions that a solution made by itself and that stay when newer ones serve.
    package static let automaticVersionsKept = 2

    // MARK: Served lists

    /// What all remembered lists may take in memory, and about the same on disk: half a million
    /// lists of 25 items.
    package static let servedListBytesMax = 64 << 20

    /// Lists that are written, and forgotten, as one.
    package static let servedChunkBytes = 256 << 10

    /// How often served lists are written; a crash takes no more than this and one write.
    package static let servedListIntervalMS = 500

    /// Items over all pages of one list.
    package static let pagedItemsMax = 5_000

    /// Lists with several pages of which the last is known; beyond them all are forgotten, and
    /// events that name such a list count its first page only.
    package static let pagedListsMax = 100_000
}
