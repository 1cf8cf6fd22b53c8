package import Metrics

/// What the writer counts.
package final class JournalMetrics: Sendable {
    let batchSizes: Histogram
    let commits: Histogram
    let freshness: Histogram
    let failures: Counter

    package init(_ registry: Registry) {
        batchSizes = registry.histogram(
            "bowerbird_write_batch_mutations",
            "Writes that were made durable together.",
            .counts
        )
        commits = registry.histogram(
            "bowerbird_commit_duration_seconds",
            "The time of one synced write of the store.",
            .durations
        )
        freshness = registry.histogram(
            "bowerbird_freshness_seconds",
            "From a write's arrival in the queue to the moment when every read sees it.",
            .durations
        )
        failures = registry.counter(
            "bowerbird_commit_failures_total",
            "Writes that the store refused."
        )
    }
}
