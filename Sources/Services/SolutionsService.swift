package import Control
import Engine
import Primitives
package import RPC
import Resources
import Wire

/// `bowerbird.v1.SolutionsService`: recipes, solutions and their versions.
package final class SolutionsService: Sendable {
    let control: ControlPlane
    let calls: ControlCalls
    let messages: ResourceMessages

    package init(control: ControlPlane) {
        self.control = control
        calls = ControlCalls(control: control)
        messages = ResourceMessages(control: control)
    }

    package func add(to router: inout Router) {
        addSolutions(to: &router)
        addSolutionVersions(to: &router)
        addRecipes(to: &router)
    }
}
