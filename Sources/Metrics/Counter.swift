import Synchronization

/// A number that only grows.
package final class Counter: Sendable {
    private let stripes = Stripes(width: 1)

    package init() {}

    package func add(_ amount: Int = 1) {
        stripes.add(UInt64(clamping: amount), at: 0)
    }

    package var value: UInt64 { stripes.sum(at: 0) }
}

/// A number that goes up and down.
package final class Gauge: Sendable {
    private let current = Atomic<Int>(0)

    package init() {}

    package func add(_ change: Int) {
        current.wrappingAdd(change, ordering: .relaxed)
    }

    package func set(_ value: Int) {
        current.store(value, ordering: .relaxed)
    }

    package var value: Int { current.load(ordering: .relaxed) }
}
