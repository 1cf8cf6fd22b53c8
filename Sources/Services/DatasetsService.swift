package import Control
import Engine
import Primitives
package import RPC
import Resources
import Wire

/// `bowerbird.v1.DatasetsService`: groups, schemas, datasets and event trackers.
package final class DatasetsService: Sendable {
    let control: ControlPlane
    let calls: ControlCalls
    let messages: ResourceMessages

    package init(control: ControlPlane) {
        self.control = control
        calls = ControlCalls(control: control)
        messages = ResourceMessages(control: control)
    }

    package func add(to router: inout Router) {
        addDatasetGroups(to: &router)
        addSchemas(to: &router)
        addDatasets(to: &router)
        addEventTrackers(to: &router)
    }
}
