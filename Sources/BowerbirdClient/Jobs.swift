internal import Primitives
internal import RPC
internal import Wire

/// What an import does to the records that were imported before.
public enum ImportMode: String, Hashable, Sendable, CaseIterable {
    /// Takes their place, as one and at its end; records that were put stay.
    case full
    /// Adds to them.
    case incremental
}

/// Which records an export holds.
public enum IngestionMode: String, Hashable, Sendable, CaseIterable {
    /// Those that imports of files brought.
    case bulk
    /// Those that were put one by one.
    case put
    /// All that count.
    case all
}

/// How a file is written.
public enum FileFormat: String, Hashable, Sendable, CaseIterable {
    /// Comma-separated.
    case csv
    /// One JSON object a line.
    case jsonl
}

/// How a file is packed.
public enum FileCompression: String, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case none
    /// By gzip.
    case gzip
    /// By zstd.
    case zstd
}

/// What an import of a file is to be like.
public struct ImportSettings: Hashable, Sendable {
    /// Whether it takes the place of older bulk records.
    public var mode: ImportMode
    /// By the file's name when `nil`.
    public var format: FileFormat?
    /// A quote inside quotes is `\"` and not `""`.
    public var escapesByBackslash: Bool
    /// Rows that may be refused; the server's own number when `nil`.
    public var errorsMax: Int?
    /// Only reads and checks.
    public var isDryRun: Bool
    /// The type of events whose row names none; the server's own when empty.
    public var eventType: String

    /// Makes settings.
    public init(
        mode: ImportMode,
        format: FileFormat? = nil,
        escapesByBackslash: Bool = false,
        errorsMax: Int? = nil,
        isDryRun: Bool = false,
        eventType: String = ""
    ) {
        self.mode = mode
        self.format = format
        self.escapesByBackslash = escapesByBackslash
        self.errorsMax = errorsMax
        self.isDryRun = isDryRun
        self.eventType = eventType
    }
}

/// How a job goes.
public struct JobState: Hashable, Sendable {
    /// A row that was refused.
    public struct RejectedRow: Hashable, Sendable {
        /// The file's name.
        public var file: String
        /// Counted from 1.
        public var line: UInt64
        /// Empty when it is about the row.
        public var column: String
        /// What was found, and what is allowed.
        public var reason: String
    }

    /// The resource name; empty where the caller knows it.
    public var name = ""
    /// Such as `CREATE_IN_PROGRESS`.
    public var status = ""
    /// Why it failed.
    public var failureReason = ""
    /// Rows that were read.
    public var rowCount: UInt64 = 0
    /// Records that are stored.
    public var appliedCount: UInt64 = 0
    /// Rows that say what is stored already.
    public var duplicateCount: UInt64 = 0
    /// Rows that were refused.
    public var rejectedCount: UInt64 = 0
    /// How much is done, 0 to 1.
    public var share = 0.0
    /// While it is running.
    public var rowsPerSecond = 0.0
    /// 0 when that can't be told.
    public var secondsLeft = 0.0
    /// Where in the log the job wrote last: answers at or above it have seen all that is counted.
    public var position: UInt64 = 0
    /// The first of the refused rows, once the job is over.
    public var rejectedRows: [RejectedRow] = []

    /// A job of which nothing is known yet.
    public init() {}

    /// Whether it has done all.
    public var isActive: Bool { status == "ACTIVE" || status == "COMPLETED" }

    /// Whether nothing more happens.
    public var isOver: Bool {
        isActive || ["CREATE_FAILED", "CREATE_STOPPED", "FAILED"].contains(status)
    }
}

/// The states of a job, one with every change, until it is over.
public struct JobStates: AsyncSequence, Sendable {
    /// One state.
    public typealias Element = JobState
    /// Why the watch ended early.
    public typealias Failure = ClientError

    /// Gives the states one by one.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: ClientStream

        /// The next state; `nil` behind the last.
        public mutating func next() async throws(ClientError) -> JobState? {
            try await JobStates.next(of: stream)
        }

        /// The same, whatever actor asks.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ClientError) -> JobState? {
            try await JobStates.next(of: stream)
        }
    }

    let stream: ClientStream

    fileprivate static func next(of stream: ClientStream) async throws(ClientError) -> JobState? {
        try await stream.nextAnswer { (bytes, arena) throws(WireError) in
            let view = try WatchJobResponseView(unpacking: bytes, into: arena)
            var state = JobState()
            state.status = JobState.word(view.status)
            state.failureReason = view.failureReason.string
            if view.hasProgress { state.take(view.progress) }
            return state
        }
    }

    /// Starts to take the states.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: stream) }
}

