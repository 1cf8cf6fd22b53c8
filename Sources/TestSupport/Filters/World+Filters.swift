package import Engine
import Primitives
import Resources

extension World {
    /// Who asks, with what, and when.
    package struct Question: Hashable {
        package var user = ""
        /// Who asks when there is no user.
        package var session = ""
        package var item = ""
        package var values: [String: [String]] = [:]
        package var nowMS = World.now.milliseconds

        package init(
            user: String = "",
            session: String = "",
            item: String = "",
            values: [String: [String]] = [:],
            nowMS: Int64 = World.now.milliseconds
        ) {
            self.user = user
            self.session = session
            self.item = item
            self.values = values
            self.nowMS = nowMS
        }
    }

    /// The group's schemas as filters see them.
    package var filterSchemas: FilterSchemas {
        FilterSchemas(
            interactions: engine.schema(of: Self.group, .interactions),
            items: engine.schema(of: Self.group, .items),
            users: engine.schema(of: Self.group, .users)
        )
    }

    package func compiled(_ expression: String) throws(FilterErrors) -> CompiledFilter {
        try store.filters.filter(expression, root: store.currentRoot) {
            () throws(FilterErrors) in
            try CheckedFilter(parsing: expression, against: filterSchemas)
        }
    }

    /// The items that pass, by id.
    package func passing(
        _ expression: String,
        _ question: Question = Question(),
        _ scratch: FilterScratch = FilterScratch()
    ) throws(FilterErrors) -> [String] {
        let filter = try compiled(expression)
        let root = store.currentRoot
        let asker = question.user.isEmpty ? question.session : question.user
        let kind = question.user.isEmpty ? OwnerKind.session : .user
        let (_, record) = asker.withRawSpan { id in
            store.copyHistory(of: id, kind, into: scratch.history)
        }
        let item = question.item.withRawSpan { store.item(withID: $0) }
        let request = FilterRequest(
            group: store,
            root: root,
            arguments: try filter.checked.bind(question.values),
            nowMS: question.nowMS,
            user: asker.isEmpty
                ? nil
                : record ?? EntityRecord(id: asker, properties: RecordProperties()),
            currentItem: question.item.isEmpty
                ? nil
                : item.flatMap { root.record(of: $0) }
                    ?? EntityRecord(id: question.item, properties: RecordProperties())
        )
        var candidates = root.candidates
        filter.restrict(&candidates, request, scratch)
        return (0..<root.itemCount).filter { candidates.contains($0) }
            .map { root.id(of: ItemIndex(UInt32($0))) }.sorted()
    }

    package var store: GroupStore {
        guard let store = engine.group(named: Self.group) else {
            preconditionFailure("the group is never deleted")
        }
        return store
    }
}
