extension DatasetKind {
    /// The last part of a dataset's resource name.
    package var collectionLabel: String {
        switch self {
        case .interactions: "interactions"
        case .items: "items"
        case .users: "users"
        }
    }
}

extension Resource {
    /// The full name, from the label and the parents.
    package var resourceName: ResourceName {
        switch self {
        case .datasetGroup(let group): .datasetGroup(group.header.name)
        case .schema(let schema): .schema(schema.header.name)
        case .dataset(let dataset): dataset.group.child("datasets", dataset.kind.collectionLabel)
        case .eventTracker(let tracker): tracker.group.child("eventTrackers", tracker.header.name)
        case .solution(let solution): solution.group.child("solutions", solution.header.name)
        case .solutionVersion(let version):
            version.solution.child("versions", version.header.name)
        case .campaign(let campaign): campaign.group.child("campaigns", campaign.header.name)
        case .filter(let filter): filter.group.child("filters", filter.header.name)
        case .job(let job): job.group.child(job.kind.collection, job.header.name)
        }
    }

    package var kind: ResourceKind {
        switch self {
        case .datasetGroup: .datasetGroup
        case .schema: .schema
        case .dataset: .dataset
        case .eventTracker: .eventTracker
        case .solution: .solution
        case .solutionVersion: .solutionVersion
        case .campaign: .campaign
        case .filter: .filter
        case .job(let job): job.kind.resourceKind
        }
    }

    /// What must exist for it to exist: its parent, by name.
    package var owner: ResourceName? { resourceName.parent }

    /// The same resource with another header.
    package func with(_ header: ResourceHeader) -> Resource {
        switch self {
        case .datasetGroup(var value):
            value.header = header
            return .datasetGroup(value)
        case .schema(var value):
            value.header = header
            return .schema(value)
        case .dataset(var value):
            value.header = header
            return .dataset(value)
        case .eventTracker(var value):
            value.header = header
            return .eventTracker(value)
        case .solution(var value):
            value.header = header
            return .solution(value)
        case .solutionVersion(var value):
            value.header = header
            return .solutionVersion(value)
        case .campaign(var value):
            value.header = header
            return .campaign(value)
        case .filter(var value):
            value.header = header
            return .filter(value)
        case .job(var value):
            value.header = header
            return .job(value)
        }
    }
}
