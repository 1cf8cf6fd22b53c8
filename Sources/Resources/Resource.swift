package import Primitives

/// A dataset group: the container of everything else but schemas.
package struct DatasetGroup: Hashable, Sendable {
    package var header: ResourceHeader
    /// Assigned by the planner; persisted; never reused.
    package var index: GroupIndex
    /// Items known only from events may be recommended.
    package var servesUnknownItems: Bool

    package init(header: ResourceHeader, index: GroupIndex, servesUnknownItems: Bool = true) {
        self.header = header
        self.index = index
        self.servesUnknownItems = servesUnknownItems
    }
}

/// A dataset: one kind of records of one group, with their schema.
package struct Dataset: Hashable, Sendable {
    package var header: ResourceHeader
    package var group: ResourceName
    package var kind: DatasetKind
    package var schema: ResourceName
    package var bulk: BulkState
    /// The folded names of the schema's own columns in the order in which records keep their
    /// values; empty while that is the schema's.
    package var columnOrder: [String] = []

    package init(
        header: ResourceHeader,
        group: ResourceName,
        kind: DatasetKind,
        schema: ResourceName,
        bulk: BulkState = BulkState()
    ) {
        self.header = header
        self.group = group
        self.kind = kind
        self.schema = schema
        self.bulk = bulk
    }
}

