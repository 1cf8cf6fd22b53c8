package import Primitives
package import Resources

/// What a create call says, checked field by field, as resources that are ready for the planner.
///
/// What depends on other resources (unique names, parents, quotas) is the planner's to decide.
package struct ResourceDrafts: Sendable {
    private let now: Timestamp

    /// - Parameter now: The creation time of every resource made here.
    package init(now: Timestamp) {
        self.now = now
    }

    package func datasetGroup(name: String, servesUnknownItems: Bool) throws(Refusal) -> Resource {
        .datasetGroup(
            DatasetGroup(
                header: try header(name),
                // Replaced by the planner, which alone knows what is free.
                index: GroupIndex(0),
                servesUnknownItems: servesUnknownItems
            )
        )
    }

    /// Everything that a first recommendation needs, as one creation.
    package func starter(
        name: String,
        servesUnknownItems: Bool,
        trackingID: String
    ) throws(Refusal) -> [Resource] {
        let group = ResourceName.datasetGroup(name)
        var resources = [try datasetGroup(name: name, servesUnknownItems: servesUnknownItems)]
        for kind in DatasetKind.allCases {
            let schema = Schema(
                header: try header("\(name.prefix(50))-\(kind.collectionLabel)"),
                kind: kind,
                fields: OpenSchemas.fields(kind),
                document: "",
                isOpen: true
            )
            resources.append(.schema(schema))
            resources.append(
                .dataset(
                    Dataset(
                        header: try header(kind.collectionLabel),
                        group: group,
                        kind: kind,
                        schema: .schema(schema.header.name)
                    )
                )
            )
        }
        resources.append(
            .eventTracker(
                EventTracker(header: try header("default"), group: group, trackingID: trackingID)
            )
        )
        let solution = Solution(
            header: try header("default"),
            group: group,
            recipe: .recipe("user-personalization"),
            config: Self.starterConfig
        )
        resources.append(.solution(solution))
        resources.append(
            .campaign(
                Campaign(
                    header: try header("default"),
                    group: group,
                    solutionVersion:
                        group
                        .child("solutions", "default")
                        .child("versions", ResourceName.latestLabel),
                    syncsWithLatestSolutionVersion: true
                )
            )
        )
        return resources
    }

    /// It trains by itself as soon as there is something to learn.
    private static var starterConfig: SolutionConfig {
        var config = SolutionConfig()
        config.automatic.startsAtOnce = true
        return config
    }

    package func schema(name: String, document: String) throws(Refusal) -> Resource {
        let header = try header(name)
        let parsed = try AvroSchemaParser.parse(document)
        return .schema(
            Schema(header: header, kind: parsed.kind, fields: parsed.fields, document: document)
        )
    }

    package func dataset(
        name: String,
        group: String,
        schema: String,
        kind: DatasetKind
    ) throws(Refusal) -> Resource {
        .dataset(
            Dataset(
                header: try header(name),
                group: try ResourceName(
                    parsing: group,
                    as: .datasetGroup,
                    field: "dataset_group"
                ),
                kind: kind,
                schema: try ResourceName(parsing: schema, as: .schema, field: "schema")
            )
        )
    }

    package func eventTracker(
        name: String,
        group: String,
        trackingID: String
    ) throws(Refusal) -> Resource {
        .eventTracker(
            EventTracker(
                header: try header(name),
                group: try ResourceName(
                    parsing: group,
                    as: .datasetGroup,
                    field: "dataset_group"
                ),
                trackingID: trackingID
            )
        )
    }

    /// The label of a version: as given, or one that nobody has yet.
    package func solutionVersion(
        solution: String,
        name: String,
        generatedName: String,
        isUpdate: Bool = false
    ) throws(Refusal) -> Resource {
        let solution = try ResourceName(parsing: solution, as: .solution, field: "solution")
        var header = try header(name.isEmpty ? generatedName : name)
        header.status = .createPending
        var version = SolutionVersion(header: header, solution: solution)
        version.isUpdate = isUpdate
        return .solutionVersion(version)
    }

    /// A solution as it is stored after a change.
    func stamped(_ solution: Solution) -> Solution {
        var solution = solution
        solution.header.revision += 1
        solution.header.updatedAt = now
        return solution
    }

    func header(_ name: String, field: String = "name") throws(Refusal) -> ResourceHeader {
        try Self.checkLabel(name, field: field)
        return ResourceHeader(name: name, createdAt: now, updatedAt: now)
    }

    static func checkLabel(_ name: String, field: String = "name") throws(Refusal) {
        guard !name.isEmpty else {
            throw .invalid(field, "is required; 1 to 63 letters, digits, '-' and '_'")
        }
        guard ResourceName.isLabel(name) else {
            throw .invalid(
                field,
                "'\(name.prefix(100))' is not 1 to 63 letters, digits, '-' and '_', "
                    + "beginning with a letter or digit"
            )
        }
    }
}

