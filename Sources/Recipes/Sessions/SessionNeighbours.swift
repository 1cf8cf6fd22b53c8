import Primitives
import Synchronization

/// What came near the same items in the histories most like this one, live.
///
/// score_j = Σ_s v_s Σ_{p: s_p = j} e^(−|p − m_s| / 2) over the `neighboursMax` sessions s of the
/// largest Σ_{i ∈ h ∩ s} w_i, v_s = Σ_{i ∈ h ∩ s} w_i / sqrt(|s|), w = w_τ(h) with τ = 1.5, m_s the
/// place in s of the newest item of the history that s has: STAN (Garg et al., SIGIR 2019) without
/// its decay by days, over an index of each item's newest sessions as VMIS-kNN's (Kersbergen et
/// al., SIGMOD 2022). A session is an owner's newest `SessionTail.lengthMax` events; the asker's
/// own says nothing.
///
/// Sessions are what the histories say at the time, and an item's row is the sessions that have it,
/// of more than `Limits.sessionRowMax` the last to come by. Nothing is trained. O(length · row) an
/// event at most; a query reads a row for each of its newest 10 items and `neighboursMax` sessions.
/// A reader takes a row or a session under its stripe's lock and uses it outside.
final class SessionNeighbours: Sendable {
    static let recency: Float = 1.5
    static let neighboursMax = 200
    private static let stripeCount = 64

    private final class Stripe<Value: Sendable>: Sendable {
        let values = Mutex<[Value]>([])
    }

    /// By owner.
    private let tails = (0..<SessionNeighbours.stripeCount).map { _ in Stripe<SessionTail>() }
    /// By item: owners, the last to come by at the end.
    private let rows = (0..<SessionNeighbours.stripeCount).map { _ in Stripe<[UInt32]>() }

    // MARK: Scoring

    /// Adds scale · the scores after a history; returns the largest sum that came of it.
    func add(_ weights: HistoryWeights, scale: Float, to scores: inout [Float]) -> Float {
        var largest: Float = 0
        let decay = Self.decayByDistance
        forEachNeighbour(weights) { session, sum, match in
            let value = scale * sum / Float(session.count).squareRoot()
            let middle = session.lastPlace(of: match)
            for place in 0..<session.count {
                let item = Int(session[place])
                guard item < scores.count else { continue }
                scores[item] += value * decay[abs(place - middle)]
                largest = max(largest, scores[item])
            }
        }
        return largest
    }

    /// What each item of a history adds to the score of `target`, by its age.
    func shares(of target: UInt32, _ weights: HistoryWeights) -> [(age: Int, amount: Double)] {
        var shares: [(age: Int, amount: Double)] = []
        var ages: [(item: UInt32, age: Int, weight: Float)] = []
        weights.forEachAge(recency: Self.recency) { ages.append(($0, $1, $2)) }
        let decay = Self.decayByDistance
        forEachNeighbour(weights) { session, _, match in
            let middle = session.lastPlace(of: match)
            var nearness: Float = 0
            for place in 0..<session.count where session[place] == target {
                nearness += decay[abs(place - middle)]
            }
            guard nearness > 0 else { return }
            let value = nearness / Float(session.count).squareRoot()
            for (item, age, weight) in ages where session.contains(item) {
                shares.append((age, Double(weight * value)))
            }
        }
        return shares
    }

    /// e^(−d / 2) by d.
    private static let decayByDistance = (0..<SessionTail.lengthMax).map {
        Elementary.exp(-Float($0) / 2)
    }

    /// Calls `body` with each neighbour, Σ w_i of the items that it shares with the history, and
    /// the newest of them.
    private func forEachNeighbour(
        _ weights: HistoryWeights,
        _ body: (_ session: SessionTail, _ sum: Float, _ match: UInt32) -> Void
    ) {
        weights.sessions.clear()
        weights.forEach(recency: Self.recency) { item, weight in
            weights.sessions.begin(item)
            for owner in row(of: item).reversed() { weights.sessions.add(weight, to: owner) }
        }
        for place in weights.sessions.best(Self.neighboursMax) {
            let (owner, sum, match) = weights.sessions.entry(place)
            let session = tail(of: owner)
            // A writer may have been faster than this reader.
            guard session.contains(match), session != weights.tail else { continue }
            body(session, sum, match)
        }
    }

    func row(of item: UInt32) -> [UInt32] {
        let slot = Int(item) / Self.stripeCount
        return rows[Int(item) % Self.stripeCount].values.withLock { rows in
            slot < rows.count ? rows[slot] : []
        }
    }

    func tail(of owner: UInt32) -> SessionTail {
        let slot = Int(owner) / Self.stripeCount
        return tails[Int(owner) % Self.stripeCount].values.withLock { tails in
            slot < tails.count ? tails[slot] : SessionTail()
        }
    }

    // MARK: Following the facts

