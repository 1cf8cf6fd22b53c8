package import Primitives
package import Resources

/// The trained models on disk: bytes, by solution version, with the position that they have seen.
package final class ArtifactStore: Sendable {
    /// A model's bytes.
    package struct Artifact: Sendable {
        package var position: LogPosition
        package var bytes: [UInt8]

        package init(position: LogPosition, bytes: [UInt8]) {
            self.position = position
            self.bytes = bytes
        }
    }

    private let writer: Writer
    private let sequencer: Sequencer
    private let hash: StableHash

    init(writer: Writer, sequencer: Sequencer, hash: StableHash) {
        self.writer = writer
        self.sequencer = sequencer
        self.hash = hash
    }

    /// Makes an artifact durable.
    ///
    /// On the writer's thread.
    package func store(_ version: ResourceName, _ artifact: Artifact) throws(Refusal) {
        let row = RowWriter()
        row.put(artifact.position.rawValue)
        unsafe row.bytes.append(artifact.bytes.span.bytes)
        let store = try writer.currentStore()
        let batch = WriteBatch()
        unsafe batch.put(
            store.family(.artifacts),
            RowKey.text(version.text, hash),
            row.bytes.bytes
        )
        do throws(JournalError) {
            try store.write(batch)
        } catch {
            throw Refusal(.unavailable, "the model could not be stored: \(error)")
        }
    }

    /// The artifact of a version; `nil` when there is none.
    ///
    /// On the writer's thread, or before it starts.
    package func artifact(_ version: ResourceName) throws(Refusal) -> Artifact? {
        let store = try writer.currentStore()
        do throws(JournalError) {
            let key = RowKey.text(version.text, hash)
            guard let row = try store.get(.artifacts, key) else { return nil }
            var reader = RowReader(row)
            guard let position = try? reader.unsigned() else {
                throw JournalError(.corrupt, "the artifact of '\(version)' can't be read")
            }
            let header = RowWriter()
            header.put(position)
            return Artifact(
                position: LogPosition(position),
                bytes: Array(row.dropFirst(header.bytes.count))
            )
        } catch {
            throw Refusal(.unavailable, "the model could not be read: \(error)")
        }
    }

    /// Forgets an artifact.
    ///
    /// On the writer's thread.
    package func delete(_ version: ResourceName) {
        guard let store = try? writer.currentStore() else { return }
        let batch = WriteBatch()
        unsafe batch.delete(store.family(.artifacts), RowKey.text(version.text, hash))
        try? store.write(batch)
    }
}