extension ResourceDrafts {
    package func solution(
        name: String,
        group: String,
        recipe: String,
        knownRecipes: [String],
        settings: SolutionSettings = SolutionSettings(),
        schema: @escaping (ResourceName, DatasetKind) -> Schema? = { _, _ in nil }
    ) throws(Refusal) -> Resource {
        let header = try header(name)
        let group = try ResourceName(parsing: group, as: .datasetGroup, field: "dataset_group")
        let recipe = try ResourceName(parsing: recipe, as: .recipe, field: "recipe")
        guard knownRecipes.contains(recipe.label) else {
            let known = knownRecipes.map { "recipes/\($0)" }.joined(separator: ", ")
            throw Refusal(
                .resourceNotFound,
                "recipe: there is no '\(recipe)'; this server has \(known)",
                resource: recipe.text
            )
        }
        let checks = SolutionChecks(recipe: recipe.label) { schema(group, $0) }
        let config = try checks.config(settings)
        return .solution(Solution(header: header, group: group, recipe: recipe, config: config))
    }

    /// What `CreateCampaign` says beyond its name.
    package struct CampaignSettings: Sendable {
        package var solutionVersion: String
        package var minProvisionedTPS: Int32?
        package var explorationConfig: [String: String]
        package var syncsWithLatest: Bool
        /// The resource name; empty for none.
        package var defaultFilter = ""
        package var defaultFilterValues: [String: [String]] = [:]

        package init(
            solutionVersion: String,
            minProvisionedTPS: Int32? = nil,
            explorationConfig: [String: String] = [:],
            syncsWithLatest: Bool = false
        ) {
            self.solutionVersion = solutionVersion
            self.minProvisionedTPS = minProvisionedTPS
            self.explorationConfig = explorationConfig
            self.syncsWithLatest = syncsWithLatest
        }
    }

    package func campaign(
        name: String,
        settings: CampaignSettings
    ) throws(Refusal) -> Resource {
        let header = try header(name)
        let version = try Self.version(settings.solutionVersion)
        var campaign = Campaign(
            header: header,
            group: version.parent?.parent ?? version,
            solutionVersion: version
        )
        try Self.apply(settings, to: &campaign)
        try Self.apply(
            defaultFilter: settings.defaultFilter,
            settings.defaultFilterValues,
            to: &campaign
        )
        return .campaign(campaign)
    }

    /// `dataset` with another schema.
    package func updated(_ dataset: Dataset, schema: String) throws(Refusal) -> Resource {
        var dataset = dataset
        dataset.header.revision += 1
        dataset.header.updatedAt = now
        dataset.schema = try ResourceName(parsing: schema, as: .schema, field: "schema")
        return .dataset(dataset)
    }

    /// `campaign` as an update wants it; only what the update gives changes.
    package func updated(
        _ campaign: Campaign,
        solutionVersion: String,
        minProvisionedTPS: Int32?,
        config: CampaignSettings?
    ) throws(Refusal) -> Resource {
        var campaign = campaign
        campaign.header.revision += 1
        campaign.header.updatedAt = now
        if !solutionVersion.isEmpty {
            let version = try Self.version(solutionVersion)
            guard version.parent?.parent == campaign.group else {
                throw .invalid(
                    "solution_version",
                    "'\(version)' is not a version of \(campaign.group)"
                )
            }
            campaign.solutionVersion = version
        }
        var settings =
            config
            ?? CampaignSettings(
                solutionVersion: "",
                explorationConfig: campaign.explorationConfig,
                syncsWithLatest: campaign.syncsWithLatestSolutionVersion
            )
        settings.minProvisionedTPS = minProvisionedTPS ?? campaign.minProvisionedTPS
        try Self.apply(settings, to: &campaign)
        return .campaign(campaign)
    }

    private static func version(_ text: String) throws(Refusal) -> ResourceName {
        try ResourceName(
            parsing: text,
            as: .solutionVersion,
            field: "solution_version",
            allowsLatest: true
        )
    }

    private static func apply(
        _ settings: CampaignSettings,
        to campaign: inout Campaign
    ) throws(Refusal) {
        let tps = settings.minProvisionedTPS ?? 1
        guard tps >= 1 else {
            throw .invalid("min_provisioned_tps", "is \(tps); at least 1 is allowed")
        }
        if settings.syncsWithLatest && campaign.solutionVersion.label != ResourceName.latestLabel {
            throw .invalid(
                "campaign_config.sync_with_latest_solution_version",
                "needs a solution_version of the form …/versions/$LATEST, not a fixed one"
            )
        }
        try checkExploration(settings.explorationConfig)
        campaign.minProvisionedTPS = tps
        campaign.explorationConfig = settings.explorationConfig
        campaign.syncsWithLatestSolutionVersion = settings.syncsWithLatest
    }

    private static func checkExploration(_ config: [String: String]) throws(Refusal) {
        for (key, text) in config.sorted(by: { $0.key < $1.key }) {
            let field = "campaign_config.item_exploration_config"
            let value = Double(text)
            switch key {
            case "explorationWeight":
                guard let value, (0...1).contains(value) else {
                    throw .invalid("\(field).\(key)", "'\(text.prefix(100))' is not from 0 to 1")
                }
            case "explorationItemAgeCutOff":
                guard let value, value.isFinite, value > 0 else {
                    throw .invalid("\(field).\(key)", "'\(text.prefix(100))' is no positive number")
                }
            default:
                throw .invalid(
                    field,
                    "has '\(key.prefix(100))'; allowed are explorationWeight, "
                        + "explorationItemAgeCutOff"
                )
            }
        }
    }
}
