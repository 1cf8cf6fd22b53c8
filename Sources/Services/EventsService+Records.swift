import Engine
import Journal
import Primitives
import RPC
import Resources
import Serving
import Wire

/// Records of any kind, in one call or in a stream of batches; and the good ones of a partial call.
extension EventsService {
    func addRecords(to router: inout Router) {
        router.unary("/bowerbird.v1.EventsService/PutRecords") { [self] in putRecords($0, $1) }
        router.bidirectional("/bowerbird.v1.EventsService/StreamRecords") { [self] call in
            RecordStream(call, service: self)
        }
    }

    private func putRecords(_ message: RawSpan, _ call: ServerCall) {
        respond(call) { arena in
            let request = try PutRecordsRequestView(unpacking: message, into: arena)
            let group = try group(request.datasetGroup.string)
            var records: [RecordInput] = []
            // One more than allowed is enough to refuse the call.
            for index in 0..<min(request.recordsCount, limits.recordsPerCallMax + 1) {
                records.append(Self.record(request.records(index)))
            }
            var batch = try check(
                records,
                in: .records,
                group,
                isPartial: request.allowPartial,
                countMax: limits.recordsPerCallMax
            )
            batch.producer = try producer(
                request.producerID.string,
                request.batchID,
                message,
                isPartial: request.allowPartial
            )
            return .putRecords(group: group, tracker: nil, batch)
        } encode: { outcome, writer in
            let response = PutRecordsResponseBuilder(into: writer)
            response.position(outcome.position.rawValue)
            response.appliedCount(UInt32(outcome.appliedCount))
            response.duplicateCount(UInt32(outcome.duplicateCount))
            for one in outcome.rejected { response.rejected { Self.encode(one, $0) } }
        }
    }

    /// Which batch of which producer a message is; `nil` when it does not say.
    fileprivate func producer(
        _ producerID: String,
        _ batchID: UInt64,
        _ message: RawSpan,
        isPartial: Bool
    ) throws -> ProducerBatch? {
        if producerID.isEmpty && batchID == 0 { return nil }
        let count = producerID.unicodeScalars.count
        guard (1...Limits.identifierCharactersMax).contains(count) else {
            let problem = count == 0 ? "is required with batch_id" : "has \(count) characters"
            throw Refusal.invalid("producer_id", "\(problem); 1 to 256 are allowed")
        }
        guard batchID > 0 else {
            throw Refusal.invalid("batch_id", "is required with producer_id; 1 or more")
        }
        // `records` is field 2 of both messages.
        let body = BodyHash.hash(message, field: 2, hash)
        return ProducerBatch(
            producerID: producerID,
            batchID: batchID,
            bodyHash: isPartial ? body : ~body
        )
    }

    /// The group of a call that takes records of any kind.
    func group(_ text: String) throws -> ResourceName {
        guard !text.isEmpty else {
            throw Refusal.invalid("dataset_group", "is required; a dataset group's resource name")
        }
        let group = try name(text, .datasetGroup, "dataset_group")
        guard engine.resources[group] != nil else { throw Refusal.missing(group, "dataset group") }
        return group
    }

    fileprivate static func record(_ record: borrowing RecordView) -> RecordInput {
        if record.hasInteraction {
            let interaction = record.interaction
            return .interaction(
                userID: interaction.userID.string,
                sessionID: interaction.sessionID.string,
                interaction.hasEvent ? event(interaction.event) : EventInput()
            )
        }
        if record.hasUser { return .user(user(record.user)) }
        if record.hasItem { return .item(item(record.item)) }
        if record.hasUserUpdate { return .userUpdate(user(record.userUpdate)) }
        if record.hasItemUpdate { return .itemUpdate(item(record.itemUpdate)) }
        return .none
    }

    func check(
        _ records: [RecordInput],
        in list: RecordBatch.List,
        _ group: ResourceName,
        isPartial: Bool,
        countMax: Int
    ) throws -> RecordBatch {
        try ingests.with { ingest in
            try ingest.checkRecords(
                records,
                in: list,
                isPartial: isPartial,
                countMax: countMax,
                now: clock.now()
            ) { kind in try? schema(group, kind) }
        }
    }

    // MARK: Partial Put calls

