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

    // MARK: Memory

    /// How old the answer to "is there memory left" may be: at 1 GB/s of new records, 100 MB.
    package static let memoryLookIntervalMS = 100
    /// Returning free memory to the system costs some ms.
    package static let memoryTrimIntervalNS: UInt64 = 2_000_000_000
    /// How often what takes memory is counted, the more seldom the longer it takes: about 0.1 s a
    /// million records.
    package static let memoryCountIntervalMinMS = 1_000
    package static let memoryCountIntervalMaxMS = 60_000
    /// Buffers and caches of an empty server take about half of it.
    package static let memoryBudgetMin = 128 << 20
    /// Of the machine's memory, or of the control group's, that a server takes by default.
    package static let memoryShare = 0.85

    // MARK: Backups

    /// The list of a backup's files: tables are of 64 MiB, so this is for some 60 TiB.
    package static let backupListBytesMax = 32 << 20
    /// Backups that wait for the one that is made; each is asked for by an operator.
    package static let pendingBackupsMax = 4
    /// How long an acknowledged write may take to the disk with `--durability async`, in ms; as
    /// often as other databases do by default.
    package static let durabilityIntervalMS = 200

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
    package static let fullGramItemsMax = 10_240

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

    /// How far ahead of the server's clock an event may be, unless an operator says otherwise.
    package static let clockSkewMS: Int64 = 300_000

    /// Violations that one refusal spells out; more are counted.
    package static let violationsMax = 64

    /// Of the text of a status, and of each text in its details.
    ///
    /// A client takes 8 KiB of trailers for granted: gRPC's own drop some of the calls above, and
    /// all above 16 KiB, with a status of their own in place of ours. Text is sent up to three
    /// bytes a byte in the message, and once more, in base64, in the details.
    package static let statusTextBytesMax = 800

    /// Of all violations in the details of a status; later ones are left out.
    package static let violationBytesMax = 2_800

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
    // MARK: Evaluation of filters

    /// Compiled expressions of one group; each keeps a bit an item for what of it is fixed.
    package static let compiledFiltersMax = 256

    /// Memory for those bits of all of them; a single expression may have hundreds of such parts.
    package static let filterSetBytesMax = 256 << 20

    /// Values of text columns of one group whose items are kept for filters with parameters.
    package static let indexedValuesMax = 65_536

    /// Values of one list that are looked up each; with more the column is read once instead.
    package static let indexedValuesPerListMax = 32

    /// The same where bitmaps are so large that `valueIndexBytesMax` would leave fewer.
    package static let indexedValuesMin = 64

    /// Memory for those values if every one of them were a bitmap.
    package static let valueIndexBytesMax = 64 << 20

    /// Memory for the bit-sliced indexes of one group's number columns; one of random doubles takes
    /// 8 bytes an item, one of years a seventh of it.
    package static let numberIndexBytesMax = 128 << 20

    /// As how many readings of a chunk of numbers the making of its slices counts: 30 µs beside
    /// 0.4 µs.
    package static let readsPerNumberSlices = 64
}

extension Limits {
    // MARK: Statistics

    /// Values of one column that are told apart; as many texts of 20 bytes take about 6 MB.
    package static let distinctValuesMax = 100_000

    /// Groups that wait to be counted; one is counted at a time.
    package static let pendingStatisticsMax = 16
}

extension Limits {
    // MARK: Deletion jobs

    /// Items whose records models are told of at once after an import: some milliseconds, for which
    /// writes wait.
    package static let describedAtOnceMax: UInt32 = 1_000

    /// What every record counts for beside its texts and numbers, where a group may have so many
    /// bytes: about what its key and its place in memory take.
    package static let recordBytesCounted = 32

    /// Users that one write deletes: each costs a read of its history, and other writes wait.
    package static let deletionChunkMax = 256

    /// Users that one call names; longer lists are files.
    package static let deletionIDsMax = 10_000
}

extension Limits {
    // MARK: Reading records

    /// Threads that answer what a reactor must not wait for, such as a read from disk.
    package static let workerThreads = 2

    /// Questions that wait for those threads; more are refused at once.
    package static let pendingReadsMax = 1_024

    /// How far the events of one row may lie apart: who looks for the events of a moment reads the
    /// rows of so long before it.
    package static let eventRunSpanMS: Int64 = 3_600_000

    /// A row of this length takes no event more: it is read and written as a whole.
    package static let eventRunBytesMax = 4_096

    /// How often the events of one owner may have moved to another: a session's to a user, a user's
    /// to one it was merged into.
    package static let eventMovesMax = 16
}
