internal import Wire

/// What can be deleted.
public enum RecordDeletion: Hashable, Sendable {
    /// A user with everything of it.
    case user(String)
    /// A session with everything of it.
    case session(String)
    /// An item with the events on it so far.
    case item(String)
    /// One event, by its id.
    case interaction(String)
}

extension BowerbirdClient {
    /// Deletes a record for good; NOT_FOUND when it is unknown.
    ///
    /// - Returns: The position of the write.
    public func delete(
        _ deletion: RecordDeletion,
        group: String
    ) async throws(ClientError) -> UInt64 {
        let path = "/bowerbird.v1.RecordsService/"
        switch deletion {
        case .user(let id), .session(let id):
            return try await call(
                path + "DeleteUser",
                { writer in
                    let request = DeleteUserRequestBuilder(into: writer)
                    request.datasetGroup(group)
                    if case .user = deletion { request.userID(id) } else { request.sessionID(id) }
                }
            ) { (bytes, arena) throws(WireError) in
                try DeleteUserResponseView(unpacking: bytes, into: arena).position
            }
        case .item(let id):
            return try await call(
                path + "DeleteItem",
                { writer in
                    let request = DeleteItemRequestBuilder(into: writer)
                    request.datasetGroup(group)
                    request.itemID(id)
                }
            ) { (bytes, arena) throws(WireError) in
                try DeleteItemResponseView(unpacking: bytes, into: arena).position
            }
        case .interaction(let id):
            return try await call(
                path + "DeleteInteraction",
                { writer in
                    let request = DeleteInteractionRequestBuilder(into: writer)
                    request.datasetGroup(group)
                    request.eventID(id)
                }
            ) { (bytes, arena) throws(WireError) in
                try DeleteInteractionResponseView(unpacking: bytes, into: arena).position
            }
        }
    }
}
