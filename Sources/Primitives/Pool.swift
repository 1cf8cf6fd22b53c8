package import Synchronization

/// Reused objects that are lent to one borrower each; as many as were ever lent at once.
package final class Pool<Value: AnyObject>: Sendable {
    /// SAFETY of `@unchecked`: one borrower at a time; the pool's lock hands it on.
    @usableFromInline
    package struct Idle: @unchecked Sendable {
        @usableFromInline let value: Value

        @inlinable
        init(value: Value) {
            self.value = value
        }
    }

    @usableFromInline let idle = Mutex<[Idle]>([])
    @usableFromInline let make: @Sendable () -> Value

    package init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    /// Lends an object to `body`, which must not keep it.
    @inlinable
    package func with<R, E: Error>(_ body: (Value) throws(E) -> R) throws(E) -> R {
        let lent = idle.withLock { $0.popLast() } ?? Idle(value: make())
        defer { idle.withLock { $0.append(lent) } }
        return try body(lent.value)
    }
}
