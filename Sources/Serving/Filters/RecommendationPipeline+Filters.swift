package import Engine
import Primitives
import Resources

/// A filter ready for one question.
package struct BoundFilter: Sendable {
    package let filter: CompiledFilter
    package let arguments: FilterArguments
}

/// All filters of one question.
struct QuestionFilters: Sendable {
    /// The campaign's own: holds for promoted items too.
    var campaign: BoundFilter?
    /// The question's: holds for all items but the promoted ones.
    var question: BoundFilter?
    /// The promotion's: holds for its items only.
    var promotion: BoundFilter?

    var isEmpty: Bool { campaign == nil && question == nil }
}

/// Who asks, as far as filters want to know.
struct FilterSubject {
    /// Whose history it is; `nil`: nobody's that is known.
    var owner: (id: String, kind: OwnerKind)?
    var userID: String
    var itemID: String
    var now: Timestamp
}

/// Which items may be in an answer.
extension RecommendationPipeline {
    /// The filters of a question, checked and with their values.
    func filters(
        of query: RecommendationQuery,
        _ runtime: CampaignRuntime,
        _ group: GroupStore,
        _ root: GroupRoot
    ) throws(Refusal) -> QuestionFilters {
        var filters = QuestionFilters()
        let quotas = engine.filterQuotas
        if !query.ignoresDefaultFilter,
            case .campaign(let campaign) = engine.resources[runtime.campaign],
            let name = campaign.defaultFilter
        {
            filters.campaign = try bind(
                QuestionFilter(name: name.text, values: campaign.defaultFilterValues),
                "the campaign's default_",
                within: FilterQuotas(),
                runtime,
                group,
                root
            )
        }
        if !query.filter.isAbsent || !query.filter.values.isEmpty {
            let bound = try bind(query.filter, "", within: quotas, runtime, group, root)
            try Self.checkNeeds(bound, "filter", query)
            filters.question = bound
        }
        if let promotion = query.promotion {
            let bound = try bind(
                promotion.filter,
                "promotions[0].",
                within: quotas,
                runtime,
                group,
                root
            )
            try Self.checkNeeds(bound, "promotions[0].filter", query)
            filters.promotion = bound
        }
        return filters
    }

    private static func checkNeeds(
        _ bound: BoundFilter,
        _ field: String,
        _ query: RecommendationQuery
    ) throws(Refusal) {
        let checked = bound.filter.checked
        if checked.needsUser && query.userID.isEmpty && query.sessionID.isEmpty {
            throw .invalid("user_id", "is required by '\(field)', or a session_id")
        }
        if checked.needsItem && query.seedItem.isEmpty {
            throw .invalid("item_id", "is required by '\(field)', which names CurrentItem")
        }
    }

    /// One filter of items; `path` is where its fields begin, and `quotas` bound what comes with
    /// the question: filters and values that are kept stay as they are.
    private func bind(
        _ asked: QuestionFilter,
        _ path: String,
        within quotas: FilterQuotas,
        _ runtime: CampaignRuntime,
        _ group: GroupStore,
        _ root: GroupRoot
    ) throws(Refusal) -> BoundFilter {
        if let bound = try found(asked, path, within: quotas, runtime, group, root) { return bound }
        throw .invalid(
            asked.name.isEmpty ? "\(path)filter_expression" : "\(path)filter",
            "is not about items; an answer holds items, so that it begins INCLUDE ItemID or "
                + "EXCLUDE ItemID"
        )
    }

    /// Finds, compiles and fills in one filter; `nil` when it is about users or actions.
    private func found(
        _ asked: QuestionFilter,
        _ path: String,
        within quotas: FilterQuotas,
        _ runtime: CampaignRuntime,
        _ group: GroupStore,
        _ root: GroupRoot
    ) throws(Refusal) -> BoundFilter? {
        guard let groupName = runtime.campaign.parent else {
            throw .missing(runtime.campaign, "campaign")
        }
        guard asked.name.isEmpty != asked.expression.isEmpty else {
            throw .invalid(
                "\(path)filter",
                asked.isAbsent
                    ? "is required, or \(path)filter_expression"
                    : "and \(path)filter_expression were both given; one of them is allowed"
            )
        }
        let field = asked.name.isEmpty ? "\(path)filter_expression" : "\(path)filter"
        let expression =
            asked.name.isEmpty
            ? asked.expression : try self.expression(named: asked.name, groupName, field)
        var isOfValues = false
        do throws(FilterErrors) {
            let filter = try compiled(
                expression,
                within: asked.name.isEmpty ? quotas : FilterQuotas(),
                groupName,
                group,
                root
            )
            isOfValues = true
            let bound = BoundFilter(
                filter: filter,
                arguments: try filter.checked.bind(asked.values, valuesMax: quotas.valuesMax)
            )
            guard bound.filter.checked.expression.target == .item else { return nil }
            return bound
        } catch {
            throw isOfValues
                ? error.refusal(valuesField: "\(path)filter_values")
                : error.refusal(field: field)
        }
    }

