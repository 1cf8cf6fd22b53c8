import Engine
import Formats
import Journal
package import Primitives
package import Resources

/// What a dataset holds, counted exactly at one position.
package struct DatasetStatistics: Sendable {
    /// One column of the schema.
    package struct Column: Sendable {
        package var name: String
        /// Records that have a value there.
        package var filledCount: UInt64 = 0
        /// Different values; no more are told apart than `Limits.distinctValuesMax`.
        package var distinctCount = 0
        package var hasMoreValues = false
    }

    /// What interactions tell beside their columns.
    package struct Events: Sendable {
        /// Users who have any, and sessions that no user has joined.
        package var userCount: UInt64 = 0
        package var sessionCount: UInt64 = 0
        /// Items that have any.
        package var itemCount: UInt64 = 0
        package var withoutItemCount: UInt64 = 0
        package var first: Timestamp?
        package var last: Timestamp?
        /// The most frequent first.
        package var types: [(name: String, count: UInt64)] = []
    }

    package var kind: DatasetKind
    package var recordCount: UInt64 = 0
    package var bulkCount: UInt64 = 0
    /// The rows on disk before they are packed, keys included.
    package var byteCount: UInt64 = 0
    package var columns: [Column] = []
    package var events: Events?
    /// Users or items with a record and without any interaction.
    package var withoutInteractionsCount: UInt64 = 0
    /// What is thin, in words.
    package var warnings: [String] = []
}

/// Counts what the datasets of a group hold, from one snapshot.
///
/// Reads every row of the group. Confined to one thread.
package struct DatasetCount {
    private let snapshot: RecordSnapshot
    private let group: GroupIndex
    private let schemas: [Schema]
    private let typeName: (Int) -> String?
    private let isEnding: () -> Bool
    private var owners = ItemBitmap()
    private var items = ItemBitmap()

    private init(
        _ snapshot: RecordSnapshot,
        _ group: GroupIndex,
        _ schemas: [Schema],
        typeName: @escaping (Int) -> String?,
        isEnding: @escaping () -> Bool
    ) {
        self.snapshot = snapshot
        self.group = group
        self.schemas = schemas
        self.typeName = typeName
        self.isEnding = isEnding
    }

    /// What a group's datasets hold, and at which position.
    ///
    /// On any thread that may wait.
    package static func run(
        _ name: ResourceName,
        _ queue: JobQueue
    ) throws(Refusal) -> (position: LogPosition, datasets: [DatasetStatistics]) {
        let journal = queue.journal
        let (snapshot, group, schemas) = try queue.onWriter { () throws(Refusal) in
            guard case .datasetGroup(let group) = journal.engine.resources[name] else {
                throw .missing(name, "dataset group")
            }
            let schemas = DatasetKind.allCases.compactMap { journal.engine.schema(of: name, $0) }
            return (try journal.makeSnapshot(), group.index, schemas)
        }
        let store = journal.engine.group(group)
        var count = DatasetCount(
            snapshot,
            group,
            schemas,
            typeName: { store?.eventTypeName($0) },
            isEnding: { queue.isEnding }
        )
        let datasets: [DatasetStatistics]
        do throws(JournalError) {
            datasets = try count.datasets()
        } catch {
            throw Refusal(.unavailable, "the store could not be read: \(error)")
        }
        if queue.isEnding { throw Refusal(.unavailable, "the server is stopping") }
        return (snapshot.position, datasets)
    }

    private mutating func datasets() throws(JournalError) -> [DatasetStatistics] {
        var found: [DatasetStatistics] = []
        for schema in schemas {
            var one =
                schema.kind == .interactions ? try events(schema) : try entities(schema)
            one.warn(schema)
            found.append(one)
        }
        return found
    }

    private mutating func events(_ schema: Schema) throws(JournalError) -> DatasetStatistics {
        let ids = try snapshot.ownerIDs(of: group)
        let sessions = try snapshot.sessions(of: group)
        var statistics = DatasetStatistics(kind: .interactions)
        var facts = DatasetStatistics.Events()
        var columns = schema.fields.map { ColumnCount($0, schema) }
        var types: [UInt16: UInt64] = [:]
        var owners = ItemBitmap()
        var items = ItemBitmap()
        try snapshot.forEachEventRow(of: group) { owner, event, byteCount in
            statistics.recordCount += 1
            statistics.byteCount += UInt64(byteCount)
            if event.generation != 0 { statistics.bulkCount += 1 }
            owners.insert(Int(owner.rawValue))
            if let item = event.item {
                items.insert(Int(item.rawValue))
            } else {
                facts.withoutItemCount += 1
            }
            let time = event.record.occurredAt
            facts.first = min(facts.first ?? time, time)
            facts.last = max(facts.last ?? time, time)
            types[event.type.rawValue, default: 0] += 1
            let id = ids[owner] ?? ""
            for index in columns.indices {
                columns[index].add(columns[index].column.value(event, ownerID: id))
            }
            return statistics.recordCount & 0xFFFF != 0 || !isEnding()
        }
        self.owners = owners
        self.items = items
        facts.itemCount = UInt64(items.count)
        for (word, sessions) in zip(owners.words, sessions.words) {
            facts.sessionCount += UInt64((word & sessions).nonzeroBitCount)
        }
        facts.userCount = UInt64(owners.count) - facts.sessionCount
        facts.types = types.map { (typeName(Int($0.key)) ?? "", $0.value) }
            .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        statistics.events = facts
        statistics.columns = columns.map(\.told)
        return statistics
    }

    private func entities(_ schema: Schema) throws(JournalError) -> DatasetStatistics {
        var statistics = DatasetStatistics(kind: schema.kind)
        var columns = schema.fields.map { ColumnCount($0, schema) }
        let known = schema.kind == .items ? items : owners
        var last: UInt32?
        try snapshot.forEachEntityRow(of: group, schema.kind) { index, isBulk, record, byteCount in
            statistics.byteCount += UInt64(byteCount)
            // The record that was put comes first, and is the one that counts.
            if last == index { return true }
            last = index
            statistics.recordCount += 1
            if isBulk { statistics.bulkCount += 1 }
            if !known.contains(Int(index)) { statistics.withoutInteractionsCount += 1 }
            for place in columns.indices {
                columns[place].add(columns[place].column.value(record))
            }
            return statistics.recordCount & 0xFFFF != 0 || !isEnding()
        }
        statistics.columns = columns.map(\.told)
        return statistics
    }
}

