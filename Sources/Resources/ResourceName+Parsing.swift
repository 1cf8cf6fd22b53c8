/// The kinds of resource that a request can name.
package enum ResourceKind: Hashable, Sendable, CaseIterable {
    case datasetGroup, schema, dataset, eventTracker, solution, solutionVersion, campaign, recipe
    case datasetImportJob, datasetExportJob, dataDeletionJob
    case filter

    /// The form of its names, as error messages show it.
    package var form: String {
        switch self {
        case .datasetGroup: "datasetGroups/{group}"
        case .schema: "schemas/{schema}"
        case .dataset: "datasetGroups/{group}/datasets/{interactions,items,users}"
        case .eventTracker: "datasetGroups/{group}/eventTrackers/{tracker}"
        case .solution: "datasetGroups/{group}/solutions/{solution}"
        case .solutionVersion: "datasetGroups/{group}/solutions/{solution}/versions/{version}"
        case .campaign: "datasetGroups/{group}/campaigns/{campaign}"
        case .recipe: "recipes/{recipe}"
        case .datasetImportJob: "datasetGroups/{group}/datasetImportJobs/{job}"
        case .datasetExportJob: "datasetGroups/{group}/datasetExportJobs/{job}"
        case .dataDeletionJob: "datasetGroups/{group}/dataDeletionJobs/{job}"
        case .filter: "datasetGroups/{group}/filters/{filter}"
        }
    }

    /// What people call it.
    package var noun: String {
        switch self {
        case .datasetGroup: "dataset group"
        case .schema: "schema"
        case .dataset: "dataset"
        case .eventTracker: "event tracker"
        case .solution: "solution"
        case .solutionVersion: "solution version"
        case .campaign: "campaign"
        case .recipe: "recipe"
        case .datasetImportJob: "dataset import job"
        case .datasetExportJob: "dataset export job"
        case .dataDeletionJob: "data deletion job"
        case .filter: "filter"
        }
    }

    /// The request field that names one, such as `event_tracker`.
    package var field: String { String(noun.map { $0 == " " ? "_" : $0 }) }

    /// The collections of its name, outermost first.
    fileprivate var collections: [String] {
        switch self {
        case .datasetGroup: ["datasetGroups"]
        case .schema: ["schemas"]
        case .dataset: ["datasetGroups", "datasets"]
        case .eventTracker: ["datasetGroups", "eventTrackers"]
        case .solution: ["datasetGroups", "solutions"]
        case .solutionVersion: ["datasetGroups", "solutions", "versions"]
        case .campaign: ["datasetGroups", "campaigns"]
        case .recipe: ["recipes"]
        case .datasetImportJob: ["datasetGroups", "datasetImportJobs"]
        case .datasetExportJob: ["datasetGroups", "datasetExportJobs"]
        case .dataDeletionJob: ["datasetGroups", "dataDeletionJobs"]
        case .filter: ["datasetGroups", "filters"]
        }
    }
}

extension ResourceName {
    /// The label that stands for the newest ACTIVE version of a solution.
    package static let latestLabel = "$LATEST"

    /// Checks that `text` has the form of a name of `kind`.
    ///
    /// - Throws: `invalidInput` on `field`, with the form that is allowed.
    package init(
        parsing text: String,
        as kind: ResourceKind,
        field: String,
        allowsLatest: Bool = false
    ) throws(Refusal) {
        guard !text.isEmpty else {
            throw .invalid(field, "is required; give a resource name such as \(kind.form)")
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let collections = kind.collections
        let isWellFormed =
            parts.count == collections.count * 2
            && collections.indices.allSatisfy { level in
                let label = parts[level * 2 + 1]
                let isLast = level == collections.count - 1
                return parts[level * 2] == collections[level]
                    && (Self.isLabel(label)
                        || (allowsLatest && isLast && label == Self.latestLabel))
            }
        guard isWellFormed else {
            throw .invalid(
                field,
                "'\(text.prefix(300))' is no name of a \(kind.noun); the form is \(kind.form)"
            )
        }
        self.init(unchecked: text)
    }

    /// Whether `text` may be the `name` of a resource: 1–63 of letters, digits, `-` and `_`,
    /// beginning with a letter or digit.
    package static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= 63, isAlphanumeric(first) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
