import Primitives
import Testing

@testable import Transport

private let ms: UInt64 = 1_000_000

@Suite
struct `The gate of overload` {
    private var gate = OverloadGate()
    private let window = UInt64(Limits.overloadWindowMS) * ms
    private let hold = UInt64(Limits.overloadHoldMS) * ms

    /// Turns of 5 ms from one moment to another that each found work which had waited for so long.
    private mutating func turns(from began: UInt64, to end: UInt64, wait: UInt64) {
        for now in stride(from: began, through: end, by: 5 * Int(ms)) {
            gate.add(wait: wait, at: now, worked: now)
        }
    }

    private mutating func refuses(_ wait: UInt64, at now: UInt64) -> Bool {
        gate.refuses(wait: wait, over: 500 * ms, at: now, worked: now)
    }

    @Test
    mutating func `takes a burst, however long its calls wait`() {
        gate.add(wait: 0, at: 1_000 * ms, worked: 1_000 * ms)
        // Before the first turn of the burst the machine was held up.
        turns(from: 3_000 * ms, to: 3_000 * ms + window, wait: 2_000 * ms)
        #expect(!gate.isWatching(at: 3_000 * ms + window - 1))
        #expect(gate.isWatching(at: 3_000 * ms + window))
    }

    @Test
    mutating func `takes everything while queues empty now and then`() {
        for began in stride(from: 0, to: 5_000 * ms, by: Int(window)) {
            gate.add(wait: 5 * ms, at: began, worked: began)
            turns(from: began + 5 * ms, to: began + window, wait: 50 * ms)
            #expect(!gate.isWatching(at: began + window))
        }
    }

    @Test
    mutating func `lets those wait who wait for their answers`() {
        turns(from: 0, to: 10 * window, wait: 499 * ms)
        let isRefused = refuses(500 * ms, at: 10 * window)
        #expect(!isRefused && gate.isWatching(at: 10 * window))
    }

    @Test
    mutating func `lets those wait who wait for a machine that does other things`() {
        turns(from: 0, to: 10 * window, wait: 4_000 * ms)
        let outcomes = [100 * ms, 200 * ms].map { worked in
            gate.refuses(wait: 4_000 * ms, over: 500 * ms, at: 10 * window, worked: worked)
        }
        #expect(outcomes == [false, true])
    }

    @Test
    mutating func `once it refuses, goes on with less until a while has passed without`() {
        turns(from: 0, to: 2 * window, wait: 501 * ms)
        let waits = [501 * ms, 6 * ms, 5 * ms]
        let refusals = waits.map { refuses($0, at: 2 * window) }
        #expect(refusals == [true, true, false])
        gate.add(wait: 0, at: 2 * window, worked: 2 * window)
        #expect(gate.isWatching(at: 2 * window + hold - 1))
        #expect(!gate.isWatching(at: 2 * window + hold))
    }
}

/// A loop with one queue in front of it, in time that a test moves: what serves one call a
/// millisecond and refuses twenty.
@Suite
struct `Load above capacity` {
    /// Calls that come evenly, `perMS` of them a millisecond, for three seconds; the longest wait
    /// of those that were served in the last second, how many those are, and how many were refused.
    private func run(perMS: Double) -> (longestWait: UInt64, served: Int, refused: Int) {
        var gate = OverloadGate()
        var now: UInt64 = 1_000 * ms
        let began = now
        var next = 0
        var outcome = (longestWait: UInt64(0), served: 0, refused: 0)
        func arrival(_ call: Int) -> UInt64 { began + UInt64(Double(call) / perMS * Double(ms)) }
        while now < began + 3_000 * ms {
            if arrival(next) > now {
                now = arrival(next)
                gate.add(wait: 0, at: now, worked: now)
            }
            let turnBegan = now
            gate.add(wait: turnBegan - arrival(next), at: turnBegan, worked: turnBegan)
            while arrival(next) <= turnBegan, now < turnBegan + 5 * ms {
                let wait = now - arrival(next)
                next += 1
                if gate.isWatching(at: turnBegan),
                    gate.refuses(wait: wait, over: 500 * ms, at: turnBegan, worked: now)
                {
                    outcome.refused += 1
                    now += ms / 20
                } else {
                    now += ms
                    guard now > began + 2_000 * ms else { continue }
                    outcome.longestWait = max(outcome.longestWait, wait)
                    outcome.served += 1
                }
            }
        }
        return outcome
    }

