import Control
import Primitives
import Resources
import Testing

private let minute: Int64 = 60_000
private let day: Int64 = 86_400_000

private func header(_ name: String, _ status: ResourceStatus, at time: Int64) -> ResourceHeader {
    ResourceHeader(
        name: name,
        status: status,
        createdAt: Timestamp(milliseconds: time),
        updatedAt: Timestamp(milliseconds: time)
    )
}

private func solution(_ change: (inout SolutionConfig.AutomaticTraining) -> Void) -> Solution {
    var config = SolutionConfig()
    change(&config.automatic)
    return Solution(
        header: header("s", .active, at: 0),
        group: .datasetGroup("g"),
        recipe: .recipe("user-personalization"),
        config: config
    )
}

private func version(
    _ status: ResourceStatus,
    at time: Int64,
    of count: Int64 = 1_000
) -> SolutionVersion {
    var version = SolutionVersion(
        header: header("v\(time)", status, at: time),
        solution: .datasetGroup("g").child("solutions", "s")
    )
    version.interactionCount = count
    return version
}

@Suite
struct `A solution that trains by itself` {
    private func isDue(
        _ versions: [SolutionVersion],
        count: Int64,
        at now: Int64,
        _ change: (inout SolutionConfig.AutomaticTraining) -> Void = { _ in }
    ) -> Bool {
        AutoTrainingPolicy.isDue(
            solution(change),
            versions,
            interactionCount: count,
            now: Timestamp(milliseconds: now)
        )
    }

    @Test
    func `leaves the first version to a person for ten minutes`() {
        #expect(!isDue([], count: 5_000, at: 9 * minute))
        #expect(isDue([], count: 5_000, at: 10 * minute))
        #expect(!isDue([], count: 0, at: 10 * minute))
        #expect(!isDue([], count: 5_000, at: day) { $0.isOn = false })
    }

    @Test
    func `begins at once in a starter, when there is something to learn`() {
        #expect(!isDue([], count: 99, at: 1) { $0.startsAtOnce = true })
        #expect(isDue([], count: 100, at: 1) { $0.startsAtOnce = true })
    }

    @Test
    func `trains again when enough is new`() {
        let last = [version(.active, at: 0, of: 4_000)]
        #expect(!isDue(last, count: 4_999, at: minute))
        #expect(isDue(last, count: 5_000, at: minute))
        #expect(isDue(last, count: 3_000, at: minute))
        // Few are never enough.
        #expect(!isDue([version(.active, at: 0, of: 100)], count: 599, at: minute))
        #expect(isDue([version(.active, at: 0, of: 100)], count: 600, at: minute))
        #expect(!isDue(last, count: 9_000, at: minute) { $0.changedShare = 0 })
        #expect(!isDue(last, count: 5_000, at: minute) { $0.changedShare = 0.5 })
    }

    @Test
    func `trains again by its schedule, if anything is new`() {
        let last = [version(.active, at: 0)]
        #expect(!isDue(last, count: 1_001, at: 7 * day - 1))
        #expect(isDue(last, count: 1_001, at: 7 * day))
        #expect(!isDue(last, count: 1_000, at: 30 * day))
        #expect(isDue(last, count: 1_001, at: 2 * day) { $0.days = 2 })
    }

    @Test
    func `waits for a training that runs, and after one that failed`() {
        for status in [ResourceStatus.createPending, .createInProgress, .createStopping] {
            #expect(!isDue([version(status, at: 0)], count: 99_999, at: 30 * day))
        }
        for status in [ResourceStatus.createFailed, .createStopped] {
            let versions = [version(.active, at: 0), version(status, at: day)]
            #expect(!isDue(versions, count: 99_999, at: day + 9 * minute))
            #expect(isDue(versions, count: 99_999, at: day + 10 * minute))
        }
    }
}
