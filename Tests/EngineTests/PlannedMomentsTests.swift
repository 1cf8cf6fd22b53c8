import Engine
import Primitives
import Testing

@Suite
struct `Planned moments` {
    private struct Moment: Hashable {
        let owner: UInt32
        let time: Int64
    }

    @Test
    func `are found newest first, and are gone once taken back`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let events = PlannedMoments(secret: (random.next(), random.next()))
        var expected: [(moment: Moment, place: PlannedMoments.Place)] = []
        for mutation in 0..<UInt32(400) {
            let mark = events.mark
            let kept = expected.count
            for effect in 0..<UInt32.random(in: 0...20, using: &random) {
                let moment = Moment(
                    owner: .random(in: 0..<8, using: &random),
                    time: .random(in: 0..<40, using: &random)
                )
                let place = PlannedMoments.Place(mutation: mutation, effect: effect)
                events.add(
                    GroupIndex(0),
                    UserIndex(moment.owner),
                    at: Timestamp(milliseconds: moment.time),
                    place
                )
                expected.append((moment, place))
            }
            if Bool.random(using: &random) {
                events.rollback(to: mark)
                expected.removeLast(expected.count - kept)
            }
            let asked = Moment(
                owner: .random(in: 0..<8, using: &random),
                time: .random(in: 0..<40, using: &random)
            )
            #expect(
                places(events, asked)
                    == expected.filter { $0.moment == asked }.map(\.place).reversed()
            )
        }
        events.removeAll()
        #expect(places(events, Moment(owner: 0, time: 0)).isEmpty)
    }

    private func places(_ events: PlannedMoments, _ moment: Moment) -> [PlannedMoments.Place] {
        var found: [PlannedMoments.Place] = []
        let time = Timestamp(milliseconds: moment.time)
        events.places(GroupIndex(0), UserIndex(moment.owner), at: time) { found.append($0) }
        return found
    }
}