    @Test(arguments: [0.5, 0.9, 0.99])
    func `is none below it: nobody is refused`(perMS: Double) {
        let outcome = run(perMS: perMS)
        #expect(outcome.refused == 0)
        #expect(outcome.longestWait <= 5 * ms)
    }

    @Test(arguments: [1.5, 3, 6])
    func `keeps the waits of the served short, and most of the capacity`(perMS: Double) {
        let outcome = run(perMS: perMS)
        #expect(outcome.longestWait <= 5 * ms)
        #expect(outcome.served >= 1_000 - Int(perMS * 1_000) / 15)
        #expect(outcome.refused > 0)
    }
}

@Suite
struct `Marks of arrival` {
    private var marks = ArrivalMarks()

    @Test
    mutating func `say nothing of an empty socket`() {
        #expect(marks.nextSince == nil)
        marks.took(1_000)
        marks.left(0, at: 5 * ms)
        #expect(marks.nextSince == nil)
    }

    @Test
    mutating func `tell since when bytes have waited at least`() {
        marks.took(1_000)
        marks.left(500, at: 10 * ms)
        #expect(marks.nextSince == 10 * ms)
        marks.took(400)
        marks.left(800, at: 20 * ms)
        #expect(marks.nextSince == 10 * ms)
        marks.took(100)
        #expect(marks.nextSince == 20 * ms)
        marks.took(699)
        #expect(marks.nextSince == 20 * ms)
        marks.took(1)
        #expect(marks.nextSince == nil)
    }

    @Test
    mutating func `never tell of more than was there, and are few in a long queue`() {
        // A byte comes each millisecond, and one is read in two.
        var came = 0
        for now in 1...2_000 {
            came += 1
            guard now.isMultiple(of: 2) else { continue }
            let read = now / 2
            let since = marks.nextSince ?? UInt64(now) * ms
            // The byte `read` came in the millisecond of that number.
            #expect(since >= UInt64(read) * ms, "at \(now)")
            #expect(since <= UInt64(read + (now - read) / 4 + 4) * ms, "at \(now)")
            marks.took(1)
            marks.left(came - read, at: UInt64(now) * ms)
        }
    }
}

@Suite
struct `Waits of a loop` {
    private var waits = Waits()

    @Test
    mutating func `begin with the look before, for a socket that was empty then`() {
        _ = waits.beginTurn(at: 100 * ms, isWhole: true)
        waits.endTurn(at: 130 * ms)
        let hasSlept = waits.beginTurn(at: 130 * ms + 1_000, isWhole: true)
        #expect(!hasSlept)
        waits.begin(since: nil)
        #expect(waits.workSince == 100 * ms)
        #expect(waits.longest == 30 * ms + 1_000)
    }

    @Test
    mutating func `are none after a sleep, but for what was left unread`() {
        _ = waits.beginTurn(at: 100 * ms, isWhole: true)
        waits.endTurn(at: 101 * ms)
        let hasSlept = waits.beginTurn(at: 500 * ms, isWhole: true)
        waits.begin(since: nil)
        #expect(hasSlept && waits.longest == 0)
        waits.hasLeftUnread = true
        waits.endTurn(at: 501 * ms)
        let couldSleep = waits.beginTurn(at: 540 * ms, isWhole: true)
        waits.begin(since: 499 * ms)
        #expect(!couldSleep && waits.longest == 41 * ms)
    }

    @Test
    mutating func `reach back over looks at a part of the sockets`() {
        _ = waits.beginTurn(at: 100 * ms, isWhole: true)
        waits.endTurn(at: 110 * ms)
        _ = waits.beginTurn(at: 110 * ms, isWhole: false)
        waits.endTurn(at: 120 * ms)
        _ = waits.beginTurn(at: 120 * ms, isWhole: true)
        waits.begin(since: nil)
        #expect(waits.workSince == 100 * ms)
    }
}
