package import Resources
import Synchronization

/// How far each job is, by name; written by one thread, read by any.
package final class JobTable: Sendable {
    private let table = Mutex<[String: JobProgress]>([:])

    package subscript(name: ResourceName) -> JobProgress? {
        table.withLock { $0[name.text] }
    }

    /// `rejected` joins the rows that are listed already.
    func store(_ name: ResourceName, _ progress: JobProgress, _ rejected: [RejectedRow]) {
        table.withLock { table in
            var next = progress
            next.rejected = (table[name.text]?.rejected ?? []) + rejected
            table[name.text] = next
        }
    }

    func remove(_ name: ResourceName) {
        table.withLock { _ = $0.removeValue(forKey: name.text) }
    }

    func describe() -> [String] {
        table.withLock { $0.map { "job \($0.key) \($0.value)" } }
    }
}
