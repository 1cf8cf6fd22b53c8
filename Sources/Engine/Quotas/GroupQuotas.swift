/// What an operator lets one dataset group hold; 0: any number.
///
/// Held against what comes in: a group that has more already keeps it, and only grows no further.
package struct GroupQuotas: Hashable, Sendable {
    /// Records of users and items.
    package var recordsMax: Int
    package var interactionsMax: Int
    /// Of all of them; see `EntityRecord.dataByteCount`.
    package var bytesMax: Int

    package init(recordsMax: Int = 0, interactionsMax: Int = 0, bytesMax: Int = 0) {
        self.recordsMax = recordsMax
        self.interactionsMax = interactionsMax
        self.bytesMax = bytesMax
    }

    var areSet: Bool { recordsMax > 0 || interactionsMax > 0 || bytesMax > 0 }
}
