import Primitives
import Resources

/// A digest of all facts by identifier, the same before and after a restart.
///
/// Not of bytes: indices and layout follow arrival. O(everything), for tests and audits; taken on
/// the writer's thread.
package struct EngineDigest: Hashable, Sendable, CustomStringConvertible {
    /// The facts, one a line, sorted; what to compare when two digests differ.
    package let lines: [String]
    package let value: UInt64

    package init(_ engine: DatasetEngine) {
        var lines: [String] = []
        for kind in ResourceKind.allCases {
            for resource in engine.resources.all(kind) {
                lines.append("resource \(resource)")
                if case .datasetGroup(let group) = resource, let store = engine.group(group.index) {
                    lines += store.describe().map { "\(group.header.name) \($0)" }
                }
            }
        }
        for (id, request) in engine.writer.requests {
            lines.append("request \(id) \(request)")
        }
        lines += engine.jobs.describe()
        lines += engine.writer.producers.describe()
        self.lines = lines.sorted()
        let hash = StableHash(key: (1, 2))
        value = self.lines.reduce(0) { hash.hash("\($0) \($1)") }
    }

    package var description: String { String(value, radix: 16) }
}
