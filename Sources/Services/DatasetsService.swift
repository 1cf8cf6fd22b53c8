package import Control
import Engine
package import Primitives
package import RPC
import Resources
import Wire

/// `bowerbird.v1.DatasetsService`: groups, schemas, datasets and event trackers.
package final class DatasetsService: Sendable {
    let control: ControlPlane
    let calls: ControlCalls
    let messages: ResourceMessages
    /// Counts what datasets hold.
    let counters: WorkerPool

    package init(control: ControlPlane, counters: WorkerPool) {
        self.control = control
        self.counters = counters
        calls = ControlCalls(control: control)
        messages = ResourceMessages(control: control)
    }

    package func add(to router: inout Router) {
        addDatasetGroups(to: &router)
        addSchemas(to: &router)
        addDatasets(to: &router)
        addEventTrackers(to: &router)
        addStatistics(to: &router)
    }
}
