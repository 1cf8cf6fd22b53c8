import Dispatch
import Primitives
import Synchronization
import Testing

@Suite
struct `A pool of workers` {
    @Test
    func `does all that was submitted before it stops, and nothing after`() {
        let pool = WorkerPool(threads: 2)
        let done = Atomic(0)
        for _ in 0..<500 {
            let isTaken = pool.submit { done.add(1, ordering: .relaxed) }
            #expect(isTaken)
        }
        pool.stop()
        #expect(done.load(ordering: .relaxed) == 500)
        #expect(!pool.submit {})
    }

    @Test
    func `refuses more than may wait`() {
        let pool = WorkerPool(threads: 1)
        let gate = DispatchSemaphore(value: 0)
        let started = DispatchSemaphore(value: 0)
        _ = pool.submit {
            started.signal()
            gate.wait()
        }
        started.wait()
        var taken = 0
        while pool.submit({}) { taken += 1 }
        #expect(taken == Limits.pendingReadsMax)
        gate.signal()
        pool.stop()
    }
}
