package import Primitives
package import Recipes
package import Resources

/// What answers for a campaign: immutable, swapped as a whole.
package final class CampaignRuntime: Sendable {
    package let campaign: ResourceName
    package let group: GroupIndex
    package let kind: RecipeCatalog.Kind
    package let model: any TrainedModel
    /// What the model is: a version's name, or a solution's before it has one.
    let version: ResourceName
    /// `nil` where the recipe does not explore.
    let exploration: ExplorationSettings?
    let exposure: ItemExposure
    /// What users' records say; `nil` where the model doesn't ask.
    let userTokenizer: ItemTokenizer?
    /// What own columns of interactions say; `nil` where the model doesn't ask.
    let contextReader: ContextReader?
    /// The events that the model looks at; `nil`: all.
    let selection: EventSelection?

    init(
        campaign: ResourceName,
        group: GroupIndex,
        kind: RecipeCatalog.Kind,
        model: any TrainedModel,
        version: ResourceName,
        exploration: ExplorationSettings?,
        exposure: ItemExposure,
        selection: EventSelection?,
        userTokenizer: ItemTokenizer? = nil,
        contextReader: ContextReader? = nil
    ) {
        self.contextReader = contextReader
        self.userTokenizer = userTokenizer
        self.campaign = campaign
        self.group = group
        self.kind = kind
        self.model = model
        self.version = version
        self.exploration = exploration
        self.exposure = exposure
        self.selection = selection
    }
}

/// Every campaign that can answer now.
package final class ServingTable: Sendable {
    private final class Snapshot: Sendable {
        let runtimes: [String: CampaignRuntime]
        /// By rising bytes.
        let names: [String]

        init(_ runtimes: [String: CampaignRuntime]) {
            self.runtimes = runtimes
            names = runtimes.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    private let published = Published(Snapshot([:]))

    package init() {}

    package func runtime(for campaign: String) -> CampaignRuntime? {
        published.current.runtimes[campaign]
    }

    /// The name of a campaign with these bytes; `nil` for one that can't answer.
    ///
    /// O(log campaigns); allocates nothing.
    func name(_ bytes: RawSpan) -> String? {
        let names = published.current.names
        var low = 0
        var high = names.count
        while low < high {
            let middle = (low + high) / 2
            switch names[middle].withRawSpan({ $0.compare(to: bytes) }) {
            case 0: return names[middle]
            case ..<0: low = middle + 1
            default: high = middle
            }
        }
        return nil
    }

    /// On the writer's thread.
    func publish(_ runtimes: [String: CampaignRuntime]) {
        published.replace(Snapshot(runtimes))
    }
}
