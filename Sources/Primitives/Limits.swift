/// Every bound in one place, each with its reason.
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

    /// How fast that budget refills, a second.
    package static let cheapFramesPerSecond = 5_000

    /// What a header block that is too large takes of that budget: 400 of them end a connection.
    package static let refusedHeadersCharge = 50

    /// Control frames that wait to be sent, such as answers to PING.
    package static let outboundControlFramesMax = 1_000

    // MARK: Time on a connection

    /// From the accept to the client's first SETTINGS.
    package static let handshakeTimeoutMS = 10_000

    /// Without a stream; clients that want to keep a connection longer reconnect for free.
    package static let idleTimeoutMS = 30 * 60_000

    /// Output is waiting and the peer takes none of it.
    package static let stalledWriteTimeoutMS = 30_000

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

    /// Plaintext taken of TLS at a time: a little more than one record.
    package static let plainBytesPerRead = 32 * 1_024

    /// How often a server looks whether its certificates and tokens are other ones.
    package static let fileCheckMS = 1_000

    /// Connections waiting for `accept`.
    package static let listenBacklog: Int32 = 1_024
}

extension Limits {
    // MARK: Quotas

    /// Distinct event types of one group; each is an index of 16 bits, and a model may keep one
    /// weight for each.
    ///
    /// Personalize stops at 10.
    package static let eventTypesMax = 1_000

    /// Columns that an open schema grows.
    ///
    /// The most that Personalize's items may have.
    package static let openSchemaColumnsMax = 100

    /// Resources of one server or one parent; lists and checks walk them all.
    package static let datasetGroupsMax = 500
    package static let schemasMax = 2_000
    package static let solutionsPerGroupMax = 100
    package static let campaignsPerGroupMax = 100
    package static let versionsPerSolutionMax = 1_000

    /// How long a `request_id` of a create call is remembered: 24 hours.
    package static let requestMemoryMS: Int64 = 86_400_000

    /// Remembered request ids; beyond them the oldest are forgotten before their 24 hours.
    package static let requestsRememberedMax = 10_000
}

extension Limits {
    // MARK: Store

    /// RocksDB's cache of blocks; reads are few, since the engine answers from memory.
    package static let storeCacheBytes = 32 << 20

    /// Rows in memory before RocksDB writes a file, over all column families.
    package static let storeMemtableBytes = 128 << 20

    /// RocksDB's own log before it forces a flush; bounds the time of a restart.
    package static let storeLogBytes = 256 << 20

    /// How long a store that could not be opened again is let alone: opening costs more than the
    /// refusal of a write, and many may be waiting.
    package static let storeOpeningIntervalNS: UInt64 = 100_000_000

    // MARK: Sequencer

    /// Mutations waiting for the writer; more are refused at once instead of waiting longer.
    package static let pendingMutationsMax = 16_384

    /// Mutations in one write; bounds the time that the first of them waits for the last.
    package static let mutationsPerWriteMax = 1_024
}

extension Limits {
    // MARK: Models

    /// Followers that one item's row of rules keeps: 8 bytes each; more add little to a top 500.
    package static let ruleRowMax = 500

    // MARK: Training of models

    /// Newest distinct items of one history that pairs are counted of: work grows with its square.
    package static let trainingSetMax = 500

    /// Items whose whole matrix is inverted; 4 bytes times its square, three times.
    package static let denseItemsMax = 5_000

    /// Entries of one trained row that answers: a request reads one row for each of its newest
    /// items.
    package static let neighboursMax = 200

    /// Items whose pair counts are kept as a whole matrix: 4 bytes times its square.
    package static let fullGramItemsMax = 8_192

    /// Entries of one row of counted pairs that local models choose from, beyond a catalogue
    /// whose counts fit as a whole.
    package static let pairRowMax = 1_000

    /// Questions that the automatic choice validates with; more change the weights little.
    package static let validationQueriesMax = 2_000

    /// With fewer questions, chance would choose: the usual blend answers.
    package static let validationQueriesMin = 100
}

extension Limits {
    // MARK: Filters

    /// Characters of a filter expression; Personalize stops at 2,500.
    package static let filterCharactersMax = 16_384

    /// Parentheses and NOTs within each other; each takes a few frames of the stack.
    package static let filterDepthMax = 64

    /// Errors of one expression that are told at once; people fix fewer between two tries.
    package static let filterErrorsMax = 16

    /// Columns that one filter uses; Personalize stops at 10.
    package static let filterColumnsMax = 100

    /// Parameters of one filter; Personalize stops at 25 values a request.
    package static let filterParametersMax = 100

    /// Characters of a parameter's name, as Personalize.
    package static let filterParameterNameMax = 50

    /// Values of all parameters of one request; Personalize stops at 25.
    package static let filterValuesMax = 10_000

    /// The longest span of `WITHIN` and `NOW - …`: a hundred years, so that sums stay in range.
    package static let filterSpanDaysMax: Int64 = 36_525

    /// Filters of one group; Personalize stops at 30.
    ///
    /// Each is evaluated when items change.
    package static let filtersPerGroupMax = 1_000
}

extension Limits {
    // MARK: Records

