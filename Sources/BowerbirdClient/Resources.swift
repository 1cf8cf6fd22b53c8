internal import Primitives
internal import Wire

/// The kinds of dataset.
public enum DatasetType: Int32, Hashable, Sendable, CaseIterable {
    /// Events.
    case interactions = 1
    /// Items and their columns.
    case items = 2
    /// Users and their columns.
    case users = 3
}

/// How far a training is.
public struct TrainingState: Hashable, Sendable {
    /// It is ready to serve.
    public var isActive: Bool
    /// It failed or was stopped.
    public var isOver: Bool
    /// Share that is done, 0 to 1.
    public var progress: Double
    /// Why it failed.
    public var failureReason: String
    /// What it would have liked to have.
    public var warnings: [String]
}

/// A dataset group that can be used at once.
public struct StarterGroup: Hashable, Sendable {
    /// Its resource name.
    public var group: String
    /// What events may name instead.
    public var trackingID: String
    /// The resource name of the campaign that answers.
    public var campaign: String
}

extension BowerbirdClient {
    /// Creates a dataset group and returns its resource name.
    public func createDatasetGroup(_ name: String) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.DatasetsService/CreateDatasetGroup",
            { CreateDatasetGroupRequestBuilder(into: $0).name(name) }
        ) { (bytes, arena) throws(WireError) in
            try CreateDatasetGroupResponseView(unpacking: bytes, into: arena)
                .datasetGroup.resourceName.string
        }
    }

    /// Creates a dataset group that can be used at once.
    ///
    /// It has datasets whose schemas grow with what is put, a tracker, and a campaign.
    public func createStarterGroup(_ name: String) async throws(ClientError) -> StarterGroup {
        try await call(
            "/bowerbird.v1.DatasetsService/CreateDatasetGroup",
            { writer in
                let request = CreateDatasetGroupRequestBuilder(into: writer)
                request.name(name)
                request.starter(true)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try CreateDatasetGroupResponseView(unpacking: bytes, into: arena)
            return StarterGroup(
                group: response.datasetGroup.resourceName.string,
                trackingID: response.trackingID.string,
                campaign: response.campaign.string
            )
        }
    }

    /// Creates a schema from an Avro JSON document and returns its resource name.
    public func createSchema(
        _ name: String,
        document: String
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.DatasetsService/CreateSchema",
            { writer in
                let request = CreateSchemaRequestBuilder(into: writer)
                request.name(name)
                request.schema(document)
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateSchemaResponseView(unpacking: bytes, into: arena).schema.resourceName.string
        }
    }

    /// Creates a dataset and returns its resource name.
    public func createDataset(
        _ name: String,
        group: String,
        type: DatasetType,
        schema: String
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.DatasetsService/CreateDataset",
            { writer in
                let request = CreateDatasetRequestBuilder(into: writer)
                request.name(name)
                request.schema(schema)
                request.datasetGroup(group)
                request.datasetType(DatasetTypeValue(rawValue: type.rawValue))
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateDatasetResponseView(unpacking: bytes, into: arena)
                .dataset.resourceName.string
        }
    }

    /// Moves a dataset to a schema that has more columns.
    public func updateDataset(_ dataset: String, schema: String) async throws(ClientError) {
        try await call(
            "/bowerbird.v1.DatasetsService/UpdateDataset",
            { writer in
                let request = UpdateDatasetRequestBuilder(into: writer)
                request.dataset(dataset)
                request.schema(schema)
            }
        ) { (_, _) throws(WireError) in }
    }

    /// Creates an event tracker and returns its tracking id.
    public func createEventTracker(
        _ name: String,
        group: String
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.DatasetsService/CreateEventTracker",
            { writer in
                let request = CreateEventTrackerRequestBuilder(into: writer)
                request.name(name)
                request.datasetGroup(group)
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateEventTrackerResponseView(unpacking: bytes, into: arena).trackingID.string
        }
    }

    /// Creates a solution and returns its resource name.
    public func createSolution(
        _ name: String,
        group: String,
        recipe: String,
        learning: LearningSettings = LearningSettings()
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.SolutionsService/CreateSolution",
            { writer in
                let request = CreateSolutionRequestBuilder(into: writer)
                request.name(name)
                request.datasetGroup(group)
                request.recipe(recipe)
                learning.write(request)
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateSolutionResponseView(unpacking: bytes, into: arena)
                .solution.resourceName.string
        }
    }

    /// Begins to train a version and returns its resource name.
    ///
    /// `updates`: in place of a training, the newest version with what it has learnt since.
    public func createSolutionVersion(
        solution: String,
        updates: Bool = false
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.SolutionsService/CreateSolutionVersion",
            { writer in
                let request = CreateSolutionVersionRequestBuilder(into: writer)
                request.solution(solution)
                request.trainingMode(updates ? .update : .full)
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateSolutionVersionResponseView(unpacking: bytes, into: arena)
                .solutionVersion.resourceName.string
        }
    }

    /// How far the training of a version is.
    public func trainingState(of version: String) async throws(ClientError) -> TrainingState {
        try await call(
            "/bowerbird.v1.SolutionsService/DescribeSolutionVersion",
            { DescribeSolutionVersionRequestBuilder(into: $0).solutionVersion(version) }
        ) { (bytes, arena) throws(WireError) in
            let view = try DescribeSolutionVersionResponseView(unpacking: bytes, into: arena)
            return TrainingState(view.solutionVersion)
        }
    }

    /// Creates a campaign and returns its resource name.
    public func createCampaign(
        _ name: String,
        solutionVersion: String
    ) async throws(ClientError) -> String {
        try await call(
            "/bowerbird.v1.CampaignsService/CreateCampaign",
            { writer in
                let request = CreateCampaignRequestBuilder(into: writer)
                request.name(name)
                request.solutionVersion(solutionVersion)
            }
        ) { (bytes, arena) throws(WireError) in
            try CreateCampaignResponseView(unpacking: bytes, into: arena)
                .campaign.resourceName.string
        }
    }
}
