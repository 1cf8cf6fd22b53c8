internal import Primitives
internal import Wire

/// What one dataset holds, counted exactly.
public struct DatasetStatistics: Hashable, Sendable, Codable {
    /// What one column holds.
    public struct Column: Hashable, Sendable, Codable {
        /// As the schema has it.
        public var name: String
        /// Records that have a value there.
        public var filledCount: UInt64
        /// Different values; at most 100,000 are told apart.
        public var distinctCount: UInt64
        /// There are more.
        public var hasMoreValues: Bool
    }

    /// How often an event type was put.
    public struct EventType: Hashable, Sendable, Codable {
        /// As it was spelled first.
        public var name: String
        /// Interactions of it.
        public var count: UInt64
    }

    /// The dataset's resource name.
    public var dataset: String
    /// Records that count.
    public var recordCount: UInt64
    /// Of these, those that import jobs brought.
    public var bulkCount: UInt64
    /// Bytes of the rows on disk before they are packed.
    public var byteCount: UInt64
    /// The columns of the schema.
    public var columns: [Column]
    /// Users who have interactions.
    public var userCount: UInt64
    /// Sessions that have interactions and no user.
    public var sessionCount: UInt64
    /// Items that have interactions.
    public var itemCount: UInt64
    /// The time of the oldest interaction, in milliseconds.
    public var firstEventMS: Int64?
    /// The time of the newest interaction, in milliseconds.
    public var lastEventMS: Int64?
    /// The most frequent first.
    public var eventTypes: [EventType]
    /// Users or items with a record and without interactions.
    public var withoutInteractionsCount: UInt64
    /// What is thin, in words.
    public var warnings: [String]
}

extension BowerbirdClient {
    /// Counts what the datasets of a group hold, all at one position.
    ///
    /// - Parameter group: The group's resource name.
    /// - Returns: One for each dataset, and the position.
    /// - Throws: `ClientError` when it was refused.
    public func datasetStatistics(
        of group: String
    ) async throws(ClientError) -> (datasets: [DatasetStatistics], position: UInt64) {
        try await call(
            "/bowerbird.v1.DatasetsService/GetDatasetStatistics",
            { GetDatasetStatisticsRequestBuilder(into: $0).datasetGroup(group) }
        ) { (bytes, arena) throws(WireError) in
            let view = try GetDatasetStatisticsResponseView(unpacking: bytes, into: arena)
            let datasets = (0..<view.datasetsCount).map { DatasetStatistics(view.datasets($0)) }
            return (datasets, view.position)
        }
    }
}

extension DatasetStatistics {
    fileprivate init(_ view: borrowing DatasetStatisticsView) {
        dataset = view.dataset.string
        recordCount = view.recordCount
        bulkCount = view.bulkCount
        byteCount = view.byteCount
        userCount = view.userCount
        sessionCount = view.sessionCount
        itemCount = view.itemCount
        firstEventMS = view.hasFirstEvent ? Self.milliseconds(view.firstEvent) : nil
        lastEventMS = view.hasLastEvent ? Self.milliseconds(view.lastEvent) : nil
        withoutInteractionsCount = view.withoutInteractionsCount
        columns = []
        for index in 0..<view.columnsCount {
            let column = view.columns(index)
            columns.append(
                Column(
                    name: column.name.string,
                    filledCount: column.filledCount,
                    distinctCount: column.distinctCount,
                    hasMoreValues: column.hasMoreValues
                )
            )
        }
        eventTypes = []
        for index in 0..<view.eventTypesCount {
            let type = view.eventTypes(index)
            eventTypes.append(EventType(name: type.eventType.string, count: type.count))
        }
        warnings = (0..<view.warningsCount).map { view.warnings($0).string }
    }

    private static func milliseconds(_ view: borrowing TimestampView) -> Int64 {
        view.seconds * 1_000 + Int64(view.nanos) / 1_000_000
    }
}
