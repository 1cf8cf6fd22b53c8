package import Engine
import Primitives
import Recipes
import Resources

/// The records of a group's items as a training reads them: of one moment.
package struct ItemRecords: Sendable {
    package let root: GroupRoot
    package let tokenizer: ItemTokenizer
    /// Of users' records.
    package let userTokenizer: ItemTokenizer
    /// Of interactions' own columns.
    package let contextReader: ContextReader
}

/// Tells models what records say: of items, and of the context that events came in.
///
/// Confined to the writer's thread.
final class ItemDescriber {
    private let engine: DatasetEngine
    /// By solution, as long as no schema and no solution changes.
    private var readers: [ResourceName: Readers] = [:]
    /// By solution, the contexts of codes, as far as any was asked for; for as long.
    private var contexts: [ResourceName: [UInt32: [ContextValue]]] = [:]

    private struct Readers {
        let items: ItemTokenizer
        let users: ItemTokenizer
        let context: ContextReader
    }

    init(engine: DatasetEngine) {
        self.engine = engine
    }

    /// A resource is new or another one.
    func stored(_ kind: ResourceKind) {
        switch kind {
        case .solution, .schema, .dataset:
            readers = [:]
            contexts = [:]
        case .campaign, .solutionVersion, .datasetGroup, .eventTracker, .recipe,
            .datasetImportJob, .datasetExportJob, .dataDeletionJob, .filter:
            break
        }
    }

    func records(of solution: ResourceName, _ group: GroupIndex) -> ItemRecords? {
        guard let root = engine.group(group)?.currentRoot,
            let readers = readers(of: solution)
        else { return nil }
        return ItemRecords(
            root: root,
            tokenizer: readers.items,
            userTokenizer: readers.users,
            contextReader: readers.context
        )
    }

    /// Tells a model of a change of a history as its solution sees it.
    ///
    /// The entry has come if it `isNew`; otherwise it is about to go.
    func tell(
        _ change: HistoryChange,
        isNew: Bool,
        _ name: ResourceName,
        _ model: any TrainedModel,
        _ group: GroupIndex,
        _ selection: EventSelection?
    ) {
        var change = change
        if let selection {
            guard let seen = selection.selected(change, engine.group(group)) else { return }
            change = seen
        }
        let live = model.live
        if change.properties != 0, live.readsContext {
            let context = context(change.properties, name, group)
            isNew ? live.observe(change, in: context) : live.retract(change, in: context)
        } else {
            isNew ? live.observe(change) : live.retract(change)
        }
    }

    private func context(
        _ code: UInt32,
        _ name: ResourceName,
        _ group: GroupIndex
    ) -> [ContextValue] {
        guard let solution = Self.solution(of: name) else { return [] }
        if let known = contexts[solution]?[code] { return known }
        guard let store = engine.group(group), let readers = readers(of: solution) else {
            return []
        }
        let values = readers.context.values(of: store.eventProperties(code))
        if contexts[solution, default: [:]].count >= Limits.rememberedContextsMax {
            contexts[solution] = [:]
        }
        contexts[solution]?[code] = values
        return values
    }

    /// Of a version's name, or the name itself.
    private static func solution(of name: ResourceName) -> ResourceName? {
        name.text.contains("/versions/") ? name.parent : name
    }

    /// Of the items alone; `name` is the model's, a version's or a solution's.
    func describe(
        _ items: some Sequence<ItemIndex>,
        _ name: ResourceName,
        _ model: any TrainedModel,
        _ group: GroupIndex
    ) {
        guard model.live.readsItems,
            let solution = Self.solution(of: name),
            let records = records(of: solution, group)
        else { return }
        for item in items where Int(item.rawValue) < records.root.itemCount {
            let tokens = records.tokenizer.tokens(of: records.root.record(of: item))
            model.live.describe(item, tokens)
        }
    }

    /// O(items) and their tokens: when a model begins, or was read.
    func describeAll(_ name: ResourceName, _ model: any TrainedModel, _ group: GroupIndex) {
        let count = engine.group(group)?.currentRoot.itemCount ?? 0
        describe((0..<UInt32(count)).lazy.map { ItemIndex($0) }, name, model, group)
    }

    private func readers(of solution: ResourceName) -> Readers? {
        if let known = readers[solution] { return known }
        guard case .solution(let resource) = engine.resources[solution] else { return nil }
        func made(_ kind: DatasetKind) -> ItemTokenizer {
            ItemTokenizer(engine.schema(of: resource.group, kind), resource.config, kind)
        }
        let context = ContextReader(
            engine.schema(of: resource.group, .interactions),
            resource.config
        )
        let readers = Readers(items: made(.items), users: made(.users), context: context)
        self.readers[solution] = readers
        return readers
    }
}
