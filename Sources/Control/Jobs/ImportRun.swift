import Engine
import Formats
import Glibc
import Journal
import Logging
import Primitives
import Resources
import Serving

/// One import, from where it is to its end.
///
/// Confined to the jobs' thread.
struct ImportRun {
    private let queue: JobQueue
    private let name: ResourceName
    private var engine: DatasetEngine { queue.journal.engine }

    init(_ queue: JobQueue, _ name: ResourceName) {
        self.queue = queue
        self.name = name
    }

    /// Why a run ends before its job is done.
    private enum Stop: Error {
        /// The server is stopping; the job goes on after its restart.
        case serverIsEnding
        /// Somebody cancelled the job, or it has failed for a reason that is stored already.
        case jobIsStopping
        case failed(Refusal)
    }

    func run() {
        do throws(Stop) {
            if isOver() { return }
            if job?.header.status == .createPending { _ = try submit(.begin(name)) }
            queue.notify()
            guard let job, case .importing(let work) = job.work else { return }
            if job.header.status == .createStopping { throw .jobIsStopping }
            if !work.isSwitched { try readFiles(work) }
            try finish(job)
            removeUpload(work)
            queue.logger.info("imported", metadata: ["resource": "\(name)"])
        } catch {
            switch error {
            case .serverIsEnding: return
            case .jobIsStopping: break
            case .failed(let refusal):
                queue.logger.error(
                    "import failed",
                    metadata: ["resource": "\(name)", "error": "\(refusal.message)"]
                )
                _ = try? queue.submit(.stop(name, reason: refusal.message))
            }
            cleanUp()
        }
    }

    /// Cancelled while it was waiting, for one.
    private func isOver() -> Bool {
        guard let job, case .importing(let work) = job.work else { return true }
        switch job.header.status {
        case .createPending, .createInProgress, .createStopping: return false
        case .active, .createFailed, .createStopped:
            removeUpload(work)
            return true
        }
    }

    private var job: Job? {
        guard case .job(let job) = engine.resources[name] else { return nil }
        return job
    }

    private func submit(_ step: JobStep) throws(Stop) -> MutationOutcome {
        if queue.isEnding { throw .serverIsEnding }
        do throws(Refusal) {
            return try queue.submit(step)
        } catch {
            if queue.isEnding { throw .serverIsEnding }
            switch job?.header.status {
            case .createStopping, .createStopped, nil: throw .jobIsStopping
            default: throw .failed(error)
            }
        }
    }

    // MARK: Rows

    private func readFiles(_ work: ImportWork) throws(Stop) {
        do throws(Refusal) {
            let files = try SourceFile.all(of: work.source)
            var reading = ImportReading(
                work,
                files,
                engine.jobs[name] ?? JobProgress(),
                queue.limits
            )
            guard let group = job?.group else { return }
            while let chunk = try reading.next(
                schema: { () throws(Refusal) in try schema(group, work.dataset) },
                grow: { (fields) throws(Refusal) in try grow(group, work, fields) },
                now: queue.clock.now()
            ) {
                try store(chunk, &reading)
            }
        } catch {
            if queue.isEnding { throw .serverIsEnding }
            let isStopping = job?.header.status == .createStopping || job == nil
            throw isStopping ? .jobIsStopping : .failed(error)
        }
    }

    private func store(
        _ chunk: ImportReading.Chunk,
        _ reading: inout ImportReading
    ) throws(Refusal) {
        if queue.isEnding { throw Refusal(.unavailable, "the server is stopping") }
        let outcome = try queue.submit(
            .chunk(
                name,
                reading.work.isDryRun ? nil : chunk.records,
                chunk.progress,
                rejected: chunk.listed
            )
        )
        reading.stored(chunk, outcome)
        queue.advanced(reading.progress)
        guard reading.progress.rejectedCount <= UInt64(reading.work.errorsMax) else {
            throw Refusal(
                .invalidInput,
                "\(reading.progress.rejectedCount) rows were refused, and max_errors is "
                    + "\(reading.work.errorsMax); the first of them are listed"
            )
        }
    }

    private func schema(
        _ group: ResourceName,
        _ kind: DatasetKind
    ) throws(Refusal) -> Schema {
        guard let schema = engine.schema(of: group, kind) else {
            throw .missing(group.child("datasets", kind.collectionLabel), "dataset")
        }
        return schema
    }

