import Metrics
import Primitives
import Synchronization
import Testing

@Suite
struct `Metrics` {
    @Test
    func `lose no addition of any thread`() async {
        let counter = Counter()
        let histogram = Histogram(.counts)
        await withTaskGroup { group in
            for _ in 0..<40 {
                group.addTask {
                    for value in 0..<1_000 {
                        counter.add()
                        histogram.record(UInt64(value))
                    }
                }
            }
        }
        #expect(counter.value == 40_000)
        #expect(histogram.snapshot.count == 40_000)
        #expect(histogram.snapshot.sum == 40 * 499_500)
    }

    @Test(
        arguments: [(0, 0), (10, 0), (11, 1), (20, 1), (21, 2), (1_000_000, 2)] as [(UInt64, Int)]
    )
    func `put a value in the bucket whose bound holds it`(value: UInt64, bucket: Int) {
        let histogram = Histogram(Histogram.Bounds(upper: [10, 20]))
        histogram.record(value)
        var expected: [UInt64] = [0, 0, 0]
        expected[bucket] = 1
        #expect(histogram.snapshot.buckets == expected)
    }

    @Test
    func `are shown as Prometheus reads them`() {
        let registry = Registry()
        registry.counter("a_total", "Calls.", [("method", "x/\"Y\"")]).add(3)
        registry.gauge("b", "Open.").add(-2)
        registry.reading("c_ratio", "Share.") { 0.5 }
        let bounds = Histogram.Bounds(upper: [500_000_000, 2_000_000_000], unitsPerShown: 1e9)
        let histogram = registry.histogram("d_seconds", "Time.", bounds, [("k", "v")])
        histogram.record(400_000_000)
        histogram.record(600_000_000)
        histogram.record(3_000_000_000)
        #expect(
            registry.text() == """
                # HELP a_total Calls.
                # TYPE a_total counter
                a_total{method="x/\\"Y\\""} 3
                # HELP b Open.
                # TYPE b gauge
                b -2
                # HELP c_ratio Share.
                # TYPE c_ratio gauge
                c_ratio 0.5
                # HELP d_seconds Time.
                # TYPE d_seconds histogram
                d_seconds_bucket{k="v",le="0.5"} 1
                d_seconds_bucket{k="v",le="2"} 2
                d_seconds_bucket{k="v",le="+Inf"} 3
                d_seconds_sum{k="v"} 4
                d_seconds_count{k="v"} 3

                """
        )
    }
}
