import Synchronization

/// A reference that one thread replaces and others take.
///
/// A reader holds the lock for one retain, once a request; see `Documentation/Decisions/0004`.
package final class Published<Value: AnyObject & Sendable>: Sendable {
    private let value: Mutex<Value>

    package init(_ value: Value) {
        self.value = Mutex(value)
    }

    package var current: Value { value.withLock { $0 } }

    package func replace(_ newValue: Value) {
        value.withLock { $0 = newValue }
    }
}
