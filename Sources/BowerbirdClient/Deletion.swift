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
    /// Makes one user of two: `merged` is another name of `user` from then on.
    ///
    /// - Returns: How many events are `user`'s now that were the other's, and the position.
    /// - Throws: `ClientError` when it was refused; NOT_FOUND when `merged` is unknown.
    public func mergeUsers(
        _ merged: String,
        into user: String,
        group: String
    ) async throws(ClientError) -> (movedCount: UInt64, position: UInt64) {
        try await call(
            "/bowerbird.v1.RecordsService/MergeUsers",
            { writer in
                let request = MergeUsersRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.userID(user)
                request.mergedUserID(merged)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try MergeUsersResponseView(unpacking: bytes, into: arena)
            return (response.movedCount, response.position)
        }
    }

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
