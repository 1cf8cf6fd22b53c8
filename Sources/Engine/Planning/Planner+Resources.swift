import Primitives
import Resources

extension Planner {
    // MARK: Creation

    mutating func create(
        _ resources: [Resource],
        _ requestID: String
    ) throws(Stop) -> MutationOutcome {
        let bodyHash = Self.bodyHash(resources)
        if let answer = try repeated(requestID, bodyHash) { return answer }
        var stored: [Resource] = []
        for resource in resources {
            stored.append(try create(resource))
        }
        if !requestID.isEmpty {
            let names = stored.map(\.resourceName)
            for old in engine.writer.forgettableRequests(now: now) where old != requestID {
                effects.append(.requestForgotten(requestID: old))
            }
            local.requests[requestID] = .init(bodyHash: bodyHash, names: names, at: now)
            effects.append(
                .requestRemembered(
                    requestID: requestID,
                    bodyHash: bodyHash,
                    names: names,
                    at: now
                )
            )
        }
        return MutationOutcome(position: position, appliedCount: stored.count, resources: stored)
    }

    /// The first answer, when this request id came before with the same body.
    private func repeated(
        _ requestID: String,
        _ bodyHash: UInt64
    ) throws(Stop) -> MutationOutcome? {
        guard !requestID.isEmpty,
            let known = local.requests[requestID] ?? batch.requests[requestID]
                ?? engine.writer.requests[requestID],
            now.milliseconds - known.at.milliseconds < Limits.requestMemoryMS
        else { return nil }
        guard known.bodyHash == bodyHash else {
            throw .refused(
                Refusal(
                    .resourceAlreadyExists,
                    "request_id: '\(requestID)' came before with another body",
                    violations: [
                        .init(field: "request_id", description: "came before with another body")
                    ]
                )
            )
        }
        return MutationOutcome(
            position: position,
            resources: known.names.compactMap { resource($0) }
        )
    }

    /// A hash of what was asked for, without what the server adds to it (times, generated ids).
    private static func bodyHash(_ resources: [Resource]) -> UInt64 {
        let hash = StableHash(key: (0x626f_6479, 0x6861_7368))
        return resources.reduce(0) { value, resource in
            var header = resource.header
            header.createdAt = Timestamp(milliseconds: 0)
            header.updatedAt = Timestamp(milliseconds: 0)
            var plain = resource.with(header)
            if case .eventTracker(var tracker) = plain {
                tracker.trackingID = ""
                plain = .eventTracker(tracker)
            }
            if case .job(let job) = plain { plain = .job(job.withoutUploadPath) }
            return hash.hash("\(value) \(plain)")
        }
    }

    private mutating func create(_ given: Resource) throws(Stop) -> Resource {
        let name = given.resourceName
        if resource(name) != nil {
            throw .refused(
                Refusal(
                    .resourceAlreadyExists,
                    "there is a \(given.kind.noun) '\(name)' already",
                    resource: name.text
                )
            )
        }
        try checkQuota(given)
        var resource = given
        switch given {
        case .datasetGroup(var group):
            group.index = GroupIndex(engine.writer.groupCount + batch.newGroups + local.newGroups)
            local.newGroups += 1
            resource = .datasetGroup(group)
        case .schema: break
        case .dataset(let dataset): try check(dataset)
        case .eventTracker(let tracker): try check(tracker)
        case .solution(let solution): try check(solution)
        case .solutionVersion(let version): try checkParent(version.solution, "solution")
        case .campaign(let campaign): try check(campaign)
        case .job(let job): try check(job)
        case .filter(let filter): try check(filter)
        }
        store(resource)
        return resource
    }

    private func checkParent(_ name: ResourceName, _ noun: String) throws(Stop) {
        guard let parent = resource(name) else { throw .refused(.missing(name, noun)) }
        guard parent.header.status == .active else {
            throw .refused(
                Refusal(
                    .resourceInUse,
                    "the \(noun) '\(name)' is not ACTIVE",
                    resource: name.text
                )
            )
        }
    }

