package import RPC

/// Who may call what: the one table of it, to which every new method is added.
///
/// A method without a line here is for unrestricted admins, and a test fails that holds the table
/// against the protos. A rule names the fields of the request that hold resource names, as the
/// proto spells them (`queries.campaign` for a field of a repeated message); the resources' dataset
/// groups are what a caller is held to.
package struct MethodAccessTable: Sendable {
    /// The resource name of the group of the tracker with this `tracking_id`.
    package typealias GroupOfTracker = @Sendable (_ trackingID: String) -> String?

    /// How those methods are treated that find out about the server itself.
    package enum Openness: String, Sendable, CaseIterable {
        /// Whoever can connect may call.
        case open
        /// Any known caller.
        case known
    }

    private let health: Openness
    private let reflection: Openness
    private let group: GroupOfTracker

    package init(health: Openness, reflection: Openness, group: @escaping GroupOfTracker) {
        self.health = health
        self.reflection = reflection
        self.group = group
    }

    /// What the method at `path` asks for; `nil` when nobody has declared it.
    package func access(_ path: String) -> MethodAccess? {
        let method = String(path.dropFirst())
        if method.hasPrefix("grpc.health.") { return Self.access(health) }
        if method.hasPrefix("grpc.reflection.") { return Self.access(reflection) }
        return Self.rules[method]?.resolved(method, group: group)
    }

    private static func access(_ openness: Openness) -> MethodAccess {
        switch openness {
        case .open: .open
        case .known: MethodAccess(role: .read, scope: .shared)
        }
    }

    /// By `package.Service/Method`.
    package static let rules: [String: MethodRule] = Dictionary(
        uniqueKeysWithValues: [
            ("EventsService", events), ("RecommendationsService", recommendations),
            ("DatasetsService", datasets), ("SolutionsService", solutions),
            ("CampaignsService", campaigns), ("FiltersService", filters),
            ("RecordsService", records),
            ("JobsService", jobs), ("OperationsService", operations),
        ].flatMap { service, methods in
            methods.map { ("bowerbird.v1.\(service)/\($0.key)", $0.value) }
        }
    )

    private static let events: [String: MethodRule] = [
        "PutEvents": .groups(.write, ["dataset_group"], trackers: ["tracking_id"]),
        "PutUsers": .groups(.write, ["dataset_group", "dataset"]),
        "PutItems": .groups(.write, ["dataset_group", "dataset"]),
        "PutRecords": .groups(.write, ["dataset_group"]),
        "StreamRecords": .groups(.write, ["dataset_group"]),
    ]

    private static let records: [String: MethodRule] = [
        "GetUser": .groups(.read, ["dataset_group"]),
        "GetItem": .groups(.read, ["dataset_group"]),
        "ListUsers": .groups(.read, ["dataset_group"]),
        "ListItems": .groups(.read, ["dataset_group"]),
        "ListInteractions": .groups(.read, ["dataset_group"]),
        "UpdateUser": .groups(.write, ["dataset_group"]),
        "UpdateItem": .groups(.write, ["dataset_group"]),
        "DeleteUser": .groups(.write, ["dataset_group"]),
        "DeleteItem": .groups(.write, ["dataset_group"]),
        "DeleteInteraction": .groups(.write, ["dataset_group"]),
        "MergeUsers": .groups(.write, ["dataset_group"]),
    ]

    private static let recommendations: [String: MethodRule] = [
        "GetRecommendations": .groups(.read, ["campaign"]),
        "GetPersonalizedRanking": .groups(.read, ["campaign"]),
        "BatchGetRecommendations": .groups(.read, ["queries.campaign"]),
        "ExplainRecommendation": .groups(.read, ["query.campaign"]),
    ]

    private static let datasets: [String: MethodRule] = [
        "CreateDatasetGroup": .server(.admin),
        "DescribeDatasetGroup": .groups(.read, ["dataset_group"]),
        "ListDatasetGroups": .server(.read),
        "DeleteDatasetGroup": .groups(.admin, ["dataset_group"]),
        "CreateSchema": .server(.admin),
        "DescribeSchema": .shared(.read),
        "ListSchemas": .shared(.read),
        "DeleteSchema": .server(.admin),
        "CreateDataset": .groups(.admin, ["dataset_group"]),
        "DescribeDataset": .groups(.read, ["dataset"]),
        "ListDatasets": .groups(.read, ["dataset_group"]),
        "UpdateDataset": .groups(.admin, ["dataset"]),
        "DeleteDataset": .groups(.admin, ["dataset"]),
        "CreateEventTracker": .groups(.admin, ["dataset_group"]),
        "DescribeEventTracker": .groups(.read, ["event_tracker"]),
        "ListEventTrackers": .groups(.read, ["dataset_group"]),
        "DeleteEventTracker": .groups(.admin, ["event_tracker"]),
        "GetDatasetStatistics": .groups(.read, ["dataset_group"]),
    ]

    private static let solutions: [String: MethodRule] = [
        "CreateSolution": .groups(.admin, ["dataset_group"]),
        "DescribeSolution": .groups(.read, ["solution"]),
        "ListSolutions": .groups(.read, ["dataset_group"]),
        "UpdateSolution": .groups(.admin, ["solution"]),
        "DeleteSolution": .groups(.admin, ["solution"]),
        "CreateSolutionVersion": .groups(.admin, ["solution"]),
        "DescribeSolutionVersion": .groups(.read, ["solution_version"]),
        "ListSolutionVersions": .groups(.read, ["solution"]),
        "WatchSolutionVersion": .groups(.read, ["solution_version"]),
        "StopSolutionVersionCreation": .groups(.admin, ["solution_version"]),
        "GetSolutionMetrics": .groups(.read, ["solution_version"]),
        "ListRecipes": .shared(.read),
        "DescribeRecipe": .shared(.read),
    ]

    private static let campaigns: [String: MethodRule] = [
        "CreateCampaign": .groups(.admin, ["solution_version"]),
        "DescribeCampaign": .groups(.read, ["campaign"]),
        "ListCampaigns": .groups(.read, ["dataset_group"]),
        "UpdateCampaign": .groups(.admin, ["campaign", "solution_version"]),
        "DeleteCampaign": .groups(.admin, ["campaign"]),
    ]

    private static let filters: [String: MethodRule] = [
        "CreateFilter": .groups(.admin, ["dataset_group"]),
        "DescribeFilter": .groups(.read, ["filter"]),
        "ListFilters": .groups(.read, ["dataset_group"]),
        "DeleteFilter": .groups(.admin, ["filter"]),
        "ValidateFilter": .groups(.read, ["dataset_group", "filter"]),
    ]

    private static let operations: [String: MethodRule] = [
        "CreateBackup": .server(.admin),
        "ListBackups": .server(.admin),
    ]

    private static let jobs: [String: MethodRule] = [
        "CreateDatasetImportJob": .groups(.admin, ["dataset"]),
        "DescribeDatasetImportJob": .groups(.read, ["dataset_import_job"]),
        "ListDatasetImportJobs": .groups(.read, ["dataset_group"]),
        "CancelDatasetImportJob": .groups(.admin, ["dataset_import_job"]),
        "CreateDatasetExportJob": .groups(.admin, ["dataset"]),
        "DescribeDatasetExportJob": .groups(.read, ["dataset_export_job"]),
        "ListDatasetExportJobs": .groups(.read, ["dataset_group"]),
        "CancelDatasetExportJob": .groups(.admin, ["dataset_export_job"]),
        "CreateDataDeletionJob": .groups(.admin, ["dataset_group"]),
        "DescribeDataDeletionJob": .groups(.read, ["data_deletion_job"]),
        "ListDataDeletionJobs": .groups(.read, ["dataset_group"]),
        "CancelDataDeletionJob": .groups(.admin, ["data_deletion_job"]),
        "WatchJob": .groups(.read, ["job"]),
        "ImportData": .groups(.write, ["job.dataset"]),
        "ExportData": .groups(.admin, ["dataset"]),
    ]
}
