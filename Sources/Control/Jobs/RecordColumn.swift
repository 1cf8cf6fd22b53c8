import Engine
import Formats
import Primitives
import Resources

/// One column of a dataset's records, as its schema names it.
struct RecordColumn {
    private enum Source {
        case user, item, time, type, value, recommendation, impression, source, created
        case own(Int)
    }

    private let source: Source

    init(_ field: SchemaField, _ schema: Schema) {
        let folded = field.foldedName
        source =
            switch folded {
            case "userid": .user
            case "itemid": .item
            case "timestamp" where schema.kind == .interactions: .time
            case "eventtype" where schema.kind == .interactions: .type
            case "eventvalue" where schema.kind == .interactions: .value
            case "recommendationid" where schema.kind == .interactions: .recommendation
            case "impression" where schema.kind == .interactions: .impression
            case "eventattributionsource" where schema.kind == .interactions: .source
            case "creationtimestamp" where schema.kind == .items: .created
            default: .own(schema.ownColumns.firstIndex { $0.foldedName == folded } ?? 0)
            }
    }

    func value(_ event: StoredEvent, ownerID: String) -> CellValue {
        let record = event.record
        return switch source {
        case .user: .text(ownerID)
        case .item: record.itemID.isEmpty ? .null : .text(record.itemID)
        case .time: .seconds(milliseconds: record.occurredAt.milliseconds)
        case .type: .text(record.eventType)
        case .value: record.eventValue.map { .number($0) } ?? .null
        case .recommendation:
            record.recommendationID.isEmpty ? .null : .text(record.recommendationID)
        case .impression:
            record.impression.isEmpty ? .null : .text(record.impression.joined(separator: "|"))
        case .source: record.attributionSource.isEmpty ? .null : .text(record.attributionSource)
        case .created: .null
        case .own(let column): Self.value(record.properties, column)
        }
    }

    func value(_ record: EntityRecord) -> CellValue {
        switch source {
        case .user, .item: .text(record.id)
        case .created: record.createdAt.map { .seconds(milliseconds: $0.milliseconds) } ?? .null
        case .own(let column): Self.value(record.properties, column)
        case .time, .type, .value, .recommendation, .impression, .source: .null
        }
    }

    private static func value(_ properties: RecordProperties, _ column: Int) -> CellValue {
        guard column < properties.values.count else { return .null }
        return switch properties.values[column] {
        case .null: .null
        case .string(let text): .text(text)
        case .integer(let number): .integer(number)
        case .double(let number): .number(number)
        case .boolean(let flag): .boolean(flag)
        }
    }
}
