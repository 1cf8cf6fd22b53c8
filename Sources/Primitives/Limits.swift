/// Every bound in one place, each with its reason.
///
/// Here are those of the network; `Limits+Data` has those of records, models and the store.
///
/// The network is hostile: whatever can grow has a line here. Relations between bounds are asserted
/// in `LimitsTests`. What an operator may need to change also has a setting; these are the
/// defaults.
package enum Limits {
    // MARK: Messages

    /// One gRPC message, in bytes, as gRPC clients assume by default (4 MiB).
    package static let messageBytesMax = 4 * 1_024 * 1_024

    // MARK: Connections

    /// Open connections of one server; each idle one costs about 13 KiB.
    package static let connectionsMax = 10_000

    /// Concurrent streams a peer may open on one connection.
    package static let streamsPerConnectionMax = 1_000

    /// Decoded header list of one request, in bytes, as RFC 9113 counts it.
    package static let headerListBytesMax = 16_384

    /// A header list up to this size is kept with its connection, since clients repeat them.
    package static let headerListBytesRemembered = 2_048

    /// What a connection keeps of libnghttp2's blocks, in bytes: those of some 50 calls.
    package static let sessionBytesKept = 1 << 16

    /// Streams that a connection keeps for the next calls, each with a buffer for its answer of at
    /// most `streamBytesKept`.
    package static let sessionStreamsKept = 64
    package static let streamBytesKept = 1 << 14

    /// Calls that a reactor keeps for the next ones.
    package static let reactorCallsKept = 256
}

extension Limits {
    // MARK: Histories

    /// Entries on either side of a changed one that live parts get to see.
    package static let liveWindowMax = 20

    /// Newest entries of a history that a query carries to a model.
    package static let queryHistoryMax = 100

    /// Entries of one history kept in memory; older ones are on disk only.
    package static let historyLengthMax = 65_536

    // MARK: Identifiers

    /// Characters (Unicode scalars) of a user, item, session or event id, as Personalize.
    package static let identifierCharactersMax = 256
}

extension Limits {
    // MARK: Jobs

    /// Jobs of one kind and group; finished ones stay as a record.
    package static let jobsPerGroupMax = 1_000

    /// Rows of one write of an import: 4,096 take the writer about 10 ms, so that other writes
    /// wait no longer.
    package static let bulkChunkRowsMax = 4_096

    /// Rows that an import may refuse before it has failed, unless the job says otherwise.
    package static let importErrorsDefault = 1_000

    /// The most that a job may say.
    package static let importErrorsMax = 1_000_000

    /// How long a job waits when the store can't write.
    package static let jobRetryMS = 1_000

    /// How often those who watch a job are told of its progress.
    package static let jobNewsIntervalNS: UInt64 = 200_000_000

    /// Bytes of a file that a client sends and the disk has not taken yet.
    package static let uploadBytesWaitingMax = 4 << 20

    /// Bytes of one message of an export that a client asks for.
    package static let exportPieceBytes = 1 << 20

    /// Such messages that wait for the client.
    package static let exportPiecesAhead = 4

    /// What is read of a file at a time.
    package static let filePieceBytes = 256 << 10

    /// Refused rows that a job lists; more are counted.
    package static let rejectedRowsListed = 1_000
}

extension Limits {
    // MARK: Decoding

    /// One decoded message, in bytes of its arena.
    ///
    /// 4 MiB of empty two-byte records decode to about a hundred times their size; this stops them
    /// at sixteen times.
    package static let decodedMessageBytesMax = 16 * messageBytesMax

    /// What an idle arena keeps for the next call, in bytes.
    package static let arenaBytesKept = 1 << 20
}

extension Limits {
    // MARK: Calls

    /// Calls that one server works on at a time; each holds its stream, its buffers and its work.
    package static let callsInFlightMax = 20_000

    /// The same of one address: half of all, so that one can't take every place.
    package static let callsPerAddressMax = callsInFlightMax / 2

    /// Checks of health that one connection has at a time.
    ///
    /// They are answered whatever the load is, to everybody who asks.
    package static let healthCallsPerConnectionMax = 32

    /// What a refused call is told to wait before it tries again.
    package static let retryPushbackMS = 250

