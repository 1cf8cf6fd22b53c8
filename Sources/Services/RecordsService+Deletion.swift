import Engine
import Primitives
import RPC
import Resources
import Wire

/// Deletions of single records, and merges of users.
extension RecordsService {
    func addDeletions(to router: inout Router) {
        let path = "/bowerbird.v1.RecordsService/"
        router.unary(path + "DeleteUser") { [self] in deleteUser($0, $1) }
        router.unary(path + "DeleteItem") { [self] in deleteItem($0, $1) }
        router.unary(path + "DeleteInteraction") { [self] in deleteInteraction($0, $1) }
        router.unary(path + "MergeUsers") { [self] in mergeUsers($0, $1) }
    }

    private func mergeUsers(_ message: RawSpan, _ call: ServerCall) {
        events.respond(call) { arena in
            let request = try MergeUsersRequestView(unpacking: message, into: arena)
            let group = try events.group(request.datasetGroup.string)
            let kept = try Self.id(request.userID.string, "user_id")
            let merged = try Self.id(request.mergedUserID.string, "merged_user_id")
            guard kept != merged else {
                throw Refusal.invalid("merged_user_id", "is the same as user_id")
            }
            return .mergeUsers(group: group, merged: merged, kept: kept)
        } encode: { outcome, writer in
            let response = MergeUsersResponseBuilder(into: writer)
            response.position(outcome.position.rawValue)
            response.movedCount(UInt64(outcome.appliedCount))
        }
    }

    private func deleteUser(_ message: RawSpan, _ call: ServerCall) {
        events.respond(call) { arena in
            let request = try DeleteUserRequestView(unpacking: message, into: arena)
            let group = try events.group(request.datasetGroup.string)
            let (user, session) = (request.userID.string, request.sessionID.string)
            guard user.isEmpty || session.isEmpty else {
                throw Refusal.invalid("session_id", "can't be given together with user_id")
            }
            let deletion: Deletion =
                session.isEmpty
                ? .owners(.user, [try Self.id(user, "user_id")], isPartial: false)
                : .owners(.session, [try Self.id(session, "session_id")], isPartial: false)
            return .delete(group: group, deletion)
        } encode: { outcome, writer in
            DeleteUserResponseBuilder(into: writer).position(outcome.position.rawValue)
        }
    }

    private func deleteItem(_ message: RawSpan, _ call: ServerCall) {
        events.respond(call) { arena in
            let request = try DeleteItemRequestView(unpacking: message, into: arena)
            let group = try events.group(request.datasetGroup.string)
            let id = try Self.id(request.itemID.string, "item_id")
            return .delete(group: group, .item(id))
        } encode: { outcome, writer in
            DeleteItemResponseBuilder(into: writer).position(outcome.position.rawValue)
        }
    }

    private func deleteInteraction(_ message: RawSpan, _ call: ServerCall) {
        events.respond(call) { arena in
            let request = try DeleteInteractionRequestView(unpacking: message, into: arena)
            let group = try events.group(request.datasetGroup.string)
            let id = try Self.id(request.eventID.string, "event_id")
            return .delete(group: group, .event(id))
        } encode: { outcome, writer in
            DeleteInteractionResponseBuilder(into: writer).position(outcome.position.rawValue)
        }
    }
}