/// The values of one column so far.
private struct ColumnCount {
    let column: RecordColumn
    private var statistics: DatasetStatistics.Column
    private var values: Set<CellValue> = []

    init(_ field: SchemaField, _ schema: Schema) {
        column = RecordColumn(field, schema)
        statistics = DatasetStatistics.Column(name: field.name)
    }

    mutating func add(_ value: CellValue) {
        guard value != .null else { return }
        statistics.filledCount += 1
        if statistics.hasMoreValues || values.contains(value) { return }
        if values.count == Limits.distinctValuesMax {
            statistics.hasMoreValues = true
        } else {
            values.insert(value)
        }
    }

    var told: DatasetStatistics.Column {
        var told = statistics
        told.distinctCount = values.count
        return told
    }
}

extension DatasetStatistics {
    /// What Amazon Personalize's dataset analysis warns of, as far as it matters here.
    fileprivate mutating func warn(_ schema: Schema) {
        if let events {
            if recordCount < 1_000 {
                warnings.append("\(recordCount) interactions; lists get better from 1,000 on")
            }
            if events.userCount < 25 {
                warnings.append(
                    "\(events.userCount) users have interactions; lists get better from 25 on"
                )
            }
            if events.types.count > 10 {
                warnings.append(
                    "\(events.types.count) event types; a solution may name those to learn from"
                )
            }
            if recordCount > 1, events.first == events.last {
                warnings.append("all interactions have the same time, so their order means nothing")
            }
        } else if recordCount > 0, withoutInteractionsCount * 2 > recordCount {
            let share = withoutInteractionsCount * 100 / recordCount
            warnings.append("\(share) % of the \(kind.collectionLabel) have no interactions")
        }
        let own = Set(schema.ownColumns.map(\.name))
        for column in columns where own.contains(column.name) && recordCount > 0 {
            let share = column.filledCount * 100 / recordCount
            if share < 70 {
                warnings.append("\(column.name) is filled in \(share) % of the records")
            }
        }
    }
}
