import Engine
import Primitives
import Recipes
import Resources

/// What a question asks of its list beyond the items, checked against the schemas.
struct ListWishes {
    let page: ServedPage?
    let columns: [AnswerColumn]
    let diversity: Diversity?
    /// What the question's own columns say, as far as the model goes by them.
    var context: [ContextValue] = []
}

extension RecommendationPipeline {
    func wishes(
        of query: RecommendationQuery,
        _ runtime: CampaignRuntime
    ) throws(Refusal) -> ListWishes {
        let page = try page(of: query)
        let asksOfItems =
            !query.metadataColumns.isEmpty || !query.maxPerAttribute.isEmpty || query.diversity != 0
        guard asksOfItems || !query.context.isEmpty, let group = runtime.campaign.parent else {
            return ListWishes(page: page, columns: [], diversity: nil)
        }
        try check(query.context, group)
        let context = runtime.contextReader?.values(of: query.context) ?? []
        guard asksOfItems else {
            return ListWishes(page: page, columns: [], diversity: nil, context: context)
        }
        let items = AnswerColumns(try schema(of: group, .items, "metadata_columns"))
        var columns: [AnswerColumn] = []
        for (index, name) in query.metadataColumns.enumerated() {
            columns.append(try items.column(name, "metadata_columns[\(index)]"))
        }
        return ListWishes(
            page: page,
            columns: columns,
            diversity: try diversity(query, items),
            context: context
        )
    }

    private func diversity(
        _ query: RecommendationQuery,
        _ items: AnswerColumns
    ) throws(Refusal) -> Diversity? {
        guard (0...1).contains(query.diversity) else {
            throw .invalid("diversity", "is \(query.diversity); 0 to 1 are allowed")
        }
        guard query.diversity > 0 || !query.maxPerAttribute.isEmpty else { return nil }
        guard query.maxPerAttribute.count <= Limits.limitedAttributesMax else {
            throw .invalid(
                "max_per_attribute",
                "has \(query.maxPerAttribute.count) columns; at most "
                    + "\(Limits.limitedAttributesMax) are allowed"
            )
        }
        var limits: [Diversity.Limit] = []
        for (index, limit) in query.maxPerAttribute.enumerated() {
            let field = "max_per_attribute[\(index)]"
            guard limit.count >= 1 else {
                throw .invalid("\(field).max", "is \(limit.count); 1 or more are allowed")
            }
            let column = try items.column(limit.column, "\(field).column")
            limits.append(Diversity.Limit(column: column, count: limit.count))
        }
        return Diversity(
            weight: Float(query.diversity),
            limits: limits,
            categories: query.diversity > 0 ? items.categorical : []
        )
    }

    /// Holds the context of a question to the columns of the interactions.
    private func check(_ context: [String: String], _ group: ResourceName) throws(Refusal) {
        guard !context.isEmpty else { return }
        guard context.count <= Limits.contextPairsMax else {
            throw .invalid(
                "context",
                "has \(context.count) pairs; at most \(Limits.contextPairsMax) are allowed"
            )
        }
        let columns = try schema(of: group, .interactions, "context").ownColumns
        for (name, value) in context.sorted(by: { $0.key < $1.key }) {
            let field = "context.\(name.prefix(150))"
            let folded = SchemaField.fold(name)
            guard let column = columns.first(where: { $0.foldedName == folded }) else {
                let names = columns.map(\.name).joined(separator: ", ")
                throw .invalid(
                    field,
                    "is no column of the interactions schema's own, which are "
                        + (names.isEmpty ? "none" : names)
                )
            }
            guard value.unicodeScalars.count <= Limits.valueCharactersMax else {
                throw .invalid(field, "has more than 1,000 characters")
            }
            guard Self.fits(value, column.type) else {
                throw .invalid(field, "'\(value.prefix(100))' is no \(column.type)")
            }
        }
    }

    private static func fits(_ value: String, _ type: FieldType) -> Bool {
        switch type {
        case .string: true
        case .int: Int32(value) != nil
        case .long: Int64(value) != nil
        case .float, .double: Double(value)?.isFinite ?? false
        case .boolean: ["true", "false"].contains(value.lowercased())
        }
    }

    private func schema(
        of group: ResourceName,
        _ kind: DatasetKind,
        _ field: String
    ) throws(Refusal) -> Schema {
        guard let schema = engine.schema(of: group, kind) else {
            throw .invalid(field, "the group has no dataset of \(kind.collectionLabel)")
        }
        return schema
    }
}
