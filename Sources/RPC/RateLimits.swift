import Primitives
import Synchronization

/// Calls a second of one caller, and for one dataset group; each may burst for a second.
///
/// Costs a load per call while no rate is set.
package final class RateLimits: Interceptor {
    private struct Bucket {
        var tokens: Double
        var filledNanoseconds: UInt64
    }

    private enum Key: Hashable {
        case caller(Principal)
        case group(String)
    }

    private let callerRate = Atomic<Int>(0)
    private let groupRate = Atomic<Int>(0)
    private struct Buckets {
        var all: [Key: Bucket] = [:]
        var sweptNanoseconds: UInt64 = 0

        /// Makes room for one more: names come from callers, who may make up as many as they like.
        mutating func makeRoom(_ now: UInt64) {
            guard all.count >= Limits.rateBucketsMax else { return }
            if now &- sweptNanoseconds >= 1_000_000_000 {
                sweptNanoseconds = now
                // A full bucket says no more than none.
                all = all.filter { now &- $0.value.filledNanoseconds < 1_000_000_000 }
            }
            while all.count >= Limits.rateBucketsMax { all.remove(at: all.startIndex) }
        }
    }

    private let buckets = Mutex(Buckets())
    private let refuse: @Sendable (_ message: String, _ retryMS: Int) -> Status

    package init(refuse: @escaping @Sendable (_ message: String, _ retryMS: Int) -> Status) {
        self.refuse = refuse
    }

    /// Callers and groups that are counted now.
    package var bucketCount: Int { buckets.withLock { $0.all.count } }

    /// Sets the rates a second; 0 for any number.
    package func set(callerRate: Int, groupRate: Int) {
        self.callerRate.store(callerRate, ordering: .relaxed)
        self.groupRate.store(groupRate, ordering: .relaxed)
    }

    /// Whether resource names must be read of every message.
    package var needsGroups: Bool { groupRate.load(ordering: .relaxed) > 0 }

    package func begin(_ call: ServerCall) -> Status? {
        let rate = callerRate.load(ordering: .relaxed)
        guard rate > 0, call.context.principal != .anonymous else { return nil }
        return spend(.caller(call.context.principal), rate, call)
    }

    package func receive(_ message: RawSpan, _ call: ServerCall) -> Status? {
        let rate = groupRate.load(ordering: .relaxed)
        guard rate > 0 else { return nil }
        for name in Set(call.access.resources.compactMap { AccessControl.group(of: $0) }) {
            if let refusal = spend(.group(name), rate, call) { return refusal }
        }
        return nil
    }

    package func end(_ call: ServerCall, _ status: Status) {}

    private func spend(_ key: Key, _ rate: Int, _ call: ServerCall) -> Status? {
        let now = call.context.clock.monotonicNanoseconds()
        let rate = Double(rate)
        let missing = buckets.withLock { buckets -> Double in
            let known = buckets.all[key]
            if known == nil { buckets.makeRoom(now) }
            var bucket = known ?? Bucket(tokens: rate, filledNanoseconds: now)
            let elapsed = now > bucket.filledNanoseconds ? now - bucket.filledNanoseconds : 0
            bucket.tokens = min(bucket.tokens + Double(elapsed) / 1e9 * rate, rate)
            bucket.filledNanoseconds = now
            defer { buckets.all[key] = bucket }
            guard bucket.tokens >= 1 else { return 1 - bucket.tokens }
            bucket.tokens -= 1
            return 0
        }
        guard missing > 0 else { return nil }
        let retryMS = max(1, Int(missing / rate * 1_000))
        call.addTrailer("grpc-retry-pushback-ms", String(retryMS))
        let whose =
            switch key {
            case .caller(let principal): "\(principal)"
            case .group(let name): "dataset group '\(name)'"
            }
        return refuse("more than \(Int(rate)) calls a second of \(whose)", retryMS)
    }
}
