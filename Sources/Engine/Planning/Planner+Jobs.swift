import Primitives
import Resources

/// The steps of jobs.
///
/// A step stands alone in its batch as far as its group goes: what it decides depends on everything
/// before it, and what comes behind depends on it.
extension Planner {
    mutating func plan(_ step: JobStep) throws(Stop) -> MutationOutcome {
        guard batch.planned.isEmpty else { throw .needsCommit }
        switch step {
        case .begin(let name): return try begin(name)
        case .chunk(let name, let records, let progress, let rejected):
            return try chunk(name, records, progress, rejected)
        case .activate(let name): return try activate(name)
        case .stop(let name, let reason): return try stop(name, reason)
        case .end(let name, let status): return try end(name, status)
        }
    }

    /// Whether a job may be created.
    func check(_ job: Job) throws(Stop) {
        _ = try group(job.group)
        switch job.work {
        case .importing(let work): _ = try dataset(job.group, work.dataset)
        case .exporting(let work): _ = try dataset(job.group, work.dataset)
        case .deleting: break
        }
    }

    /// The first job of a group that is not over, and works on a dataset of this kind.
    func runningJob(below group: ResourceName, on kind: DatasetKind) -> ResourceName? {
        for jobKind in Job.Kind.allCases {
            for case .job(let job) in resources(jobKind.resourceKind, below: group) {
                switch job.header.status {
                case .active, .createFailed, .createStopped: continue
                case .createPending, .createInProgress, .createStopping: break
                }
                switch job.work {
                case .importing(let work) where work.dataset != kind: continue
                case .exporting(let work) where work.dataset != kind: continue
                default: return Resource.job(job).resourceName
                }
            }
        }
        return nil
    }

    private mutating func isolate(_ group: DatasetGroup) {
        local.deletedGroups.insert(group.index)
    }

    private func job(_ name: ResourceName) throws(Stop) -> Job {
        guard case .job(let job) = resource(name) else { throw .refused(.missing(name, "job")) }
        return job
    }

    private func dataset(
        _ group: ResourceName,
        _ kind: DatasetKind
    ) throws(Stop) -> Dataset {
        let name = group.child("datasets", kind.collectionLabel)
        guard case .dataset(let dataset) = resource(name) else {
            throw .refused(.missing(name, "dataset"))
        }
        return dataset
    }

    private mutating func store(_ job: Job, _ change: (inout Job) -> Void) -> MutationOutcome {
        var job = job
        change(&job)
        job.header.updatedAt = now
        job.header.revision += 1
        store(.job(job))
        return MutationOutcome(position: position, appliedCount: 1, resources: [.job(job)])
    }

    private mutating func store(_ dataset: Dataset, _ change: (inout BulkState) -> Void) {
        var dataset = dataset
        change(&dataset.bulk)
        dataset.header.updatedAt = now
        dataset.header.revision += 1
        store(.dataset(dataset))
    }

    // MARK: Steps

    private mutating func begin(_ name: ResourceName) throws(Stop) -> MutationOutcome {
        let job = try job(name)
        guard job.header.status == .createPending else {
            throw .refused(.inUse(name, "is not waiting to begin"))
        }
        var work = job.work
        if case .importing(var importing) = work, !importing.isDryRun {
            let dataset = try dataset(job.group, importing.dataset)
            importing.generation = dataset.bulk.active
            if importing.mode == .full {
                guard dataset.bulk.staging == 0 else {
                    throw .refused(.inUse(name, "has to wait for another FULL import"))
                }
                importing.generation = dataset.bulk.last + 1
                store(dataset) { bulk in
                    bulk.last = importing.generation
                    bulk.staging = importing.generation
                }
            }
            work = .importing(importing)
        }
        isolate(try group(job.group))
        return store(job) { job in
            job.header.status = .createInProgress
            job.work = work
        }
    }

