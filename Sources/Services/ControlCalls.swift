import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// The common path of the control plane's methods: decode, ask, answer.
struct ControlCalls: Sendable {
    let control: ControlPlane
    private let arenas = ArenaPool()

    init(control: ControlPlane) {
        self.control = control
    }

    /// Answers a call at once, from what is there.
    func ask(
        _ call: ServerCall,
        _ body: (Arena) throws -> @Sendable (ByteWriter) -> Void
    ) {
        do {
            let encode = try arenas.withArena { try body($0) }
            call.reply { encode($0) }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }

    /// Submits a change and answers once it is durable.
    func change(
        _ call: ServerCall,
        _ submit: (Arena, @escaping ControlPlane.Completion) throws -> Void,
        _ encode: @escaping @Sendable ([Resource], ByteWriter) -> Void
    ) {
        let handle = call.handle
        do {
            try arenas.withArena { arena in
                try submit(arena) { result in
                    handle.complete { call in
                        switch result {
                        case .success(let outcome): call.reply { encode(outcome.resources, $0) }
                        case .failure(let refusal): call.fail(StatusMapping.status(refusal))
                        }
                    }
                }
            }
        } catch {
            call.fail(StatusMapping.status(of: error))
        }
    }

    /// The parent that a list is restricted to; `nil` for all.
    func parent(_ text: String, _ kind: ResourceKind, _ field: String) throws -> ResourceName? {
        text.isEmpty ? nil : try ResourceName(parsing: text, as: kind, field: field)
    }
}
