/// The bounds of questions and of what answers them.
extension Limits {
    // MARK: Questions

    /// Items of one personalized ranking, as Personalize.
    package static let rankingInputMax = 500

    /// Questions of one batch: all are answered on one state.
    package static let batchQueriesMax = 100

    /// Questions of a batch that are answered before other calls of its loop get their turn.
    package static let batchQueriesPerTurn = 8

    // MARK: Related and trending items

    /// Neighbours that one item's row of counts keeps: 8 bytes each; no list is longer.
    package static let cooccurrenceRowMax = 500

    /// Items that one slice of a trend counts; rarer ones of a larger catalogue do not trend.
    package static let trendItemsMax = 65_536
}
