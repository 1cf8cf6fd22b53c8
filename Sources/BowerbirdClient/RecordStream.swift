internal import Primitives
internal import Wire

/// One record of a stream.
public enum StreamedRecord: Hashable, Sendable {
    /// An event of a user, of a session (the user's id is empty), or of both.
    case interaction(userID: String, sessionID: String, Event)
    /// A user that is added, or replaced as a whole.
    case user(Record)
    /// An item that is added, or replaced as a whole.
    case item(Record)
    /// A user of whom the named properties change; null removes one.
    case userUpdate(Record)
    /// An item of which the named properties change; null removes one.
    case itemUpdate(Record)
}

/// What became of one batch of a stream.
public struct BatchResult: Hashable, Sendable {
    /// A record that was not applied.
    public struct Rejection: Hashable, Sendable {
        /// Its place in the batch, from 0.
        public var index: Int
        /// The path of the bad field, such as `records[3].item.item_id`.
        public var field: String
        /// What was found and what is allowed.
        public var message: String
    }

    /// Whoever has seen this position sees the batch.
    public var position: UInt64
    /// Records that were added or replaced.
    public var appliedCount: Int
    /// Events that were known already.
    public var duplicateCount: Int
    /// The records that were not applied.
    public var rejected: [Rejection]
}

/// A stream of batches into one dataset group.
///
/// Iterating gives the result of each batch, in order, once it is durable and visible. `send` waits
/// while the server is behind. One task sends and one iterates at a time; they may be the same.
///
/// A stream that breaks once the server has answered is opened again for up to
/// `resumeTimeoutSeconds`, and whatever has no answer is sent again; the server knows batches by
/// producer and number, so nothing is lost and nothing counts twice.
public struct RecordStream: AsyncSequence, Sendable {
    /// The result of one batch.
    public typealias Element = BatchResult
    /// Why the stream ended early.
    public typealias Failure = ClientError

    /// Gives the results one by one.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: RecordStream

        /// The result of the next batch; `nil` when all have come and `finish` was called.
        public mutating func next() async throws(ClientError) -> BatchResult? {
            try await stream.link.next()
        }

        /// The same, whatever actor asks.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ClientError) -> BatchResult? {
            try await stream.link.next()
        }
    }

    let link: RecordLink

    /// Starts to take the results.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(stream: self)
    }

    /// How often the stream broke and was opened again.
    public var resumeCount: Int { link.resumeCount }

    /// Sends a batch of 1 to 65,535 records.
    public func send(_ records: [StreamedRecord]) async throws(ClientError) {
        try await link.send { request in
            for record in records { request.records { Self.encode(record, $0) } }
        }
    }

    /// Says that there are no more batches; the results of those that were sent still come.
    public func finish() {
        link.finish()
    }

    /// Gives the stream up; what was acknowledged stays.
    public func cancel() {
        link.cancel()
    }

    fileprivate static func encode(_ record: StreamedRecord, _ builder: RecordBuilder) {
        switch record {
        case .interaction(let userID, let sessionID, let event):
            builder.interaction { interaction in
                interaction.userID(userID)
                interaction.sessionID(sessionID)
                interaction.event { event.encode(into: $0) }
            }
        case .user(let user): builder.user { user.encode(into: $0) }
        case .userUpdate(let user): builder.userUpdate { user.encode(into: $0) }
        case .item(let item): builder.item { item.encode(into: $0) }
        case .itemUpdate(let item): builder.itemUpdate { item.encode(into: $0) }
        }
    }

}

extension BowerbirdClient {
    /// Opens a stream of batches; nothing is sent before the first.
    ///
    /// - Parameters:
    ///   - group: The dataset group's resource name.
    ///   - producerID: Under which the server knows this client's batches, 1 to 256 characters. By
    ///     default one that nobody else has.
    ///   - firstBatchID: The number of the first batch; larger than any that the producer sent
    ///     before.
    ///   - resumeTimeoutSeconds: For how long a broken stream is opened again.
    /// - Returns: The stream; it fails at its first use when nobody answers.
    public func streamRecords(
        group: String,
        producerID: String? = nil,
        firstBatchID: UInt64 = 1,
        resumeTimeoutSeconds: Int = 60
    ) -> RecordStream {
        var random = SystemRandomNumberGenerator()
        let generated = String(random.next(), radix: 36) + String(random.next(), radix: 36)
        return RecordStream(
            link: RecordLink(
                channel: channel,
                group: group,
                producerID: producerID ?? generated,
                firstBatchID: firstBatchID,
                resumeTimeoutSeconds: resumeTimeoutSeconds
            )
        )
    }
}