    private mutating func chunk(
        _ name: ResourceName,
        _ records: BulkRecords?,
        _ given: JobProgress,
        _ rejected: [RejectedRow]
    ) throws(Stop) -> MutationOutcome {
        let job = try job(name)
        guard job.header.status == .createInProgress else {
            throw .refused(.inUse(name, "is not running"))
        }
        let group = try group(job.group)
        isolate(group)
        var progress = given
        progress.rejected = []
        var outcome = MutationOutcome(position: position)
        switch (records, job.work) {
        case (.deletions(let users)?, .deleting):
            outcome = try delete(.owners(.user, users, isPartial: true), job.group)
        case (let records?, .importing(let work)):
            try plan(records, group, work, &outcome)
        case (_, .exporting), (_, .deleting), (nil, .importing):
            break
        }
        progress.appliedCount += UInt64(outcome.appliedCount)
        progress.duplicateCount += UInt64(outcome.duplicateCount)
        progress.position = position.rawValue
        effects.append(.bulk(.progressed(name, progress, rejected: rejected)))
        return outcome
    }

    private mutating func activate(_ name: ResourceName) throws(Stop) -> MutationOutcome {
        let job = try job(name)
        guard job.header.status == .createInProgress, case .importing(var work) = job.work,
            work.mode == .full, !work.isSwitched
        else { throw .refused(.inUse(name, "has nothing to make active")) }
        let group = try group(job.group)
        isolate(group)
        let dataset = try dataset(job.group, work.dataset)
        try admitSwitch(work.dataset, group.index)
        var reread: [RereadHistory] = []
        if work.dataset == .interactions {
            for owner in engine.stored(group.index)?.truncatedOwners() ?? [] {
                reread.append(RereadHistory(owner: owner, events: try putEvents(group, owner)))
            }
        }
        effects.append(
            .bulk(.switched(group.index, work.dataset, to: work.generation, reread: reread))
        )
        store(dataset) { bulk in
            bulk.active = work.generation
            bulk.staging = 0
        }
        var progress = engine.jobs[name] ?? JobProgress()
        progress.rejected = []
        progress.position = position.rawValue
        effects.append(.bulk(.progressed(name, progress, rejected: [])))
        work.isSwitched = true
        return store(job) { $0.work = .importing(work) }
    }

    private func putEvents(
        _ group: DatasetGroup,
        _ owner: UserIndex
    ) throws(Stop) -> [StoredEvent] {
        do throws(Refusal) {
            return try facts.events(group.index, owner: owner).filter { $0.generation == 0 }
        } catch {
            throw .refused(error)
        }
    }

    private mutating func stop(
        _ name: ResourceName,
        _ reason: String
    ) throws(Stop) -> MutationOutcome {
        let job = try job(name)
        switch job.header.status {
        case .createPending, .createInProgress: break
        case .active, .createFailed, .createStopping, .createStopped:
            throw .refused(.inUse(name, "is not running"))
        }
        if case .importing(let work) = job.work {
            if work.isSwitched {
                throw .refused(.inUse(name, "has put its records in place already"))
            }
            try dropStaged(job, work)
        }
        let hasBegun = job.header.status == .createInProgress
        return store(job) { job in
            job.header.status = hasBegun ? .createStopping : .createStopped
            job.header.failureReason = reason
        }
    }

    private mutating func dropStaged(_ job: Job, _ work: ImportWork) throws(Stop) {
        guard work.mode == .full, work.generation != 0 else { return }
        let group = try group(job.group)
        isolate(group)
        let dataset = try dataset(job.group, work.dataset)
        guard dataset.bulk.staging == work.generation else { return }
        effects.append(
            .bulk(.dropped(group.index, work.dataset, generation: work.generation))
        )
        store(dataset) { $0.staging = 0 }
    }

    private mutating func end(
        _ name: ResourceName,
        _ status: ResourceStatus
    ) throws(Stop) -> MutationOutcome {
        let job = try job(name)
        switch job.header.status {
        case .createInProgress, .createStopping: break
        case .active, .createFailed, .createPending, .createStopped:
            throw .refused(.inUse(name, "is not running"))
        }
        return store(job) { $0.header.status = status }
    }
}

extension Refusal {
    fileprivate static func inUse(_ name: ResourceName, _ what: String) -> Refusal {
        Refusal(.resourceInUse, "the job '\(name)' \(what)", resource: name.text)
    }
}