    /// An `x-request-id` that is taken over from a client; longer than any UUID or trace id.
    package static let requestIDBytesMax = 128

    /// Bytes of a peer's path that an error message repeats; the rest says nothing new.
    package static let pathEchoBytesMax = 256

    /// Bytes waiting on one stream above which a producer should wait for `writable`.
    package static let streamOutgoingBytesMax = 256 * 1_024
}

extension Limits {
    // MARK: HTTP/2

    /// The payload of one frame, which we never ask to be larger (RFC 9113, 4.2).
    package static let frameBytesMax = 16_384

    /// Fields of one header block; a gRPC request has about ten.
    package static let headerFieldsMax = 128

    /// What a peer may send on one stream before we give window back.
    ///
    /// A whole message of the usual size fits, so a unary call never waits.
    package static let streamWindowBytes: Int32 = 1 << 20

    /// The same for all streams of a connection together.
    ///
    /// What a silent handler can make us hold.
    package static let connectionWindowBytes: Int32 = 4 << 20

    /// Unsent bytes of one connection above which its streams wait, whatever their windows say.
    package static let connectionOutputBytesMax = 1 << 20

    /// Frames that cost the peer nothing (empty DATA, PING, SETTINGS, PRIORITY, WINDOW_UPDATE,
    /// RST_STREAM, unknown ones) at once; an honest client sends a few a call.
    package static let cheapFramesBurst = 20_000

    /// How fast that budget refills, a second, for a peer that asks for nothing.
    package static let cheapFramesPerSecond = 5_000

    /// What a DATA frame of an answer adds to that budget: clients measure the line and open
    /// windows by a PING and a WINDOW_UPDATE or two an answer, however many answers they get.
    package static let cheapFramesPerAnswer = 8

    /// What a header block that is too large takes of that budget: 400 of them end a connection.
    package static let refusedHeadersCharge = 50

    /// What a client that keeps to a stream's window may send on it before it knows that the stream
    /// is over, with frame headers; and the same of all such streams at a time.
    package static let strayBytesPerStream = Int(streamWindowBytes) * 3 / 2
    package static let strayBytesMax = Int(connectionWindowBytes) * 3 / 2

    /// What a stream that is reset for what its peer did takes of that budget, for the same reason.
    package static let streamFaultCharge = 50

    /// Control frames that wait to be sent, such as answers to PING.
    package static let outboundControlFramesMax = 1_000

    // MARK: Time on a connection

    /// From the accept to the client's first SETTINGS.
    package static let handshakeTimeoutMS = 10_000

    /// Without a stream; clients that want to keep a connection longer reconnect for free.
    package static let idleTimeoutMS = 30 * 60_000

    /// Output is waiting and the peer takes none of it.
    package static let stalledWriteTimeoutMS = 30_000

    /// A peer that is silent this long in the middle of its calls is asked for a sign of life, and
    /// for how long it may take: programs that hang answer neither, and their kernels go on.
    package static let keepAliveIntervalMS = 60_000
    package static let keepAliveTimeoutMS = 20_000

    /// A peer that is silent for this long is asked by the kernel, three times, whether it is
    /// there: dead ones are gone after two minutes.
    package static let keepAliveIdleSeconds: Int32 = 60
    package static let keepAliveProbeSeconds: Int32 = 20
    package static let keepAliveProbes: Int32 = 3

    /// Between the two GOAWAY frames of a drain: one round trip on any sane network.
    package static let goAwayDelayMS = 100

    /// How long a drain waits for running calls.
    package static let drainGraceMS = 10_000

    // MARK: Reactors

    /// Bytes read from one connection before the others get their turn.
    package static let readBytesPerTurn = 256 * 1_024

    /// What a new connection's first read may bring; the share grows while reads are worked off
    /// fast.
    package static let readBytesFirst = 16 * 1_024

    /// The least that a read is cut to when calls in it take long.
    package static let readBytesMin = 1_024

    /// How long the calls of one read should hold up the other connections of their loop.
    package static let readSliceNanoseconds: UInt64 = 5_000_000

    /// Plaintext taken of TLS at a time: a little more than one record.
    package static let plainBytesPerRead = 32 * 1_024