extension Dataset {
    /// The dataset's schema with its own columns in the order in which records keep their values.
    package func arranged(_ schema: Schema) -> Schema {
        guard !columnOrder.isEmpty else { return schema }
        let place = Dictionary(
            columnOrder.enumerated().map { ($1, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var own = schema.ownColumns.enumerated().sorted { left, right in
            (place[left.element.foldedName] ?? .max, left.offset)
                < (place[right.element.foldedName] ?? .max, right.offset)
        }.map(\.element)[...]
        var arranged = schema
        for index in arranged.fields.indices
        where !Schema.isReserved(arranged.fields[index].foldedName, schema.kind) {
            if let next = own.popFirst() { arranged.fields[index] = next }
        }
        return arranged
    }
}

/// An event tracker: the address that events are sent to.
package struct EventTracker: Hashable, Sendable {
    package var header: ResourceHeader
    package var group: ResourceName
    /// Opaque, at most 256 characters, unique in the server.
    package var trackingID: String

    package init(header: ResourceHeader, group: ResourceName, trackingID: String) {
        self.header = header
        self.group = group
        self.trackingID = trackingID
    }
}

/// A solution: a recipe with its settings for one group.
package struct Solution: Hashable, Sendable {
    package var header: ResourceHeader
    package var group: ResourceName
    /// `recipes/{id}`.
    package var recipe: ResourceName
    package var config: SolutionConfig

    package init(
        header: ResourceHeader,
        group: ResourceName,
        recipe: ResourceName,
        config: SolutionConfig = SolutionConfig()
    ) {
        self.header = header
        self.group = group
        self.recipe = recipe
        self.config = config
    }
}

/// A solution version: what one training made.
package struct SolutionVersion: Hashable, Sendable {
    package var header: ResourceHeader
    package var solution: ResourceName
    /// The facts that the training saw: everything at or below this position.
    package var trainedAt: LogPosition
    package var trainingMilliseconds: Int64
    package var warnings: [String]
    /// The newest version's model as it is, in place of a training.
    package var isUpdate = false
    /// Nobody asked for it.
    package var isAutomatic = false
    /// The interactions of the group when it was trained.
    package var interactionCount: Int64 = 0
    package var training = TrainingSummary()

    package init(
        header: ResourceHeader,
        solution: ResourceName,
        trainedAt: LogPosition = .zero,
        trainingMilliseconds: Int64 = 0,
        warnings: [String] = []
    ) {
        self.header = header
        self.solution = solution
        self.trainedAt = trainedAt
        self.trainingMilliseconds = trainingMilliseconds
        self.warnings = warnings
    }
}

/// What a training tried and chose, and what came of it.
package struct TrainingSummary: Hashable, Sendable {
    /// One model.
    package struct Model: Hashable, Sendable {
        package var name: String
        /// In the sum that answers; 0 outside it.
        package var weight: Double
        package var ndcgAt10: Double

        package init(name: String, weight: Double, ndcgAt10: Double) {
            self.name = name
            self.weight = weight
            self.ndcgAt10 = ndcgAt10
        }
    }

    /// What answers, the heaviest first.
    package var components: [Model] = []
    /// Every model alone, the best first.
    package var candidates: [Model] = []
    package var questionCount: Int64 = 0
    /// Of the sum.
    package var ndcgAt10 = 0.0
    package var metrics: [String: Double] = [:]

    package init() {}
}

/// A campaign: a solution version that answers.
package struct Campaign: Hashable, Sendable {
    package var header: ResourceHeader
    package var group: ResourceName
    /// A version, or `…/versions/$LATEST`.
    package var solutionVersion: ResourceName
    package var minProvisionedTPS: Int32
    package var explorationConfig: [String: String]
    package var syncsWithLatestSolutionVersion: Bool
    /// A filter of the same group, and-ed with that of each request.
    package var defaultFilter: ResourceName?
    /// The values of its parameters, by name.
    package var defaultFilterValues: [String: [String]]

    package init(
        header: ResourceHeader,
        group: ResourceName,
        solutionVersion: ResourceName,
        minProvisionedTPS: Int32 = 1,
        explorationConfig: [String: String] = [:],
        syncsWithLatestSolutionVersion: Bool = false,
        defaultFilter: ResourceName? = nil,
        defaultFilterValues: [String: [String]] = [:]
    ) {
        self.header = header
        self.group = group
        self.solutionVersion = solutionVersion
        self.minProvisionedTPS = minProvisionedTPS
        self.explorationConfig = explorationConfig
        self.syncsWithLatestSolutionVersion = syncsWithLatestSolutionVersion
        self.defaultFilter = defaultFilter
        self.defaultFilterValues = defaultFilterValues
    }
}

extension Campaign: CustomStringConvertible {
    /// All of it, with the dictionaries in the order of their keys: digests and the hashes of
    /// repeated requests are made of this, and must not depend on the process.
    package var description: String {
        let exploration = explorationConfig.sorted { $0.key < $1.key }
        let values = defaultFilterValues.sorted { $0.key < $1.key }
        return "Campaign(\(header), \(group), \(solutionVersion), \(minProvisionedTPS), "
            + "\(exploration), \(syncsWithLatestSolutionVersion), "
            + "\(defaultFilter.map { "\($0)" } ?? "-"), \(values))"
    }
}

/// A filter: an expression under a name.
package struct Filter: Hashable, Sendable {
    package var header: ResourceHeader
    package var group: ResourceName
    /// As the client gave it; checked against the group's schemas when it was created.
    package var expression: String

    package init(header: ResourceHeader, group: ResourceName, expression: String) {
        self.header = header
        self.group = group
        self.expression = expression
    }
}

/// One record of the control plane.
package enum Resource: Hashable, Sendable {
    case datasetGroup(DatasetGroup)
    case schema(Schema)
    case dataset(Dataset)
    case eventTracker(EventTracker)
    case solution(Solution)
    case solutionVersion(SolutionVersion)
    case campaign(Campaign)
    case filter(Filter)
    case job(Job)

    package var header: ResourceHeader {
        switch self {
        case .datasetGroup(let group): group.header
        case .schema(let schema): schema.header
        case .dataset(let dataset): dataset.header
        case .eventTracker(let tracker): tracker.header
        case .solution(let solution): solution.header
        case .solutionVersion(let version): version.header
        case .campaign(let campaign): campaign.header
        case .filter(let filter): filter.header
        case .job(let job): job.header
        }
    }
}
