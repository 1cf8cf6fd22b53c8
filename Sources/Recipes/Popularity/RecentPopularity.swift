import Primitives
import Synchronization

/// Popularity that forgets, on a floor of popularity that doesn't.
///
/// p_i = Σ_e 2^((t_e − T) / H) + φ · n_i over the n_i events e of item i, T the time of the newest
/// event of all. Since every event decays alike, the sums are kept at a fixed origin t_0 in place
/// of T and only the floor is scaled by 2^((T − t_0) / H) when it is asked for; t_0 moves only to
/// keep the numbers in range. Without the floor, one event after a long pause would outweigh
/// everything before it.
///
/// O(1) an event; a move of t_0 is O(items) and comes once in 20 half-lives. Kept in double
/// precision; readers get floats.
final class RecentPopularity: Sendable {
    private struct State {
        var recent: [Double] = []
        var counts: [Double] = []
        var originMS: Int64?
        var newestMS: Int64 = .min
    }

    /// What a query reads, both `[itemCount]`: the popularity is `recent + floor · counts`.
    struct Parts {
        let recent: [Float]
        let counts: [Float]
        let floor: Float
    }

    /// 30 days: what most catalogues forget in.
    static let usualHalfLifeHours: Int32 = 720
    /// φ: 50 events of long ago weigh as much as one of now.
    private static let floorShareMax = 0.02
    private static let halfLivesMax = 20.0

    let halfLifeHours: Int32
    private let halfLifeMS: Double
    private let floorShare: Double
    private let state = Mutex(State())
    private let recent = ItemWeights()
    private let counts = ItemWeights()
    private let changed = Atomic<UInt64>(0)

    /// What follows the facts of data that spans `spanMS`, 0 when that is unknown.
    ///
    /// φ is at most the share of an item's events that would still count at its mean rate,
    /// H / (T · ln 2), so that what was popular over years doesn't drown the last hours.
    init(halfLifeHours: Int32, spanMS: Int64) {
        precondition(halfLifeHours > 0)
        let share = Double(halfLifeHours) * 3_600_000 / (Double(max(spanMS, 1)) * 0.693_147)
        floorShare = spanMS > 0 ? min(Self.floorShareMax, share) : Self.floorShareMax
        self.halfLifeHours = halfLifeHours
        halfLifeMS = Double(halfLifeHours) * 3_600_000
    }

    var parts: Parts {
        let floor = state.withLock { state in
            guard let origin = state.originMS, state.newestMS > origin else {
                return floorShare
            }
            return floorShare * weight(state.newestMS, origin)
        }
        return Parts(recent: recent.current, counts: counts.current, floor: Float(floor))
    }

    /// How often it has changed; raised when a change can be read, so that who reads this first
    /// and `parts` then has nothing older than this says.
    var changes: UInt64 { changed.load(ordering: .acquiring) }

    var itemCount: Int { state.withLock { $0.recent.count } }

    /// 2^((t − t_0) / H); what is 1,000 half-lives old weighs nothing.
    private func weight(_ milliseconds: Int64, _ origin: Int64) -> Double {
        Elementary.exp2(max(Double(milliseconds - origin) / halfLifeMS, -1_000))
    }

    func grow(to itemCount: Int) {
        state.withLock { state in
            let more = itemCount - state.recent.count
            guard more > 0 else { return }
            state.recent.append(contentsOf: repeatElement(0, count: more))
            state.counts.append(contentsOf: repeatElement(0, count: more))
        }
        recent.grow(to: itemCount)
        counts.grow(to: itemCount)
        changed.add(1, ordering: .releasing)
    }

    /// Adds an event (`sign` 1) or takes it back (`sign` -1).
    func add(_ interaction: Interaction, sign: Double) {
        let item = Int(interaction.item.rawValue)
        let time = interaction.occurredAt.milliseconds
        let (value, count, moved) = state.withLock { state -> (Float, Float, [Double]?) in
            var origin = state.originMS ?? time
            state.newestMS = max(state.newestMS, time)
            // Before anything is added: what lies far ahead of t_0 has no number from there.
            let isMoved = Double(time - origin) / halfLifeMS > Self.halfLivesMax
            if isMoved {
                let factor = weight(origin, time)
                for index in state.recent.indices { state.recent[index] *= factor }
                origin = time
            }
            state.originMS = origin
            state.counts[item] = max(0, state.counts[item] + sign)
            state.recent[item] += sign * weight(time, origin)
            if state.counts[item] == 0 || state.recent[item] < 0 { state.recent[item] = 0 }
            let count = Float(state.counts[item])
            return (Float(state.recent[item]), count, isMoved ? state.recent : nil)
        }
        counts.update { $0[item] = count }
        recent.update { values in
            guard let moved else { return values[item] = value }
            for index in moved.indices { values[index] = Float(moved[index]) }
        }
        changed.add(1, ordering: .releasing)
    }

    func encode(into artifact: ArtifactWriter) {
        state.withLock { state in
            artifact.put(UInt64(bitPattern: state.originMS ?? .min))
            artifact.put(UInt64(bitPattern: state.newestMS))
            artifact.put(UInt32(state.recent.count))
            for value in state.recent { artifact.put(value) }
            for value in state.counts { artifact.put(value) }
        }
    }

    func decode(_ reader: inout ArtifactReader) throws(RecipeError) {
        let origin = Int64(bitPattern: try reader.number(UInt64.self))
        let newest = Int64(bitPattern: try reader.number(UInt64.self))
        let count = try reader.count(of: 16)
        let recent = try Self.values(count, &reader)
        let counts = try Self.values(count, &reader)
        state.withLock { state in
            state = State(
                recent: recent,
                counts: counts,
                originMS: origin == .min ? nil : origin,
                newestMS: newest
            )
        }
        self.recent.update { $0 = recent.map { Float($0) } }
        self.counts.update { $0 = counts.map { Float($0) } }
        changed.add(1, ordering: .releasing)
    }

    private static func values(
        _ count: Int,
        _ reader: inout ArtifactReader
    ) throws(RecipeError) -> [Double] {
        var values: [Double] = []
        for _ in 0..<count {
            let value = try reader.double()
            guard value.isFinite else { throw ArtifactReader.damaged("a number is not finite") }
            values.append(value)
        }
        return values
    }
}
