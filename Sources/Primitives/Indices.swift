/// The dense position of an item in its dataset group, in order of first sight.
///
/// Persisted: an item keeps its index for the life of its group.
package struct ItemIndex: Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The dense position of a user, or of an anonymous session, in its dataset group.
///
/// Sessions and users are separate name spaces of identifiers but share one space of indices, so
/// that a history has one kind of owner.
package struct UserIndex: Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The dense position of an event type in its dataset group.
///
/// Event types are compared with case folded.
package struct EventTypeIndex: Hashable, Sendable {
    package let rawValue: UInt16

    package init(_ rawValue: UInt16) {
        self.rawValue = rawValue
    }
}

/// The dense position of a dataset group in the engine, persisted.
package struct GroupIndex: Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A place in the one history of acknowledged writes.
///
/// Positions grow by one per mutation. What was acknowledged at or below a position is seen by
/// whoever has seen that position. 0 is the empty history.
package struct LogPosition: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let zero = LogPosition(0)

    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}
