import Engine
package import Journal
package import Primitives
import Recipes
package import Resources
import Serving

/// Creates, lists and deletes the resources of the control plane.
///
/// What a call says is checked here; what depends on other resources is decided by the planner, in
/// the one order of all writes.
package final class ControlPlane: Sendable {
    package typealias Completion = Sequencer.Completion

    let engine: DatasetEngine
    private let sequencer: Sequencer
    private let trainings: TrainingQueue
    package let jobs: JobQueue
    package let jobSettings: JobSettings
    let clock: any Clock
    private let tokens: PageToken
    private let keyedHash: StableHash

    package init(
        journal: Journal,
        trainings: TrainingQueue,
        jobs: JobQueue,
        jobSettings: JobSettings,
        clock: any Clock
    ) {
        self.jobs = jobs
        self.jobSettings = jobSettings
        engine = journal.engine
        sequencer = journal.sequencer
        self.trainings = trainings
        self.clock = clock
        tokens = PageToken(hash: journal.hash)
        keyedHash = journal.hash
    }

    /// Nobody without the data directory can tell what it is of.
    package func hash(_ bytes: [UInt8]) -> UInt64 { unsafe keyedHash.hash(bytes.span.bytes) }

    /// Drafts that carry the time of now.
    package var drafts: ResourceDrafts { ResourceDrafts(now: clock.now()) }

    package var jobDrafts: JobDrafts { JobDrafts(now: clock.now(), settings: jobSettings) }

    package var recipeNames: [String] { RecipeCatalog.all.map(\.recipe.identifier) }

    /// An opaque token, or a label, that nobody can guess.
    package static func randomToken(characters: Int) -> String {
        let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz")
        var random = SystemRandomNumberGenerator()
        return String(
            (0..<characters).map { _ in alphabet[Int(random.next(upperBound: UInt64(36)))] }
        )
    }

    // MARK: Changes

    /// Creates all of the resources or none.
    package func create(
        _ resources: [Resource],
        requestID: String,
        completion: @escaping Completion
    ) {
        guard requestID.utf8.count <= 64 else {
            return completion(
                .failure(.invalid("request_id", "has more than 64 bytes")),
                nil
            )
        }
        sequencer.submit(.createResources(resources, requestID: requestID)) {
            [trainings, jobs] result, wakes in
            if case .success(let outcome) = result {
                for case .job(let job) in outcome.resources
                where job.header.status == .createPending {
                    jobs.enqueue(Resource.job(job).resourceName)
                }
                for case .solutionVersion(let version) in outcome.resources
                where version.header.status == .createPending {
                    trainings.enqueue(Resource.solutionVersion(version).resourceName)
                }
            }
            completion(result, wakes)
        }
    }

    package func update(_ resource: Resource, completion: @escaping Completion) {
        sequencer.submit(.updateResource(resource), completion: completion)
    }

    /// Deletes a resource, if `etag` is empty or still its etag.
    package func delete(
        _ text: String,
        _ kind: ResourceKind,
        etag: String,
        completion: @escaping Completion
    ) {
        do throws(Refusal) {
            let name = try ResourceName(parsing: text, as: kind, field: kind.field)
            let revision = try Self.revision(etag)
            sequencer.submit(.deleteResource(name, etag: revision), completion: completion)
        } catch {
            completion(.failure(error), nil)
        }
    }

    /// Stops the training of a version.
    package func stopTraining(_ text: String, completion: @escaping Completion) {
        do throws(Refusal) {
            let resource = try describe(text, .solutionVersion)
            trainings.stop(resource.resourceName, completion: completion)
        } catch {
            completion(.failure(error), nil)
        }
    }

    /// Stops a job that is waiting or running.
    package func cancel(
        _ text: String,
        _ kind: ResourceKind,
        completion: @escaping Completion
    ) {
        do throws(Refusal) {
            let resource = try describe(text, kind)
            sequencer.submit(.job(.stop(resource.resourceName, reason: ""))) {
                [jobs] result, wakes in
                completion(result, wakes)
                jobs.notify()
            }
        } catch {
            completion(.failure(error), nil)
        }
    }

    /// How far a job is.
    package func progress(of job: ResourceName) -> JobProgress {
        engine.jobs[job] ?? JobProgress()
    }

    package static func etag(_ header: ResourceHeader) -> String {
        String(header.revision, radix: 36)
    }

    package static func revision(_ etag: String) throws(Refusal) -> UInt64? {
        guard !etag.isEmpty else { return nil }
        guard let revision = UInt64(etag, radix: 36) else {
            throw .invalid("etag", "is not one that this server gave out")
        }
        return revision
    }

    /// Refuses a change of what somebody else changed since the etag was given out.
    package static func check(etag: String, of resource: Resource) throws(Refusal) {
        guard let given = try revision(etag) else { return }
        guard given == resource.header.revision else { throw .changed(resource.resourceName) }
    }

    // MARK: Questions

    package func describe(
        _ text: String,
        _ kind: ResourceKind
    ) throws(Refusal) -> Resource {
        let name = try ResourceName(parsing: text, as: kind, field: kind.field)
        guard let resource = engine.resources[name] else { throw .missing(name, kind.noun) }
        return resource
    }

    /// One page of the resources of a kind, sorted by name.
    ///
    /// - Throws: `invalidInput` for a size or token that is not allowed, `resourceNotFound` for a
    ///   parent that is not there.
    package func list(
        _ kind: ResourceKind,
        below parent: ResourceName?,
        pageSize: Int32,
        pageToken: String
    ) throws(Refusal) -> (page: [Resource], nextPageToken: String) {
        if let parent, engine.resources[parent] == nil { throw .missing(parent, "parent") }
        let list = "\(kind) of \(parent?.text ?? "all")"
        let after = try tokens.name(in: pageToken, list: list)
        let size = try Self.pageSize(pageSize)
        let rest = engine.resources.all(kind, below: parent).filter { resource in
            resource.resourceName.text > after
        }
        let page = Array(rest.prefix(size))
        let last = page.last?.resourceName.text ?? ""
        return (page, rest.count > size ? tokens.text(list: list, after: last) : "")
    }

    package static func pageSize(_ size: Int32) throws(Refusal) -> Int {
        guard (0...1_000).contains(size) else {
            throw .invalid("page_size", "is \(size); 1 to 1,000 are allowed, 0 stands for 100")
        }
        return size == 0 ? 100 : Int(size)
    }

    /// Makes `tell` hear of a version's training, until `stopWatching`.
    package func watch(_ version: ResourceName, _ tell: @escaping @Sendable () -> Void) -> UInt64 {
        trainings.watchers.add(version, tell)
    }

    package func stopWatching(_ watcher: UInt64) {
        trainings.watchers.remove(watcher)
    }

    /// Nanoseconds that the rest of a training takes; `nil` while that is not known.
    package func remainingNanoseconds(_ version: ResourceName) -> UInt64? {
        trainings.remainingNanoseconds(version)
    }

    /// The schema of one kind of a group's records; `nil` without such a dataset.
    package func schema(of group: ResourceName, _ kind: DatasetKind) -> Schema? {
        engine.schema(of: group, kind)
    }

    /// How far the training of a version is, 0 to 1.
    package func progress(_ version: SolutionVersion) -> Double {
        switch version.header.status {
        case .active: 1
        case .createInProgress, .createStopping:
            trainings.progress(Resource.solutionVersion(version).resourceName)
        case .createPending, .createFailed, .createStopped: 0
        }
    }

    /// An update goes on from a version that is there.
    package func checkHasVersion(_ text: String) throws(Refusal) {
        guard case .solution(let solution) = try describe(text, .solution) else { return }
        guard latestVersion(of: solution) == nil else { return }
        throw Refusal(
            .resourceInUse,
            "the solution '\(text)' has no ACTIVE version to update; train one with "
                + "TRAINING_MODE_FULL",
            resource: text
        )
    }

    package func latestVersion(of solution: Solution) -> ResourceName? {
        let name = Resource.solution(solution).resourceName
        return engine.latestVersion(of: name).map { Resource.solutionVersion($0).resourceName }
    }
}