    /// An expression ready to be asked with `root`.
    private func compiled(
        _ expression: String,
        within quotas: FilterQuotas,
        _ groupName: ResourceName,
        _ group: GroupStore,
        _ root: GroupRoot
    ) throws(FilterErrors) -> CompiledFilter {
        try group.filters.filter(expression, root: root) {
            () throws(FilterErrors) in
            try CheckedFilter(
                reading: expression,
                against: engine.filterSchemas(of: groupName),
                within: quotas
            )
        }
    }

    private func expression(
        named text: String,
        _ group: ResourceName,
        _ field: String
    ) throws(Refusal) -> String {
        let name = try ResourceName(parsing: text, as: .filter, field: field)
        guard case .filter(let filter) = engine.resources[name] else {
            throw .missing(name, "filter")
        }
        guard filter.group == group else {
            throw .invalid(field, "'\(name)' is a filter of another dataset group")
        }
        guard filter.header.status == .active else {
            throw Refusal(
                .resourceInUse,
                "the filter '\(name)' is not ACTIVE",
                resource: name.text
            )
        }
        return filter.expression
    }

    // MARK: Evaluation

    /// Takes what does not pass from `candidates`; `promoted` becomes what a promotion may show.
    func restrict(
        _ candidates: inout ItemBitmap,
        _ promoted: inout ItemBitmap?,
        with filters: QuestionFilters,
        _ subject: FilterSubject,
        _ group: GroupStore,
        _ root: GroupRoot
    ) {
        promoted = nil
        guard !filters.isEmpty || filters.promotion != nil else { return }
        filterScratches.with { scratch in
            let all = [filters.campaign, filters.question, filters.promotion].compactMap { $0 }
            var request = self.request(
                subject,
                group,
                root,
                readsHistory: all.contains { $0.filter.readsHistory },
                scratch
            )
            func restrict(_ bitmap: inout ItemBitmap, _ bound: BoundFilter) {
                request.arguments = bound.arguments
                bound.filter.restrict(&bitmap, request, scratch)
            }
            if let bound = filters.campaign { restrict(&candidates, bound) }
            if let bound = filters.promotion {
                var some = candidates
                restrict(&some, bound)
                promoted = some
            }
            if let bound = filters.question { restrict(&candidates, bound) }
        }
    }

    /// Those of some ids that no item has which may be in an answer.
    func passing(
        _ ids: [String],
        _ filters: QuestionFilters,
        _ subject: FilterSubject,
        _ group: GroupStore,
        _ root: GroupRoot
    ) -> [String] {
        filterScratches.with { scratch in
            let bounds = [filters.campaign, filters.question].compactMap { $0 }
            var request = request(
                subject,
                group,
                root,
                readsHistory: bounds.contains { $0.filter.readsHistory },
                scratch
            )
            return bounds.reduce(ids) { ids, bound in
                request.arguments = bound.arguments
                return bound.filter.passing(ids, request, scratch)
            }
        }
    }

    /// What filters need to know of a question, read from the state of `root`.
    func request(
        _ subject: FilterSubject,
        _ group: GroupStore,
        _ root: GroupRoot,
        readsHistory: Bool,
        _ scratch: FilterScratch
    ) -> FilterRequest {
        var user: EntityRecord?
        if let owner = subject.owner {
            user =
                owner.id.withRawSpan { id in
                    group.copyHistory(
                        of: id,
                        owner.kind,
                        into: readsHistory ? scratch.history : nil
                    )
                }.record
        } else {
            scratch.history.removeAll()
        }
        if user == nil, !subject.userID.isEmpty {
            user = EntityRecord(id: subject.userID, properties: RecordProperties())
        }
        var item: EntityRecord?
        if !subject.itemID.isEmpty {
            let index = subject.itemID.withRawSpan { group.item(withID: $0) }
            item =
                index.flatMap { root.record(of: $0) }
                ?? EntityRecord(id: subject.itemID, properties: RecordProperties())
        }
        return FilterRequest(
            group: group,
            root: root,
            nowMS: subject.now.milliseconds,
            user: user,
            currentItem: item
        )
    }
}