    /// The entry at `index` of `window` is new in a history (`sign` 1), or about to leave it.
    func change(_ owner: UserIndex, _ window: [Interaction], at index: Int, sign: Int64) {
        let item = window[index].item.rawValue
        let after = window.count - 1 - index
        var tail = tail(of: owner.rawValue)
        if sign > 0 {
            // Behind so many entries it is not among the newest.
            guard after < SessionTail.lengthMax, after <= tail.count else { return }
            tail.insert(item, before: after)
        } else {
            let place = tail.count - 1 - after
            guard place >= 0, tail[place] == item else { return }
            let wasFull = tail.count == SessionTail.lengthMax
            tail.remove(at: place)
            let next = window.count - 1 - SessionTail.lengthMax
            if wasFull, next >= 0 { tail.insert(window[next].item.rawValue, before: tail.count) }
        }
        replace(owner.rawValue, tail)
    }

    /// The sessions of a log, those that ended last as the last to come by.
    func load(_ log: InteractionLog) {
        let owners = (0..<log.ownerCount).filter { !log.history(of: $0).isEmpty }
        let last = owners.map { log.times[log.history(of: $0).upperBound - 1] }
        for index in owners.indices.sorted(by: { (last[$0], $0) < (last[$1], $1) }) {
            var tail = SessionTail()
            for place in log.history(of: owners[index]).suffix(SessionTail.lengthMax) {
                tail.append(log.items[place])
            }
            replace(log.user(of: owners[index]).rawValue, tail)
        }
    }

    private func replace(_ owner: UInt32, _ new: SessionTail) {
        let slot = Int(owner) / Self.stripeCount
        let old = tails[Int(owner) % Self.stripeCount].values.withLock { tails in
            while tails.count <= slot { tails.append(SessionTail()) }
            let old = tails[slot]
            tails[slot] = new
            return old
        }
        for place in 0..<old.count where !new.contains(old[place]) {
            changeRow(old[place]) { row in
                if let at = row.firstIndex(of: owner) { row.remove(at: at) }
            }
        }
        for place in 0..<new.count
        where !old.contains(new[place]) && new.lastPlace(of: new[place]) == place {
            changeRow(new[place]) { row in
                // In pieces: what goes is the oldest, and moving the rest costs.
                if row.count >= Limits.sessionRowMax + Limits.sessionRowMax / 4 {
                    row.removeFirst(row.count - Limits.sessionRowMax + 1)
                }
                row.append(owner)
            }
        }
    }

    private func changeRow(_ item: UInt32, _ body: (inout [UInt32]) -> Void) {
        let slot = Int(item) / Self.stripeCount
        rows[Int(item) % Self.stripeCount].values.withLock { rows in
            while rows.count <= slot { rows.append([]) }
            body(&rows[slot])
        }
    }
}

// MARK: - Artifact

extension SessionNeighbours {
    /// Writes the sessions by owner, then the rows by item.
    func encode(into artifact: ArtifactWriter) {
        let ownerCount = Self.count(tails)
        artifact.put(UInt32(ownerCount))
        for owner in 0..<UInt32(ownerCount) {
            let tail = tail(of: owner)
            artifact.put(UInt8(tail.count))
            for place in 0..<tail.count { artifact.put(tail[place]) }
        }
        let itemCount = Self.count(rows)
        artifact.put(UInt32(itemCount))
        for item in 0..<UInt32(itemCount) {
            let row = row(of: item)
            artifact.put(UInt32(row.count))
            for owner in row { artifact.put(owner) }
        }
    }

    func decode(_ reader: inout ArtifactReader, itemCount: Int) throws(RecipeError) {
        let ownerCount = try reader.count(of: 1)
        for owner in 0..<UInt32(ownerCount) {
            var tail = SessionTail()
            for _ in 0..<(try reader.number(UInt8.self)) {
                let item = try reader.number(UInt32.self)
                guard item < itemCount, tail.count < SessionTail.lengthMax else {
                    throw ArtifactReader.damaged("a session's item is unknown")
                }
                tail.append(item)
            }
            tails[Int(owner) % Self.stripeCount].values.withLock { $0.append(tail) }
        }
        for item in 0..<UInt32(try reader.count(of: 4)) {
            var row: [UInt32] = []
            for _ in 0..<(try reader.count(of: 4)) {
                let owner = try reader.number(UInt32.self)
                guard owner < ownerCount else {
                    throw ArtifactReader.damaged("a row's session is unknown")
                }
                row.append(owner)
            }
            rows[Int(item) % Self.stripeCount].values.withLock { $0.append(row) }
        }
    }

    private static func count<Value>(_ stripes: [Stripe<Value>]) -> Int {
        stripes.enumerated().map { index, stripe in
            let count = stripe.values.withLock { $0.count }
            return count > 0 ? (count - 1) * stripeCount + index + 1 : 0
        }.max() ?? 0
    }
}
