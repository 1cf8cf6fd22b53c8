/// Every bound in one place, each with its reason.
///
/// The network is hostile: whatever can grow has a line here. Relations between bounds are asserted
/// in `LimitsTests`. What an operator may need to change also has a setting; these are the defaults.
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
    // MARK: Decoding

    /// One decoded message, in bytes of its arena. 4 MiB of empty two-byte records decode to about
    /// a hundred times their size; this stops them at sixteen times.
    package static let decodedMessageBytesMax = 16 * messageBytesMax

    /// What an idle arena keeps for the next call, in bytes.
    package static let arenaBytesKept = 1 << 20
}
