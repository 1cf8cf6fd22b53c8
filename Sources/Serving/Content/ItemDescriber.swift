package import Engine
import Primitives
import Recipes
import Resources

/// The records of a group's items as a training reads them: of one moment.
package struct ItemRecords: Sendable {
    package let root: GroupRoot
    package let tokenizer: ItemTokenizer
}

/// Tells models what items' records say.
///
/// Confined to the writer's thread.
final class ItemDescriber {
    private let engine: DatasetEngine
    /// By solution, as long as no schema and no solution changes.
    private var tokenizers: [ResourceName: ItemTokenizer] = [:]

    init(engine: DatasetEngine) {
        self.engine = engine
    }

    /// A resource is new or another one.
    func stored(_ kind: ResourceKind) {
        switch kind {
        case .solution, .schema, .dataset: tokenizers = [:]
        case .campaign, .solutionVersion, .datasetGroup, .eventTracker, .recipe,
            .datasetImportJob, .datasetExportJob, .dataDeletionJob, .filter:
            break
        }
    }

    func records(of solution: ResourceName, _ group: GroupIndex) -> ItemRecords? {
        guard let root = engine.group(group)?.currentRoot,
            let tokenizer = tokenizer(of: solution)
        else { return nil }
        return ItemRecords(root: root, tokenizer: tokenizer)
    }

    /// Of the items alone; `name` is the model's, a version's or a solution's.
    func describe(
        _ items: some Sequence<ItemIndex>,
        _ name: ResourceName,
        _ model: any TrainedModel,
        _ group: GroupIndex
    ) {
        guard model.live.readsItems,
            let solution = name.text.contains("/versions/") ? name.parent : name,
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

    private func tokenizer(of solution: ResourceName) -> ItemTokenizer? {
        if let known = tokenizers[solution] { return known }
        guard case .solution(let resource) = engine.resources[solution] else { return nil }
        let made = ItemTokenizer(engine.schema(of: resource.group, .items), resource.config)
        tokenizers[solution] = made
        return made
    }
}
