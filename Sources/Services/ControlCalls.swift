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
                try submit(arena) { result, wakes in
                    handle.complete(waking: wakes) { call in
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

    /// Answers with the resource that the request names.
    func describe(
        _ call: ServerCall,
        _ kind: ResourceKind,
        _ name: (Arena) throws -> String,
        _ encode: @escaping @Sendable (Resource, ByteWriter) -> Void
    ) {
        ask(call) { arena in
            let found = try control.describe(try name(arena), kind)
            return { encode(found, $0) }
        }
    }

    /// What a list call asks for.
    struct Page {
        /// The parent that the list is restricted to; empty for all.
        var parent = ""
        var parentKind = ResourceKind.datasetGroup
        var size: Int32
        var token: String
    }

    /// Answers with a page of the resources of a kind.
    func list(
        _ call: ServerCall,
        _ kind: ResourceKind,
        _ page: (Arena) throws -> Page,
        _ encode: @escaping @Sendable ([Resource], _ nextPageToken: String, ByteWriter) -> Void
    ) {
        ask(call) { arena in
            let asked = try page(arena)
            let parent =
                asked.parent.isEmpty
                ? nil
                : try ResourceName(
                    parsing: asked.parent,
                    as: asked.parentKind,
                    field: asked.parentKind.field
                )
            let (found, next) = try control.list(
                kind,
                below: parent,
                pageSize: asked.size,
                pageToken: asked.token
            )
            return { encode(found, next, $0) }
        }
    }

    /// Deletes the resource that the request names; answers with an empty message.
    func delete(
        _ call: ServerCall,
        _ kind: ResourceKind,
        _ target: (Arena) throws -> (name: String, etag: String)
    ) {
        change(call) { arena, done in
            let (name, etag) = try target(arena)
            control.delete(name, kind, etag: etag, completion: done)
        } _: { _, _ in
        }
    }
}
