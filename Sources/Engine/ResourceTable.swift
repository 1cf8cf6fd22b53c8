package import Resources
import Synchronization

/// The records of the control plane by name; written by one thread, read by any.
package final class ResourceTable: Sendable {
    private let resources = Mutex<[String: Resource]>([:])
    private let changes = Atomic<UInt64>(0)

    /// Grows with every change, so that what was derived from the table can be kept until then.
    ///
    /// Read before what it stands for: a change in between is seen the next time.
    package var version: UInt64 { changes.load(ordering: .acquiring) }

    package subscript(name: ResourceName) -> Resource? {
        resources.withLock { $0[name.text] }
    }

    /// Whether there is a resource of this name and kind.
    package func contains(_ name: ResourceName, _ kind: ResourceKind) -> Bool {
        resources.withLock { $0[name.text]?.kind == kind }
    }

    func store(_ name: ResourceName, _ resource: Resource) {
        resources.withLock { $0[name.text] = resource }
        changes.add(1, ordering: .releasing)
    }

    func remove(_ name: ResourceName) {
        resources.withLock { _ = $0.removeValue(forKey: name.text) }
        changes.add(1, ordering: .releasing)
    }

    /// All of one kind, sorted by name; below `parent` where one is given.
    ///
    /// O(all resources).
    package func all(_ kind: ResourceKind, below parent: ResourceName? = nil) -> [Resource] {
        let found = resources.withLock { table in
            table.values.filter { resource in
                resource.kind == kind
                    && parent.map { resource.resourceName.text.hasPrefix($0.text + "/") } ?? true
            }
        }
        return found.sorted { $0.resourceName.text < $1.resourceName.text }
    }
}
