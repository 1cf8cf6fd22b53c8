package import Resources
import Synchronization

/// The records of the control plane by name; written by one thread, read by any.
package final class ResourceTable: Sendable {
    private let resources = Mutex<[String: Resource]>([:])

    package subscript(name: ResourceName) -> Resource? {
        resources.withLock { $0[name.text] }
    }

    func store(_ name: ResourceName, _ resource: Resource) {
        resources.withLock { $0[name.text] = resource }
    }

    func remove(_ name: ResourceName) {
        resources.withLock { _ = $0.removeValue(forKey: name.text) }
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