    func check(_ dataset: Dataset) throws(Stop) {
        _ = try group(dataset.group)
        guard case .schema(let schema) = resource(dataset.schema) else {
            throw .refused(.missing(dataset.schema, "schema"))
        }
        guard schema.kind == dataset.kind else {
            throw .refused(
                .invalid(
                    "schema",
                    "'\(dataset.schema)' is a schema of \(schema.kind.collectionLabel), "
                        + "but the dataset_type is \(dataset.kind.collectionLabel)"
                )
            )
        }
    }

    private func check(_ tracker: EventTracker) throws(Stop) {
        _ = try group(tracker.group)
        if let other = resources(.eventTracker, below: tracker.group).first {
            throw .refused(
                Refusal(
                    .resourceAlreadyExists,
                    "'\(tracker.group)' has the event tracker '\(other.resourceName)' already; "
                        + "a dataset group has at most one",
                    resource: other.resourceName.text
                )
            )
        }
    }

    private func check(_ solution: Solution) throws(Stop) {
        _ = try group(solution.group)
        let name = solution.group.child("datasets", DatasetKind.interactions.collectionLabel)
        guard resource(name) != nil else { throw .refused(.missing(name, "dataset")) }
    }

    private func check(_ campaign: Campaign) throws(Stop) {
        _ = try group(campaign.group)
        try checkDefaultFilter(of: campaign)
        let version = campaign.solutionVersion
        guard version.label == ResourceName.latestLabel else {
            return try checkParent(version, "solution version")
        }
        guard let solution = version.parent else { return }
        try checkParent(solution, "solution")
        // A starter's campaign is made with its solution: it will have seen every event.
        let isStarter = local.resources[solution] != nil
        let hasVersion = resources(.solutionVersion, below: solution).contains {
            $0.header.status == .active
        }
        guard isStarter || hasVersion else {
            throw .refused(
                Refusal(
                    .resourceInUse,
                    "the solution '\(solution)' has no ACTIVE version yet",
                    resource: solution.text
                )
            )
        }
    }

    private func checkQuota(_ given: Resource) throws(Stop) {
        let (bound, parent): (Int, ResourceName?) =
            switch given.kind {
            case .datasetGroup: (Limits.datasetGroupsMax, nil)
            case .schema: (Limits.schemasMax, nil)
            case .solution: (Limits.solutionsPerGroupMax, given.owner)
            case .campaign: (Limits.campaignsPerGroupMax, given.owner)
            case .solutionVersion: (Limits.versionsPerSolutionMax, given.owner)
            case .filter: (engine.filterQuotas.filtersPerGroupMax, given.owner)
            case .datasetImportJob, .datasetExportJob, .dataDeletionJob:
                (Limits.jobsPerGroupMax, given.owner)
            case .dataset, .eventTracker, .recipe: (.max, given.owner)
            }
        guard bound < .max, resources(given.kind, below: parent).count >= bound else { return }
        throw .refused(
            Refusal(
                .limitExceeded,
                "\(parent.map { "'\($0)'" } ?? "this server") has \(bound) of kind "
                    + "\(given.kind.noun), which is the limit",
                resource: parent?.text
            )
        )
    }

    // MARK: Change

    mutating func update(_ changed: Resource) throws(Stop) -> MutationOutcome {
        let name = changed.resourceName
        guard let known = resource(name) else {
            throw .refused(.missing(name, changed.kind.noun))
        }
        guard known.header.revision + 1 == changed.header.revision else {
            throw .refused(
                .changed(name)
            )
        }
        if case .campaign(let campaign) = changed,
            case .campaign(let before) = known,
            campaign.solutionVersion != before.solutionVersion
        {
            try check(campaign)
        }
        if case .campaign(let campaign) = changed { try checkDefaultFilter(of: campaign) }
        var changed = changed
        if case .dataset(let dataset) = changed, case .dataset(let before) = known,
            dataset.schema != before.schema
        {
            changed = .dataset(try extended(dataset, from: before))
        }
        store(changed)
        return MutationOutcome(position: position, appliedCount: 1, resources: [changed])
    }

