import Primitives
import RPC
import Synchronization
import Wire

/// The connection behind a `RecordStream`, which outlives the streams that break.
///
/// Batches wait in `State.waiting` until they are answered. While a stream is being opened again
/// there is none in the state: what is sent meanwhile waits, and goes out behind the others.
final class RecordLink: Sendable {
    private struct State {
        /// `nil`: being opened again.
        var stream: ClientStream?
        /// Which of the streams it is.
        var round = 0
        /// Sent or to be sent, and without an answer; the oldest first.
        var waiting: [[UInt8]] = []
        var nextBatchID: UInt64
        var hasAnswer = false
        /// Since when there is no answer for want of a server; `nil` with one.
        var brokenSince: ContinuousClock.Instant?
        var isFinished = false
        var isCancelled = false
        var reopening: Task<Void, any Error>?
    }

    private static let path = "/bowerbird.v1.EventsService/StreamRecords"

    private let channel: ClientChannel
    private let group: String
    private let producerID: String
    private let resumeTimeoutSeconds: Int
    private let state: Mutex<State>

    init(
        channel: ClientChannel,
        group: String,
        producerID: String,
        firstBatchID: UInt64,
        resumeTimeoutSeconds: Int
    ) {
        self.channel = channel
        self.group = group
        self.producerID = producerID
        self.resumeTimeoutSeconds = resumeTimeoutSeconds
        state = Mutex(State(stream: channel.stream(Self.path), nextBatchID: firstBatchID))
    }

    var resumeCount: Int { state.withLock { $0.round } }

    func send(_ encode: (StreamRecordsRequestBuilder) -> Void) async throws(ClientError) {
        let writer = ByteWriter()
        let request = StreamRecordsRequestBuilder(into: writer)
        request.datasetGroup(group)
        encode(request)
        request.producerID(producerID)
        let (bytes, stream, round) = state.withLock { state in
            request.batchID(state.nextBatchID)
            state.nextBatchID += 1
            let bytes = unsafe writer.withUnsafeBytes { unsafe Array($0) }
            state.waiting.append(bytes)
            return (bytes, state.stream, state.round)
        }
        do throws(Status) {
            // Without a stream whoever opens the next one sends it.
            guard let stream else { return try await reopen(after: round) }
            try await Self.send(bytes, on: stream)
        } catch {
            try await resume(error, after: round)
        }
    }

    func next() async throws(ClientError) -> BatchResult? {
        while true {
            let (stream, round) = state.withLock { ($0.stream, $0.round) }
            var failure = Status(.unavailable, "the stream is being opened again")
            if let stream {
                var message: [UInt8]?
                do throws(Status) {
                    message = try await stream.next()
                    failure = Status(.unavailable, "the server ended the stream early")
                } catch {
                    failure = error
                }
                if let message { return try take(message) }
                let isComplete = state.withLock { $0.isFinished && $0.waiting.isEmpty }
                if isComplete { return nil }
            }
            try await resume(failure, after: round)
        }
    }

    func finish() {
        let stream = state.withLock { state in
            state.isFinished = true
            return state.stream
        }
        stream?.finish()
    }

    func cancel() {
        let stream = state.withLock { state in
            state.isCancelled = true
            return state.stream
        }
        stream?.cancel()
    }

    private func take(_ message: [UInt8]) throws(ClientError) -> BatchResult {
        state.withLock { state in
            state.hasAnswer = true
            state.brokenSince = nil
            if !state.waiting.isEmpty { state.waiting.removeFirst() }
        }
        do throws(WireError) {
            return try BatchResult(message)
        } catch {
            throw ClientError(unreadable: error.message)
        }
    }

    // MARK: After a break

    /// Opens the stream again where that may help.
    private func resume(_ failure: Status, after round: Int) async throws(ClientError) {
        let hasAnswer = state.withLock { state in
            // Answers that nobody has taken yet go with their stream, and are given again.
            if state.stream?.wasAnswered ?? false { state.hasAnswer = true }
            return state.hasAnswer
        }
        guard failure.code == .unavailable, hasAnswer, mayTryAgain() else {
            throw ClientError(failure)
        }
        do throws(Status) {
            try await reopen(after: round)
        } catch {
            throw ClientError(error)
        }
    }

    /// Returns once there is a later stream than that of `round`, whoever opens it.
    private func reopen(after round: Int) async throws(Status) {
        let task: Task<Void, any Error>? = state.withLock { state in
            if state.round != round { return state.reopening }
            if let running = state.reopening { return running }
            state.stream = nil
            let task = Task { try await self.openAgain() }
            state.reopening = task
            return task
        }
        do {
            try await task?.value
        } catch let error as Status {
            throw error
        } catch {
            throw Status(.unavailable, "\(error)")
        }
    }

    private func openAgain() async throws {
        var pauseMS = 20
        while true {
            // Also before the first try: a server that is there and fails is let alone a little.
            try await Task.sleep(for: .milliseconds(pauseMS))
            pauseMS = min(1_000, pauseMS * 2)
            do throws(Status) {
                return try await openOnce()
            } catch {
                if error.code == .unavailable && mayTryAgain() { continue }
                state.withLock { $0.reopening = nil }
                throw error
            }
        }
    }

    private func mayTryAgain() -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            let since = state.brokenSince ?? now
            state.brokenSince = since
            return !state.isCancelled && now - since < .seconds(resumeTimeoutSeconds)
        }
    }

    /// Sends all that waits on a new stream, which takes the place of the broken one then.
    private func openOnce() async throws(Status) {
        let stream = channel.stream(Self.path)
        var sentCount = 0
        while true {
            let next: [UInt8]? = state.withLock { state in
                if sentCount < state.waiting.count { return state.waiting[sentCount] }
                state.stream = stream
                state.round += 1
                state.reopening = nil
                if state.isFinished { stream.finish() }
                return nil
            }
            guard let next else { return }
            try await Self.send(next, on: stream)
            sentCount += 1
        }
    }

    private static func send(_ bytes: [UInt8], on stream: ClientStream) async throws(Status) {
        try await stream.send { unsafe $0.append(bytes.span.bytes) }
    }
}

extension BatchResult {
    fileprivate init(_ message: [UInt8]) throws(WireError) {
        let arena = Arena()
        let response = try StreamRecordsResponseView(
            unpacking: unsafe message.span.bytes,
            into: arena
        )
        var rejected: [Rejection] = []
        for index in 0..<response.rejectedCount {
            let one = response.rejected(index)
            rejected.append(
                Rejection(
                    index: Int(one.index),
                    field: one.field.string,
                    message: one.message.string
                )
            )
        }
        self.init(
            position: response.position,
            appliedCount: Int(response.appliedCount),
            duplicateCount: Int(response.duplicateCount),
            rejected: rejected
        )
    }
}
