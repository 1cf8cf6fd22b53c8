import Engine
import Journal
import Primitives
import Recipes
import Resources
import Serving

/// Trains the models of a group anew on the facts as they are now.
///
/// For changes of so many facts that retracting and observing each would keep the writer for
/// minutes. The old models answer until the new ones do. Confined to the jobs' thread.
struct ModelRebuild {
    private let queue: JobQueue

    init(_ queue: JobQueue) {
        self.queue = queue
    }

    /// - Returns: False when it was stopped.
    func run(
        _ group: GroupIndex,
        isStopped: @escaping @Sendable () -> Bool
    ) throws(Refusal) -> Bool {
        let registry = queue.registry
        let models = try queue.onWriter { () throws(Refusal) in registry.models(of: group) }
        for model in models {
            guard try rebuild(model, group, isStopped) else { return false }
        }
        return true
    }

    private func rebuild(
        _ model: ModelRegistry.Model,
        _ group: GroupIndex,
        _ isStopped: @escaping @Sendable () -> Bool
    ) throws(Refusal) -> Bool {
        let journal = queue.journal
        let registry = queue.registry
        // Each attempt reads a newer state.
        for _ in 0..<3 {
            let (records, items) = try queue.onWriter { () throws(Refusal) in
                let records = try journal.makeSnapshot()
                registry.beginRecording(for: model.name, of: group)
                let solution = model.hasArtifact ? model.name.parent : model.name
                return (records, solution.flatMap { registry.itemRecords(of: $0, group) })
            }
            let set = SnapshotTrainingSet(
                snapshot: records,
                group: group,
                itemCount: items?.root.itemCount ?? 0,
                selection: model.selection,
                items: items
            )
            let made: any TrainedModel
            do throws(RecipeError) {
                made = try model.recipe.train(set) { _ in !isStopped() }
            } catch {
                try queue.onWriter { () throws(Refusal) in registry.endRecording(for: model.name) }
                if error.code == .cancelled { return false }
                throw Refusal(.internalFailure, error.message)
            }
            let isAdopted = try queue.onWriter { () throws(Refusal) in
                guard registry.adopt(made, as: model.name, isDescribed: true)
                else { return false }
                guard model.hasArtifact else { return true }
                let bytes = ByteWriter()
                made.encode(into: bytes)
                let artifact = ArtifactStore.Artifact(
                    position: journal.engine.position,
                    bytes: unsafe bytes.withUnsafeBytes { unsafe Array($0) }
                )
                try journal.artifacts.store(model.name, artifact)
                return true
            }
            if isAdopted { return true }
        }
        throw Refusal(.internalFailure, "too much was written during each of 3 trainings")
    }
}