    // MARK: Deletion

    mutating func delete(_ name: ResourceName, _ etag: UInt64?) throws(Stop) -> MutationOutcome {
        guard let known = resource(name) else {
            throw .refused(Refusal(.resourceNotFound, "there is no '\(name)'", resource: name.text))
        }
        if let etag, etag != known.header.revision {
            throw .refused(
                .changed(name)
            )
        }
        if let user = userInTheWay(of: known) {
            throw .refused(
                Refusal(
                    .resourceInUse,
                    "'\(name)' can't be deleted while there is \(user)",
                    resource: name.text
                )
            )
        }
        try deleteRecords(of: known)
        if case .datasetGroup = known {
            for kind in Job.Kind.allCases {
                for job in resources(kind.resourceKind, below: name) { remove(job.resourceName) }
            }
        }
        // The versions of a solution go with it.
        if case .solution = known {
            for version in resources(.solutionVersion, below: name) {
                remove(version.resourceName)
            }
        }
        remove(name)
        return MutationOutcome(position: position, appliedCount: 1)
    }

    private mutating func remove(_ name: ResourceName) {
        local.resources[name] = .some(nil)
        effects.append(.resourceDeleted(name))
    }

    private mutating func deleteRecords(of known: Resource) throws(Stop) {
        switch known {
        case .dataset(let dataset):
            let group = try group(dataset.group)
            effects.append(.recordsDeleted(group.index, dataset.kind))
            local.deletedGroups.insert(group.index)
        case .datasetGroup(let group):
            effects.append(.recordsDeleted(group.index, nil))
            local.deletedGroups.insert(group.index)
        default:
            break
        }
    }

    /// What still needs the resource, in words; in the order in which things must be deleted.
    private func userInTheWay(of known: Resource) -> String? {
        func first(_ kinds: [ResourceKind], below name: ResourceName) -> String? {
            for kind in kinds {
                if let found = resources(kind, below: name).first {
                    return "the \(kind.noun) '\(found.resourceName)'"
                }
            }
            return nil
        }
        switch known {
        case .datasetGroup(let group):
            return first(
                [.campaign, .solution, .eventTracker, .filter, .dataset],
                below: .datasetGroup(group.header.name)
            )
        case .schema:
            let name = known.resourceName
            for case .dataset(let dataset) in resources(.dataset) where dataset.schema == name {
                return "the dataset '\(Resource.dataset(dataset).resourceName)'"
            }
            return nil
        case .dataset(let dataset):
            let kinds: [ResourceKind] =
                dataset.kind == .interactions
                ? [.campaign, .eventTracker, .filter] : [.campaign, .filter]
            let job = runningJob(below: dataset.group, on: dataset.kind)
            return first(kinds, below: dataset.group) ?? training(below: dataset.group)
                ?? job.map { "the job '\($0)'" }
        case .solution(let solution):
            let name = known.resourceName
            for case .campaign(let campaign) in resources(.campaign, below: solution.group)
            where campaign.solutionVersion.parent == name {
                return "the campaign '\(Resource.campaign(campaign).resourceName)'"
            }
            return training(below: name)
        case .filter:
            return campaign(filteredBy: known.resourceName)
        case .solutionVersion, .eventTracker, .campaign, .job:
            return nil
        }
    }

    private func training(below name: ResourceName) -> String? {
        for version in resources(.solutionVersion, below: name) {
            switch version.header.status {
            case .createPending, .createInProgress, .createStopping:
                return "the training of '\(version.resourceName)'"
            case .active, .createFailed, .createStopped: continue
            }
        }
        return nil
    }
}
