import Primitives
import Synchronization

/// Popularity that forgets: c_i = Σ_e 2^((t_e − t_0) / H) over the events e of item i.
///
/// Since every event of every item decays alike, the order of items does not depend on when it is
/// asked for; t_0 moves only to keep the numbers in range. O(1) an event; a move of t_0 is O(items)
/// and comes once in 20 half-lives. Kept in double precision; readers get floats.
final class RecentPopularity: Sendable {
    private struct State {
        var counts: [Double] = []
        var originMS: Int64?
    }

    /// 30 days: what most catalogues forget in.
    static let halfLifeMS = 30.0 * 86_400_000
    private static let halfLivesMax = 20.0

    private let state = Mutex(State())
    private let published = ItemWeights()

    /// `[itemCount]`, largest about 1.
    var current: [Float] { published.current }

    func grow(to itemCount: Int) {
        state.withLock { state in
            if state.counts.count < itemCount {
                state.counts.append(
                    contentsOf: repeatElement(0, count: itemCount - state.counts.count)
                )
            }
        }
        published.grow(to: itemCount)
    }

    /// Adds an event (`sign` 1) or takes it back (`sign` -1).
    func add(_ interaction: Interaction, sign: Double) {
        let item = Int(interaction.item.rawValue)
        let moved: [Double]? = state.withLock { state in
            let origin = state.originMS ?? interaction.occurredAt.milliseconds
            state.originMS = origin
            let age = Double(interaction.occurredAt.milliseconds - origin) / Self.halfLifeMS
            state.counts[item] += sign * Elementary.exp2(max(age, -1_000))
            if sign < 0, state.counts[item] < 1e-12 { state.counts[item] = 0 }
            guard age > Self.halfLivesMax else { return nil }
            let factor = Elementary.exp2(-age)
            for index in state.counts.indices { state.counts[index] *= factor }
            state.originMS = interaction.occurredAt.milliseconds
            return state.counts
        }
        if let moved {
            published.update { values in
                for index in moved.indices { values[index] = Float(moved[index]) }
            }
        } else {
            let value = state.withLock { Float($0.counts[item]) }
            published.update { $0[item] = value }
        }
    }

    func encode(into artifact: ArtifactWriter) {
        state.withLock { state in
            artifact.put(UInt64(bitPattern: state.originMS ?? .min))
            artifact.put(UInt32(state.counts.count))
            for count in state.counts { artifact.put(count) }
        }
    }

    func decode(_ reader: inout ArtifactReader) throws(RecipeError) {
        let origin = Int64(bitPattern: try reader.number(UInt64.self))
        let count = try reader.count(of: 8)
        var counts: [Double] = []
        for _ in 0..<count {
            let value = try reader.double()
            guard value.isFinite else { throw ArtifactReader.damaged("a number is not finite") }
            counts.append(value)
        }
        let values = counts
        state.withLock { $0 = State(counts: values, originMS: origin == .min ? nil : origin) }
        published.update { $0 = values.map { Float($0) } }
    }
}