    /// Adds columns to an open schema; others may be adding theirs.
    ///
    /// In a dry run only looks whether it may.
    private func grow(
        _ group: ResourceName,
        _ work: ImportWork,
        _ fields: [SchemaField]
    ) throws(Refusal) {
        for _ in 0..<100 {
            var schema = try schema(group, work.dataset)
            let known = Set(schema.fields.map(\.foldedName))
            let new = fields.filter { !known.contains($0.foldedName) }
            if new.isEmpty { return }
            guard schema.ownColumns.count + new.count <= Limits.openSchemaColumnsMax else {
                throw Refusal(
                    .invalidInput,
                    "\(new.count) columns more would be above the "
                        + "\(Limits.openSchemaColumnsMax) that an open schema may grow"
                )
            }
            if work.isDryRun { return }
            schema.fields += new
            schema.header.revision += 1
            schema.header.updatedAt = queue.clock.now()
            do throws(Refusal) {
                return try queue.update(.schema(schema))
            } catch {
                guard error.code == .etagMismatch else { throw error }
            }
        }
    }

    // MARK: The end

    private func finish(_ job: Job) throws(Stop) {
        guard case .importing(let work) = job.work else { return }
        if work.mode == .full && !work.isDryRun {
            if !work.isSwitched { _ = try submit(.activate(name)) }
            queue.notify()
            try sweep(job.group, work.dataset)
            switch work.dataset {
            case .interactions: try rebuildModels(of: job.group)
            case .items: try describeItems(of: job.group)
            case .users: break
            }
        }
        _ = try submit(.end(name, .active))
    }

    /// Tells the models what the records of all items say, some at a time: writes go on between.
    private func describeItems(of group: ResourceName) throws(Stop) {
        guard case .datasetGroup(let group) = engine.resources[group] else { return }
        var next: UInt32 = 0
        do throws(Refusal) {
            while Int(next) < engine.group(group.index)?.currentRoot.itemCount ?? 0 {
                if queue.isEnding { throw Refusal(.unavailable, "the server is stopping") }
                let some = next..<next + Limits.describedAtOnceMax
                try queue.onWriter { () throws(Refusal) in
                    queue.registry.describe(some.lazy.map { ItemIndex($0) }, of: group.index)
                }
                next = some.upperBound
            }
        } catch {
            if queue.isEnding { throw .serverIsEnding }
            throw .failed(error)
        }
    }

    private func rebuildModels(of group: ResourceName) throws(Stop) {
        guard case .datasetGroup(let group) = engine.resources[group] else { return }
        do throws(Refusal) {
            let isDone = try ModelRebuild(queue).run(group.index) { queue.isEnding }
            if !isDone { throw Refusal(.unavailable, "the server is stopping") }
        } catch {
            if queue.isEnding { throw .serverIsEnding }
            // The records are in place; the models answer with what they knew until they are
            // trained again.
            queue.logger.error(
                "models were not trained on the import",
                metadata: ["resource": "\(name)", "error": "\(error.message)"]
            )
        }
    }

    /// Deletes the rows of generations that the dataset does not name.
    private func sweep(_ groupName: ResourceName, _ kind: DatasetKind) throws(Stop) {
        guard case .datasetGroup(let group) = engine.resources[groupName],
            case .dataset(let dataset) = engine.resources[
                groupName.child("datasets", kind.collectionLabel)
            ]
        else { return }
        let bulk = dataset.bulk
        let sweep = queue.journal.bulkSweep(group.index, kind) { generation in
            generation == bulk.active || generation == bulk.staging || generation > bulk.last
        }
        do throws(Refusal) {
            while try queue.onWriter({ () throws(Refusal) in try sweep.step() }) {
                if queue.isEnding { throw Refusal(.unavailable, "the server is stopping") }
            }
        } catch {
            if queue.isEnding { throw .serverIsEnding }
            throw .failed(error)
        }
    }

    /// After a cancel or a failure: what was staged goes, and the job is over.
    private func cleanUp() {
        guard let job, job.header.status == .createStopping,
            case .importing(let work) = job.work
        else { return }
        do throws(Stop) {
            if work.mode == .full && work.generation != 0 { try sweep(job.group, work.dataset) }
            let status: ResourceStatus =
                job.header.failureReason.isEmpty ? .createStopped : .createFailed
            _ = try submit(.end(name, status))
            removeUpload(work)
        } catch {
            queue.logger.error("a job could not be cleaned up", metadata: ["resource": "\(name)"])
        }
    }

    private func removeUpload(_ work: ImportWork) {
        if work.source.isUpload { _ = unsafe unlink(work.source.path) }
    }
}
