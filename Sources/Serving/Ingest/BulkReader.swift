package import Engine
package import Formats
package import Primitives
package import Resources

/// Makes records of the rows of a file.
///
/// What a row says is checked against schema and limits, by the rules of single records; a bad row
/// is listed and the others count. Confined to one thread.
package struct BulkReader {
    /// Where the cells of a column go.
    enum Target: Hashable {
        case user, item, time, type, value, recommendation, impression, source, created
        case own(Int)
        /// Of no column of the schema: the place in the file.
        case unknown(Int)
    }

    package struct Checked: Sendable {
        package var records: BulkRecords
        /// The places of good rows.
        package var count: Int
        package var rejected: [RejectedRow]
    }

    let index: SchemaIndex
    let eventType: String
    let file: String
    /// Of files in which a row may leave columns out.
    let isRagged: Bool
    let limits: RecordLimits
    private var targets: [Target] = []
    private(set) var names: [String] = []
    private var has: Set<Target> = []
    /// Some row may name what the schema does not have, or one column in two spellings.
    private var hasStrangers = false
    /// Event types by their bytes in the file; the last one is mostly the next.
    var lastType: (bytes: [UInt8], index: UInt16) = ([], 0)

    /// - Parameters:
    ///   - index: The dataset's schema.
    ///   - eventType: The type of events whose row names none.
    ///   - file: How lists of refused rows name the file.
    ///   - isRagged: Whether rows may leave columns out, as JSON documents do.
    ///   - limits: How far ahead of the clock events may be.
    package init(
        _ index: SchemaIndex,
        eventType: String,
        file: String,
        isRagged: Bool,
        limits: RecordLimits = RecordLimits()
    ) {
        self.limits = limits
        self.index = index
        self.eventType = eventType
        self.file = file
        self.isRagged = isRagged
    }

    // MARK: Columns

    /// The columns that the schema does not have; an open one may grow them.
    ///
    /// Of a ragged file only those that a schema can have: rows with others are refused.
    package static func unknownColumns(
        _ columns: [String],
        _ schema: Schema,
        isRagged: Bool
    ) -> [String] {
        var known = Set(schema.fields.map(\.foldedName))
        return columns.filter { column in
            let folded = SchemaField.fold(column)
            if known.contains(folded) || Schema.isReserved(folded, schema.kind) { return false }
            guard isRagged else { return true }
            return SchemaField.isName(column) && known.insert(folded).inserted
        }
    }

    /// Says what the columns of the file are, as far as they are known by now.
    ///
    /// - Throws: When one is not in the schema or stands there twice, or a needed one is missing.
    ///   Of a ragged file the rows alone that have such a value are refused, later.
    package mutating func take(columns: [String]) throws(Refusal) {
        for column in columns.dropFirst(targets.count) {
            let target = try target(of: column)
            let isNew = has.insert(target).inserted
            if isRagged {
                if case .unknown = target { hasStrangers = true }
                if !isNew { hasStrangers = true }
            } else if !isNew {
                throw Refusal(
                    .invalidInput,
                    "\(file): the column '\(column.prefix(150))' stands there twice"
                )
            }
            targets.append(target)
            names.append(column)
        }
        if isRagged { return }
        let missing = required.filter { !has.contains($0.target) }.map(\.name)
        if !missing.isEmpty {
            throw Refusal(
                .invalidInput,
                "Input \(file) is missing the following columns:"
                    + "[\(missing.joined(separator: ", "))]."
            )
        }
    }

    private func target(of column: String) throws(Refusal) -> Target {
        let folded = SchemaField.fold(column)
        switch (index.schema.kind, folded) {
        case (.interactions, "userid"), (.users, "userid"): return .user
        case (.interactions, "itemid"), (.items, "itemid"): return .item
        case (.interactions, "timestamp"): return .time
        case (.interactions, "eventtype"): return .type
        case (.interactions, "eventvalue"): return .value
        case (.interactions, "recommendationid"): return .recommendation
        case (.interactions, "impression"): return .impression
        case (.interactions, "eventattributionsource"): return .source
        case (.items, "creationtimestamp"): return .created
        default:
            if let column = index.columnByName[folded] { return .own(column) }
        }
        if isRagged { return .unknown(targets.count) }
        throw Refusal(
            .invalidInput,
            "\(file): the column '\(column.prefix(150))' is not in the schema, which has "
                + index.schema.fields.map(\.name).joined(separator: ", ")
        )
    }

    /// The columns that no file can do without.
    private var required: [(target: Target, name: String)] {
        var all: [(Target, String)] =
            switch index.schema.kind {
            case .interactions:
                [(.user, "USER_ID"), (.item, "ITEM_ID"), (.time, "TIMESTAMP")]
            case .items: [(.item, "ITEM_ID")]
            case .users: [(.user, "USER_ID")]
            }
        for (position, column) in index.columns.enumerated() where !column.isNullable {
            all.append((.own(position), column.name))
        }
        return all
    }

    // MARK: Rows

    /// Checks the rows of a block; `now` bounds the times of events.
    package mutating func check(_ block: consuming CellBlock, now: Timestamp) -> Checked {
        var rejected = block.refused.map { one in
            RejectedRow(
                file: file,
                line: one.line,
                column: "",
                reason: "byte \(one.column) of the line: \(one.reason)"
            )
        }
        let checked =
            index.schema.kind == .interactions
            ? events(&block, now, &rejected) : entities(block, &rejected)
        rejected.sort { $0.line < $1.line }
        return Checked(records: checked.records, count: checked.count, rejected: rejected)
    }

    /// The cells of a row with their targets; `nil` when there are too many or too few.
    func cells(
        _ row: CellBlock.Row,
        _ block: CellBlock,
        _ rejected: inout [RejectedRow]
    ) -> Zip2Sequence<ArraySlice<CellBlock.Cell>, [Target]>? {
        let isWhole =
            isRagged ? Int(row.cellCount) <= targets.count : Int(row.cellCount) == targets.count
        guard isWhole else {
            rejected.append(
                RejectedRow(
                    file: file,
                    line: row.line,
                    column: "",
                    reason: "has \(row.cellCount) cells; the header has \(targets.count)"
                )
            )
            return nil
        }
        if hasStrangers, let stranger = stranger(row, block) {
            rejected.append(stranger)
            return nil
        }
        return zip(block.cells(of: row), targets)
    }

    /// What refuses a row for its columns alone.
    private func stranger(_ row: CellBlock.Row, _ block: CellBlock) -> RejectedRow? {
        var seen: Set<Target> = []
        for (place, cell) in block.cells(of: row).enumerated() where !cell.isNull {
            let reason: String
            if case .unknown = targets[place] {
                let known = index.schema.fields.map(\.name).joined(separator: ", ")
                reason =
                    SchemaField.isName(names[place])
                    ? "is not in the schema, which has \(known)"
                    : "can't be a column: 1 to 150 letters, digits and '_', no digit first"
            } else if !seen.insert(targets[place]).inserted {
                reason = "stands there twice, in other spellings"
            } else {
                continue
            }
            let column = String(names[place].prefix(150))
            return RejectedRow(file: file, line: row.line, column: column, reason: reason)
        }
        return nil
    }

    /// Lists a row as refused.
    func reject(
        _ row: CellBlock.Row,
        _ problem: CellProblem,
        _ rejected: inout [RejectedRow]
    ) {
        rejected.append(
            RejectedRow(
                file: file,
                line: row.line,
                column: problem.target.map(name) ?? "",
                reason: problem.reason
            )
        )
    }

    /// The file's own name of a column, or the schema's where the file has none.
    private func name(_ target: Target) -> String {
        if let place = targets.firstIndex(of: target) { return names[place] }
        return required.first { $0.target == target }?.name ?? ""
    }

    private func entities(
        _ block: CellBlock,
        _ rejected: inout [RejectedRow]
    ) -> (records: BulkRecords, count: Int) {
        var records: [EntityRecord] = []
        records.reserveCapacity(block.rows.count)
        for row in block.rows {
            guard let cells = cells(row, block, &rejected) else { continue }
            do throws(CellProblem) {
                records.append(try entity(cells, block))
            } catch {
                reject(row, error, &rejected)
            }
        }
        return (.entities(index.schema.kind, records), records.count)
    }

    private func entity(
        _ cells: Zip2Sequence<ArraySlice<CellBlock.Cell>, [Target]>,
        _ block: CellBlock
    ) throws(CellProblem) -> EntityRecord {
        var record = EntityRecord(id: "", properties: RecordProperties())
        for (cell, target) in cells where !cell.isNull {
            switch target {
            case .user, .item:
                try CellText.checkID(cell, block, target)
                record.id = block.string(cell)
            case .created:
                record.createdAt = try CellText.time(cell, block, target)
            case .own(let column):
                try set(column, cell, block, in: &record.properties)
            case .time, .type, .value, .recommendation, .impression, .source, .unknown: break
            }
        }
        let id: Target = index.schema.kind == .users ? .user : .item
        if record.id.isEmpty { throw CellProblem(target: id, reason: "is required") }
        try finish(&record.properties)
        return record
    }

    /// Puts a cell in its column.
    func set(
        _ column: Int,
        _ cell: CellBlock.Cell,
        _ block: CellBlock,
        in properties: inout RecordProperties
    ) throws(CellProblem) {
        while properties.values.count <= column { properties.values.append(.null) }
        let field = index.columns[column]
        guard let value = CellText.value(block.string(cell), field) else {
            let shown = block.string(cell).prefix(60)
            throw CellProblem(
                target: .own(column),
                reason: field.type == .string
                    ? "has more than \(Limits.valueCharactersMax) characters"
                    : "is '\(shown)'; \(field.name) is of type \(field.type)"
            )
        }
        properties.values[column] = value
    }

    /// What is missing is null, where the schema allows it.
    func finish(_ properties: inout RecordProperties) throws(CellProblem) {
        for (position, column) in index.columns.enumerated() where !column.isNullable {
            let isThere =
                position < properties.values.count && properties.values[position] != .null
            if !isThere { throw CellProblem(target: .own(position), reason: "is required") }
        }
        while properties.values.last == .null { properties.values.removeLast() }
    }
}

/// Why a row is refused: the column, where it is about one, and what is wrong.
struct CellProblem: Error {
    var target: BulkReader.Target?
    var reason: String
}
