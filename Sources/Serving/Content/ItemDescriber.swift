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
}

/// Tells models what items' records say.
///
/// Confined to the writer's thread.
final class ItemDescriber {
    private let engine: DatasetEngine
    /// By solution, as long as no schema and no solution changes.
    private var tokenizers: [ResourceName: (items: ItemTokenizer, users: ItemTokenizer)] = [:]

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
            let (items, users) = tokenizers(of: solution)
        else { return nil }
        return ItemRecords(root: root, tokenizer: items, userTokenizer: users)
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

    private func tokenizers(
        of solution: ResourceName
    ) -> (items: ItemTokenizer, users: ItemTokenizer)? {
        if let known = tokenizers[solution] { return known }
        guard case .solution(let resource) = engine.resources[solution] else { return nil }
        func made(_ kind: DatasetKind) -> ItemTokenizer {
            ItemTokenizer(engine.schema(of: resource.group, kind), resource.config, kind)
        }
        let made = (items: made(.items), users: made(.users))
        tokenizers[solution] = made
        return made
    }
}