/// The bytes of an export, piece by piece.
public struct ExportedBytes: AsyncSequence, Sendable {
    /// One piece.
    public typealias Element = [UInt8]
    /// Why the export ended early.
    public typealias Failure = ClientError

    /// Gives the pieces one by one.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: ClientStream

        /// The next piece; `nil` behind the last.
        public mutating func next() async throws(ClientError) -> [UInt8]? {
            try await ExportedBytes.next(of: stream)
        }

        /// The same, whatever actor asks.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ClientError) -> [UInt8]? {
            try await ExportedBytes.next(of: stream)
        }
    }

    let stream: ClientStream

    fileprivate static func next(of stream: ClientStream) async throws(ClientError) -> [UInt8]? {
        try await stream.nextAnswer { (bytes, arena) throws(WireError) in
            let view = try ExportDataResponseView(unpacking: bytes, into: arena)
            return unsafe view.data.bytes.withUnsafeBytes { unsafe Array($0) }
        }
    }

    /// Starts to take the pieces.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: stream) }
}

/// A file on its way to the server.
public struct FileUpload: Sendable {
    let stream: ClientStream

    /// Sends the next bytes, at most 1 MiB; waits while the server is behind.
    public func send(_ bytes: [UInt8]) async throws(ClientError) {
        do throws(Status) {
            try await stream.send { writer in
                unsafe ImportDataRequestBuilder(into: writer).data(bytes.span.bytes)
            }
        } catch {
            throw ClientError(error)
        }
    }

    /// Says that the file is whole.
    ///
    /// - Returns: The resource name of the job that imports it.
    /// - Throws: `ClientError` when the server did not take the file.
    public func finish() async throws(ClientError) -> String {
        stream.finish()
        let name = try await stream.nextAnswer { (bytes, arena) throws(WireError) in
            try ImportDataResponseView(unpacking: bytes, into: arena)
                .datasetImportJob.resourceName.string
        }
        return name ?? ""
    }
}

extension ClientStream {
    /// The next message, decoded; `nil` at the end.
    func nextAnswer<Answer>(
        _ decode: (RawSpan, Arena) throws(WireError) -> Answer
    ) async throws(ClientError) -> Answer? {
        let message: [UInt8]?
        do throws(Status) {
            message = try await next()
        } catch {
            throw ClientError(error)
        }
        guard let message else { return nil }
        do throws(WireError) {
            return try decode(unsafe message.span.bytes, Arena())
        } catch {
            throw ClientError(unreadable: error.message)
        }
    }
}

extension JobState {
    /// What the messages of imports and of exports say alike.
    init(
        _ name: String,
        _ status: ResourceStatusValue,
        _ failureReason: String,
        _ progress: borrowing JobProgressView
    ) {
        self.name = name
        self.status = Self.word(status)
        self.failureReason = failureReason
        take(progress)
    }

    mutating func take(_ progress: borrowing JobProgressView) {
        rowCount = progress.rowCount
        appliedCount = progress.appliedCount
        duplicateCount = progress.duplicateCount
        rejectedCount = progress.rejectedCount
        share = progress.share
        rowsPerSecond = progress.rowsPerSecond
        secondsLeft = progress.secondsLeft
        position = progress.position
        for index in 0..<progress.rejectedRowsCount {
            let row = progress.rejectedRows(index)
            rejectedRows.append(
                RejectedRow(
                    file: row.file.string,
                    line: row.line,
                    column: row.column.string,
                    reason: row.reason.string
                )
            )
        }
    }

    static func word(_ status: ResourceStatusValue) -> String {
        switch status {
        case .createPending: "CREATE_PENDING"
        case .createInProgress: "CREATE_IN_PROGRESS"
        case .active: "ACTIVE"
        case .createFailed: "CREATE_FAILED"
        case .createStopping: "CREATE_STOPPING"
        case .createStopped: "CREATE_STOPPED"
        case .pending: "PENDING"
        case .inProgress: "IN_PROGRESS"
        case .completed: "COMPLETED"
        case .failed: "FAILED"
        default: "STATUS_\(status.rawValue)"
        }
    }
}