    /// Records of one Put call; Personalize stops at 10.
    ///
    /// A call this large is about 1 MiB.
    package static let recordsPerCallMax = 10_000

    /// Records of one batch of a stream.
    ///
    /// The place of an event in its batch takes 16 bits of its key.
    package static let recordsPerBatchMax = 65_535

    /// Batches of one stream that wait for the writer; beyond them the client's window stays shut.
    package static let streamBatchesInFlightMax = 32

    /// Characters of an event's `properties`, as Personalize.
    package static let eventPropertiesMax = 1_024

    /// Characters of a user's `properties`, as Personalize.
    package static let userPropertiesMax = 24_000

    /// Characters of an item's `properties`, as Personalize.
    package static let itemPropertiesMax = 32_000

    /// Bytes of one event with all its texts, as Personalize.
    package static let eventBytesMax = 10_240

    /// Characters of a plain or categorical value, pipes included, as Personalize.
    package static let valueCharactersMax = 1_000

    /// Characters of a textual value that are kept; the rest is cut off, as Personalize does.
    package static let textualCharactersMax = 20_000

    /// Items of one event's impression, as Personalize.
    package static let impressionMax = 25

    /// How far ahead of the server's clock an event may be.
    package static let clockSkewMS: Int64 = 300_000

    /// Violations that one refusal spells out; more are counted.
    package static let violationsMax = 64

    /// Nesting of a JSON document; records are flat and schemas are three deep.
    package static let jsonDepthMax = 16

    /// Characters of a schema document, as Personalize.
    package static let schemaCharactersMax = 20_000
}

extension Limits {
    // MARK: Erasure

    /// How often the files are looked after when something was deleted; what is deleted meanwhile
    /// is one rewriting.
    package static let erasureIntervalMS = 2_000
}

extension Limits {
    // MARK: Producers

    /// Batches of one producer whose answers are kept, some 50 bytes each; more than any client has
    /// under way.
    package static let batchesRememberedMax = 1_024

    /// Producers of one group whose batches are kept; beyond them the idlest one is forgotten.
    package static let producersPerGroupMax = 1_000
}

extension Limits {
    // MARK: Training

    /// Changes of one group that are kept while a version of it is trained; with more, the training
    /// begins again.
    package static let recordedChangesMax = 200_000

    /// How long a training waits before it begins again, once the store could not write.
    package static let trainingRetryMS = 1_000

    /// Items that one question excludes by id.
    package static let excludedItemsMax = 10_000
}

extension Limits {
    // MARK: Files

    /// One cell of a CSV file; longer than any property may be.
    package static let csvCellBytesMax = 1 << 20

    /// One row of a file; a row with every column at its longest is far below.
    package static let csvRowBytesMax = 4 << 20

    /// Columns of one file.
    package static let csvColumnsMax = 500

    /// What is unpacked at a time.
    package static let unpackedPieceBytes = 256 << 10

    /// A packed file may unpack to this much whatever its size.
    package static let unpackedFreeBytes: UInt64 = 256 << 20

    /// How many times its size a larger one may unpack to; real tables reach about 20.
    package static let unpackedRatioMax: UInt64 = 200
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

    /// Answers that one connection has not taken; while there are more, its new calls are refused.
    package static let connectionUnsentBytesMax = 64 << 20

    /// Connections of one address: half of all, so that one can't take every place.
    package static let connectionsPerAddressMax = connectionsMax / 2

    /// From a call's headers to the end of the one message of a call that takes one.
    package static let requestTimeoutMS = 60_000

    /// How long calls may wait for the loop before new ones are refused.
    ///
    /// Several times the longest call that runs on a loop, so that a few long ones refuse nobody.
    package static let overloadDelayMS = 500

    /// Over how long the shortest turn is looked for.
    package static let overloadWindowMS = 250

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
    // MARK: Compression

    /// A message below this is sent as it is: gzip's own 18 bytes and its time win nothing.
    package static let compressedMessageBytesMin = 1_024

    /// What an idle inflater keeps of its last message, in bytes.
    package static let inflatedBytesKept = 1 << 20
}

extension Limits {
    // MARK: Evaluation of filters

    /// Compiled expressions of one group; each keeps a bit an item for what of it is fixed.
    package static let compiledFiltersMax = 256

    /// Values of text columns of one group whose items are kept for filters with parameters.
    package static let indexedValuesMax = 65_536

    /// Values of one list that are looked up each; with more the column is read once instead.
    package static let indexedValuesPerListMax = 32

    /// The same where bitmaps are so large that `valueIndexBytesMax` would leave fewer.
    package static let indexedValuesMin = 64

    /// Memory for those values if every one of them were a bitmap.
    package static let valueIndexBytesMax = 64 << 20
}

extension Limits {
    // MARK: Reading records

    /// Threads that answer what a reactor must not wait for, such as a read from disk.
    package static let workerThreads = 2

    /// Questions that wait for those threads; more are refused at once.
    package static let pendingReadsMax = 1_024

    /// How often the events of one owner may have moved to another: a session's to a user, a user's
    /// to one it was merged into.
    package static let eventMovesMax = 16
}
