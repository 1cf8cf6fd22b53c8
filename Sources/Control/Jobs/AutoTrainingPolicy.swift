package import Primitives
package import Resources

/// When a solution that trains by itself makes its next version; a pure function of what is there.
package enum AutoTrainingPolicy {
    /// Whether it is time for the next of the solution's `versions` (oldest first), now that its
    /// group has so many interactions.
    package static func isDue(
        _ solution: Solution,
        _ versions: [SolutionVersion],
        interactionCount: Int64,
        now: Timestamp
    ) -> Bool {
        let policy = solution.config.automatic
        guard policy.isOn, interactionCount > 0 else { return false }
        let isBusy = versions.contains { version in
            [.createPending, .createInProgress, .createStopping].contains(version.header.status)
        }
        if isBusy { return false }
        guard let last = versions.last else {
            return policy.startsAtOnce
                ? interactionCount >= Limits.autoTrainingEventsMin
                : age(solution.header, now) >= Limits.autoTrainingGraceMS
        }
        guard let trained = versions.last(where: { $0.header.status == .active }),
            last.header.status == .active
        else {
            // It failed or was stopped: not again at once.
            return age(last.header, now) >= Limits.autoTrainingGraceMS
        }
        let changed = abs(interactionCount - trained.interactionCount)
        guard changed > 0 else { return false }
        if age(last.header, now) >= Int64(policy.days) * 86_400_000 { return true }
        let enough = max(
            Double(Limits.autoTrainingChangesMin),
            policy.changedShare * Double(trained.interactionCount)
        )
        return policy.changedShare > 0 && Double(changed) >= enough
    }

    private static func age(_ header: ResourceHeader, _ now: Timestamp) -> Int64 {
        now.milliseconds - header.createdAt.milliseconds
    }
}
