package import Resources

/// The columns that a filter may name, by dataset.
package struct FilterSchemas: Sendable {
    struct Column: Sendable {
        let info: FilterColumnInfo
        /// Why it can't be filtered on; empty when it can.
        let refusal: String
    }

    private(set) var columns: [FilterDataset: [String: Column]] = [:]

    /// From the schemas of a group's datasets, `nil` where there is no such dataset, and the fields
    /// of those of actions.
    package init(
        interactions: Schema? = nil,
        items: Schema? = nil,
        users: Schema? = nil,
        actions: [SchemaField]? = nil,
        actionInteractions: [SchemaField]? = nil
    ) {
        if let interactions {
            columns[.interactions] = Self.interactionColumns(interactions.ownColumns)
        }
        if let items {
            columns[.items] = Self.entityColumns("ITEM_ID", items)
            columns[.currentItem] = columns[.items]
        }
        if let users {
            columns[.users] = Self.entityColumns("USER_ID", users)
            columns[.currentUser] = columns[.users]
        }
        if let actions { columns[.actions] = Self.actionColumns(actions) }
        if let actionInteractions {
            columns[.actionInteractions] = Self.interactionColumns(
                actionInteractions.filter { !Self.actionInteractionReserved.contains($0.name) }
            )
        }
    }

    private static let actionInteractionReserved: Set<String> = [
        "USER_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP", "IMPRESSION", "RECOMMENDATION_ID",
    ]

    private static func usable(_ place: FilterColumnInfo.Place, _ type: FilterType) -> Column {
        Column(info: FilterColumnInfo(place: place, type: type), refusal: "")
    }

    /// What every interaction has, whatever its schema lists, and the schema's own columns.
    private static func interactionColumns(_ own: [SchemaField]) -> [String: Column] {
        var columns = ownColumns(own, isOpen: false)
        columns["EVENT_TYPE"] = usable(.eventType, .text(isMultiValued: false))
        columns["EVENT_VALUE"] = usable(.eventValue, .number)
        columns["TIMESTAMP"] = usable(.timestamp, .instant)
        return columns
    }

    private static func entityColumns(_ idName: String, _ schema: Schema) -> [String: Column] {
        var columns = ownColumns(schema.ownColumns, isOpen: schema.isOpen)
        columns[idName] = usable(.identifier, .text(isMultiValued: false))
        let hasCreation =
            schema.isOpen || schema.fields.contains { $0.foldedName == "creationtimestamp" }
        if schema.kind == .items, hasCreation {
            columns["CREATION_TIMESTAMP"] = usable(.creationTimestamp, .instant)
        }
        return columns
    }

    private static func actionColumns(_ fields: [SchemaField]) -> [String: Column] {
        let reserved: Set<String> = ["ACTION_ID", "CREATION_TIMESTAMP"]
        var columns = ownColumns(fields.filter { !reserved.contains($0.name) }, isOpen: false)
        columns["ACTION_ID"] = usable(.identifier, .text(isMultiValued: false))
        if fields.contains(where: { $0.name == "CREATION_TIMESTAMP" }) {
            columns["CREATION_TIMESTAMP"] = usable(.creationTimestamp, .instant)
        }
        let automatic = ["EXPIRATION_TIMESTAMP", "ACTION_EXPIRATION_TIMESTAMP", "REPEAT_FREQUENCY"]
        for name in automatic {
            if let column = columns[name] {
                columns[name] = Column(
                    info: column.info,
                    refusal: "it is applied to every answer by itself"
                )
            }
        }
        return columns
    }

    /// An open schema does not say which texts are categories: there, all may have several parts.
    private static func ownColumns(_ own: [SchemaField], isOpen: Bool) -> [String: Column] {
        var columns: [String: Column] = [:]
        for (index, field) in own.enumerated() {
            let type: FilterType =
                switch field.type {
                case .string: .text(isMultiValued: field.isCategorical || isOpen)
                case .int, .long, .float, .double: .number
                case .boolean: .boolean
                }
            columns[field.name] = Column(
                info: FilterColumnInfo(place: .own(index), type: type),
                refusal: field.isTextual ? "a textual column can't be filtered on" : ""
            )
        }
        return columns
    }
}
