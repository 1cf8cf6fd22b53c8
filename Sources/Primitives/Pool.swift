package import Synchronization

/// Reused objects that are lent to one borrower each; as many as were ever lent at once.
package final class Pool<Value: AnyObject>: Sendable {
    @usableFromInline let idle = Mutex<[IdleObject]>([])
    @usableFromInline let make: @Sendable () -> Value

    package init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    /// Lends an object to `body`, which must not keep it.
    @inlinable
    package func with<R, E: Error>(_ body: (Value) throws(E) -> R) throws(E) -> R {
        let lent = idle.withLock { $0.popLast() } ?? IdleObject(make())
        defer { idle.withLock { $0.append(lent) } }
        // SAFETY: the pool holds what `make` made, and nothing else.
        return try body(unsafe unsafeDowncast(lent.object, to: Value.self))
    }
}

/// An object of a pool; not generic, so that lending it asks the runtime for no type.
///
/// SAFETY of `@unchecked`: one borrower at a time; the pool's lock hands it on.
@usableFromInline
package struct IdleObject: @unchecked Sendable {
    @usableFromInline let object: AnyObject

    @inlinable
    init(_ object: AnyObject) {
        self.object = object
    }
}