    /// The good events of a call whose ids are good.
    func partial(_ input: PutEventsInput, _ group: ResourceName) throws -> RecordBatch {
        try Ingest.checkOwner(userID: input.userID, sessionID: input.sessionID)
        return try partial(
            input.events.map { .interaction(userID: input.userID, sessionID: input.sessionID, $0) },
            in: .eventList,
            group
        )
    }

    func partial(
        _ records: [RecordInput],
        in list: RecordBatch.List,
        _ group: ResourceName
    ) throws -> RecordBatch {
        try check(records, in: list, group, isPartial: true, countMax: limits.recordsPerCallMax)
    }

    static func encode(_ rejected: RejectedRecord, _ builder: RejectedRecordBuilder) {
        let status = StatusMapping.status(rejected.refusal)
        builder.index(UInt32(rejected.index))
        builder.code(Int32(status.code.rawValue))
        builder.message(rejected.refusal.message)
        if let first = rejected.refusal.violations.first { builder.field(first.field) }
    }
}

/// One `StreamRecords` call: a batch in, an answer out, in order.
///
/// Confined to the call's loop.
private final class RecordStream: StreamingCallHandler {
    private let call: ServerCall
    private let service: EventsService
    private var group: ResourceName?
    private var producerID = ""
    private var inFlight = 0
    private var isHalfClosed = false
    /// Why the stream ends, once what is in flight has been answered.
    private var failure: Status?

    init(_ call: ServerCall, service: EventsService) {
        self.call = call
        self.service = service
    }

    func received(message: RawSpan) {
        guard failure == nil else { return }
        do {
            let mutation = try service.arenas.withArena { try self.mutation(message, $0) }
            submit(mutation)
        } catch {
            failure = StatusMapping.status(of: error)
            endIfDone()
        }
    }

    private func mutation(_ message: RawSpan, _ arena: Arena) throws -> Mutation {
        let request = try StreamRecordsRequestView(unpacking: message, into: arena)
        if !request.datasetGroup.isEmpty || group == nil {
            group = try service.group(request.datasetGroup.string)
        }
        guard let group else { preconditionFailure("the group was just set") }
        var records: [RecordInput] = []
        for index in 0..<min(request.recordsCount, Limits.recordsPerBatchMax + 1) {
            records.append(EventsService.record(request.records(index)))
        }
        var batch = try service.check(
            records,
            in: .records,
            group,
            isPartial: true,
            countMax: Limits.recordsPerBatchMax
        )
        if !request.producerID.isEmpty { producerID = request.producerID.string }
        batch.producer = try service.producer(
            request.batchID == 0 ? request.producerID.string : producerID,
            request.batchID,
            message,
            isPartial: true
        )
        return .putRecords(group: group, tracker: nil, batch)
    }

    private func submit(_ mutation: Mutation) {
        inFlight += 1
        if inFlight == Limits.streamBatchesInFlightMax { call.pauseReading() }
        let handle = call.handle
        // SAFETY: the stream is touched in work that the call's own loop runs, and nowhere else.
        nonisolated(unsafe) let stream = self
        service.sequencer.submit(mutation) { result, wakes in
            handle.complete(waking: wakes) { _ in unsafe stream.answered(result) }
        }
    }

    private func answered(_ result: Result<MutationOutcome, Refusal>) {
        inFlight -= 1
        if inFlight == Limits.streamBatchesInFlightMax - 1 { call.resumeReading() }
        switch result {
        case .success(let outcome):
            call.respond { writer in
                let response = StreamRecordsResponseBuilder(into: writer)
                response.position(outcome.position.rawValue)
                response.appliedCount(UInt32(outcome.appliedCount))
                response.duplicateCount(UInt32(outcome.duplicateCount))
                for one in outcome.rejected {
                    response.rejected { EventsService.encode(one, $0) }
                }
            }
        case .failure(let refusal):
            // Whatever follows was sent without knowing of this: it is not answered.
            return call.fail(StatusMapping.status(refusal))
        }
        endIfDone()
    }

    func halfClosed() {
        isHalfClosed = true
        endIfDone()
    }

    private func endIfDone() {
        guard inFlight == 0 else { return }
        if let failure { return call.fail(failure) }
        if isHalfClosed { call.finish() }
    }
}
