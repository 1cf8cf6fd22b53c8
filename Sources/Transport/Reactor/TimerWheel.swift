/// Timers of one loop: O(1) to set, to cancel and to fire; about 4 ms of resolution.
///
/// A hashed wheel: a slot holds the timers whose tick falls on it in any round. Confined to its
/// loop.
package struct TimerWheel {
    private struct Timer {
        let token: TimerToken
        let tick: UInt64
        let work: () -> Void
    }

    package static let tickNanoseconds: UInt64 = 1 << 22
    private static let slotCount = 512

    private var slots: [[Timer]] = Array(repeating: [], count: slotCount)
    /// The tick of every pending timer.
    private var pending: [TimerToken: UInt64] = [:]
    private var nextToken: UInt64 = 1
    private var currentTick: UInt64

    package init(nowNanoseconds: UInt64) {
        currentTick = nowNanoseconds / Self.tickNanoseconds
    }

    package var isEmpty: Bool { pending.isEmpty }

    package mutating func schedule(
        atNanoseconds deadline: UInt64,
        _ work: @escaping () -> Void
    ) -> TimerToken {
        let token = TimerToken(rawValue: nextToken)
        nextToken += 1
        // Rounded up: never early. A tick that has passed would wait for a whole round.
        let tick = max(deadline / Self.tickNanoseconds + 1, currentTick + 1)
        slots[Int(tick % UInt64(Self.slotCount))].append(
            Timer(token: token, tick: tick, work: work)
        )
        pending[token] = tick
        return token
    }

    package mutating func cancel(_ token: TimerToken) {
        guard let tick = pending.removeValue(forKey: token) else { return }
        slots[Int(tick % UInt64(Self.slotCount))].removeAll { $0.token == token }
    }

    /// Takes out the timers that are due, oldest tick first.
    package mutating func due(nowNanoseconds: UInt64) -> [() -> Void] {
        let target = nowNanoseconds / Self.tickNanoseconds
        guard target > currentTick else { return [] }
        guard !pending.isEmpty else {
            currentTick = target
            return []
        }
        var fired: [Timer] = []
        // After a long sleep one round over all slots sees everything.
        let steps = min(target - currentTick, UInt64(Self.slotCount))
        for step in 1...steps {
            let slot = Int((target - steps + step) % UInt64(Self.slotCount))
            guard slots[slot].contains(where: { $0.tick <= target }) else { continue }
            fired += slots[slot].filter { $0.tick <= target }
            slots[slot].removeAll { $0.tick <= target }
        }
        currentTick = target
        for timer in fired { pending.removeValue(forKey: timer.token) }
        return fired.sorted { $0.tick < $1.tick }.map(\.work)
    }

    /// How long a loop may sleep, in milliseconds; -1 without timers.
    package func sleepMS(nowNanoseconds: UInt64) -> Int32 {
        guard !pending.isEmpty else { return -1 }
        var nearest = UInt64.max
        for step in 1...UInt64(Self.slotCount) {
            let slot = Int((currentTick + step) % UInt64(Self.slotCount))
            if slots[slot].contains(where: { $0.tick == currentTick + step }) {
                nearest = currentTick + step
                break
            }
        }
        // Farther than one round: look again after it.
        let tick = nearest == .max ? currentTick + UInt64(Self.slotCount) : nearest
        let at = tick * Self.tickNanoseconds
        guard at > nowNanoseconds else { return 0 }
        return Int32((at - nowNanoseconds) / 1_000_000 + 1)
    }
}