    /// How often a server looks whether its certificates and tokens are other ones.
    package static let fileCheckMS = 1_000

    /// Connections waiting for `accept`.
    package static let listenBacklog: Int32 = 1_024
}

extension Limits {
    // MARK: Admin port

    /// The head of a request: a scraper's has a few hundred bytes.
    package static let adminHeadBytesMax = 8_192

    /// Probes, scrapers and an operator's browser.
    package static let adminConnectionsMax = 64

    /// From one request to the end of the next; scrapers come every 15 s or ask anew.
    package static let adminTimeoutMS = 60_000

    /// Unsent answers of one connection; a scrape is a few hundred kilobytes.
    package static let adminOutputBytesMax = 8 << 20

    /// A store that can't write is tried again at most this often by readiness checks.
    package static let readinessProbeIntervalMS = 1_000
}

extension Limits {
    // MARK: Overload

    /// Unfinished messages of all calls: what senders that never finish can make the server hold.
    package static let receiveBytesMax = 256 << 20

    /// The same of one connection: sixteen messages of the largest size at a time.
    package static let connectionReceiveBytesMax = 16 * messageBytesMax

    /// Answers that one connection has not taken; while there are more, its calls are refused.
    package static let connectionUnsentBytesMax = 64 << 20

    /// The same of all connections together, for those that have not taken `unsentBytesStep`.
    package static let unsentBytesMax = 256 << 20

    /// An answer up to this size is given to a peer that leaves others: whoever wrote must be told.
    package static let answerBytesAlways = 4 << 10

    /// In which steps it is told, and what a peer may leave whatever the others do.
    package static let unsentBytesStep = 64 << 10

    /// Connections of one address: half of all, so that one can't take every place.
    package static let connectionsPerAddressMax = connectionsMax / 2

    /// From a call's headers to the end of the one message of a call that takes one.
    package static let requestTimeoutMS = 60_000

    /// How long calls may wait for their loop before it is overloaded.
    ///
    /// Longer than the queue that some thousand short calls at a time make, whose clients wait for
    /// the answers, and than a busy machine leaves a loop without a turn.
    package static let overloadDelayMS = 500

    /// The part of it that a call may wait once the loop is.
    package static let overloadWaitShare: UInt64 = 100

    /// A queue stands while every turn of a loop finds something that has waited longer than this:
    /// as long as the calls of one read may take.
    package static let standingWaitNanoseconds = readSliceNanoseconds

    /// For how long it has to stand: a burst, or what a held-up machine left, is over sooner.
    package static let overloadWindowMS = 100

    /// For how long a loop has to have nothing to refuse before it is overloaded no more.
    package static let overloadHoldMS = 1_000

    /// Moments of which a connection knows how many bytes had come, and the least between two.
    package static let arrivalMarksMax = 16
    package static let arrivalGapNanoseconds: UInt64 = 1_000_000

    /// A loop that looked at its sockets for so long had nothing to do.
    package static let loopSleepNanoseconds: UInt64 = 100_000

    /// Callers and groups whose rates are counted at a time.
    package static let rateBucketsMax = 10_000
}

extension Limits {
    // MARK: Access

    /// The file that says who may do what: some ten thousand lines.
    package static let accessFileBytesMax = 1 << 20

    /// A bearer token that is looked up at all; ours have 47 bytes.
    package static let tokenBytesMax = 4_096

    /// Resource names of one call that are written down.
    package static let auditedNamesMax = 16
}

extension Limits {
    // MARK: Logs

    /// Lines that wait to be written: some thousands, for a reader who stops for a moment.
    package static let logBytesWaitingMax = 1 << 20

    /// From when on a call of one message and one answer is slow: none should take a second.
    package static let slowCallMS = 1_000

    /// Lines about slow calls in a second: when all are slow, a few tell as much as all.
    package static let slowCallLinesPerSecondMax = 10

    /// The same about calls of nobody that is known.
    package static let strangerLinesPerSecondMax = 100
}

extension Limits {
    // MARK: Compression

    /// A message below this is sent as it is: gzip's own 18 bytes and its time win nothing.
    package static let compressedMessageBytesMin = 1_024

    /// What an idle inflater keeps of its last message, in bytes.
    package static let inflatedBytesKept = 1 << 20
}
