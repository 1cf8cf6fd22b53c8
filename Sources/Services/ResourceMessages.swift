import Control
import Primitives
import Resources
import Wire

/// The fields that every resource message begins with, at the same numbers.
protocol ResourceBuilder {
    func resourceName(_ value: String)
    func name(_ value: String)
    func status(_ value: ResourceStatusValue)
    func failureReason(_ value: String)
    func creationDateTime(_ build: (TimestampBuilder) -> Void)
    func lastUpdatedDateTime(_ build: (TimestampBuilder) -> Void)
    func etag(_ value: String)
}

extension DatasetGroupBuilder: ResourceBuilder {}
extension SchemaBuilder: ResourceBuilder {}
extension DatasetBuilder: ResourceBuilder {}
extension EventTrackerBuilder: ResourceBuilder {}
extension SolutionBuilder: ResourceBuilder {}
extension SolutionVersionBuilder: ResourceBuilder {}
extension CampaignBuilder: ResourceBuilder {}
extension FilterBuilder: ResourceBuilder {}

extension ResourceBuilder {
    func header(_ resource: Resource) {
        let header = resource.header
        resourceName(resource.resourceName.text)
        name(header.name)
        status(header.status.wire(of: resource.kind))
        failureReason(header.failureReason)
        creationDateTime { $0.set(header.createdAt) }
        lastUpdatedDateTime { $0.set(header.updatedAt) }
        etag(ControlPlane.etag(header))
    }
}

/// Writes resources as messages.
struct ResourceMessages: Sendable {
    let control: ControlPlane

    func write(_ group: DatasetGroup, _ message: DatasetGroupBuilder) {
        message.header(.datasetGroup(group))
        message.serveUnknownItems(group.servesUnknownItems)
    }

    func write(_ schema: Schema, _ message: SchemaBuilder) {
        message.header(.schema(schema))
        message.schema(schema.isOpen ? AvroSchemaWriter.document(schema) : schema.document)
        message.datasetType(schema.kind.wire)
        message.open(schema.isOpen)
    }

    func write(_ dataset: Dataset, _ message: DatasetBuilder) {
        message.header(.dataset(dataset))
        message.datasetGroup(dataset.group.text)
        message.datasetType(dataset.kind.wire)
        message.schema(dataset.schema.text)
    }

    func write(_ tracker: EventTracker, _ message: EventTrackerBuilder) {
        message.header(.eventTracker(tracker))
        message.datasetGroup(tracker.group.text)
        message.trackingID(tracker.trackingID)
    }

    func write(_ solution: Solution, _ message: SolutionBuilder) {
        message.header(.solution(solution))
        message.datasetGroup(solution.group.text)
        message.recipe(solution.recipe.text)
        if let latest = control.latestVersion(of: solution) {
            message.latestSolutionVersion(latest.text)
        }
        message.eventType(solution.config.eventType)
        message.solutionConfig { write(solution.config, $0) }
        message.performAutoTraining(solution.config.automatic.isOn)
        for warning in solution.config.warnings { message.warnings(warning) }
    }

    func write(_ version: SolutionVersion, _ message: SolutionVersionBuilder) {
        message.header(.solutionVersion(version))
        message.solution(version.solution.text)
        message.trainingMode(version.isUpdate ? .update : .full)
        message.trainingType(version.isAutomatic ? .automatic : .manual)
        message.trainingHours(Double(version.trainingMilliseconds) / 3_600_000)
        message.trainedPosition(version.trainedAt.rawValue)
        for warning in version.warnings { message.warnings(warning) }
        message.progress(control.progress(version))
        for model in version.training.components { message.components { write(model, $0) } }
        for model in version.training.candidates { message.candidates { write(model, $0) } }
        if version.training.questionCount > 0 {
            message.validation { validation in
                validation.questionCount(version.training.questionCount)
                validation.ndcgAt10(version.training.ndcgAt10)
                if let best = version.training.candidates.first {
                    validation.runnerUp { write(best, $0) }
                }
            }
        }
        for (name, value) in version.training.metrics.sorted(by: { $0.key < $1.key }) {
            message.metrics { entry in
                entry.key(name)
                entry.value(value)
            }
        }
    }

    private func write(_ model: TrainingSummary.Model, _ message: ModelComponentBuilder) {
        message.name(model.name)
        message.weight(model.weight)
        message.ndcgAt10(model.ndcgAt10)
    }

    func write(_ campaign: Campaign, _ message: CampaignBuilder) {
        message.header(.campaign(campaign))
        message.datasetGroup(campaign.group.text)
        message.solutionVersion(campaign.solutionVersion.text)
        message.minProvisionedTPS(campaign.minProvisionedTPS)
        message.campaignConfig { config in
            for (key, value) in campaign.explorationConfig.sorted(by: { $0.key < $1.key }) {
                config.itemExplorationConfig(key, value)
            }
            config.syncWithLatestSolutionVersion(campaign.syncsWithLatestSolutionVersion)
        }
        if let filter = campaign.defaultFilter { message.defaultFilter(filter.text) }
        for (name, values) in campaign.defaultFilterValues.sorted(by: { $0.key < $1.key }) {
            message.defaultFilterValues { entry in
                entry.key(name)
                entry.value { for value in values { $0.values(value) } }
            }
        }
    }

    func write(_ filter: Filter, _ message: FilterBuilder) {
        message.header(.filter(filter))
        message.datasetGroup(filter.group.text)
        message.filterExpression(filter.expression)
    }
}

extension ResourceStatus {
    var wire: ResourceStatusValue {
        switch self {
        case .createPending: .createPending
        case .createInProgress: .createInProgress
        case .active: .active
        case .createFailed: .createFailed
        case .createStopping: .createStopping
        case .createStopped: .createStopped
        }
    }
}

extension DatasetKind {
    var wire: DatasetTypeValue {
        switch self {
        case .interactions: .interactions
        case .items: .items
        case .users: .users
        }
    }

    init(
        _ value: DatasetTypeValue,
        at path: @autoclosure () -> String = "dataset_type"
    ) throws(Refusal) {
        switch value {
        case .interactions: self = .interactions
        case .items: self = .items
        case .users: self = .users
        default:
            throw .invalid(
                path(),
                "is \(value.rawValue); allowed are DATASET_TYPE_INTERACTIONS (1), "
                    + "DATASET_TYPE_ITEMS (2) and DATASET_TYPE_USERS (3)"
            )
        }
    }
}
