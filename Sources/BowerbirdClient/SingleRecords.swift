internal import Primitives
internal import Wire

/// One page of a list.
public struct Page<Element: Sendable>: Sendable {
    /// In the list's order.
    public var elements: [Element]
    /// Where the next page begins; empty on the last one.
    public var nextPageToken: String
}

/// An event with who did it.
public struct Interaction: Hashable, Sendable {
    /// Who did it; empty for an anonymous session.
    public var userID: String
    /// In which session; empty for none.
    public var sessionID: String
    /// What was done, with its id.
    public var event: Event
}

/// Whose events, or on what.
public enum InteractionList: Hashable, Sendable {
    /// Of a user.
    case user(String)
    /// Of a session.
    case session(String)
    /// On an item.
    case item(String)
}

extension BowerbirdClient {
    /// A user as it was put; NOT_FOUND when it was not.
    public func user(_ id: String, group: String) async throws(ClientError) -> Record {
        try await call(
            "/bowerbird.v1.RecordsService/GetUser",
            { writer in
                let request = GetUserRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.userID(id)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try GetUserResponseView(unpacking: bytes, into: arena)
            return Record(id: id, properties: response.user.properties.string)
        }
    }

    /// An item as it was put; NOT_FOUND when it was not.
    public func item(_ id: String, group: String) async throws(ClientError) -> Record {
        try await call(
            "/bowerbird.v1.RecordsService/GetItem",
            { writer in
                let request = GetItemRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.itemID(id)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try GetItemResponseView(unpacking: bytes, into: arena)
            return Record(id: id, properties: response.item.properties.string)
        }
    }

    /// A page of the users that were put, in the order of their first appearance.
    public func listUsers(
        group: String,
        pageSize: Int = 100,
        pageToken: String = ""
    ) async throws(ClientError) -> Page<Record> {
        try await call(
            "/bowerbird.v1.RecordsService/ListUsers",
            { writer in
                let request = ListUsersRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.pageSize(Int32(clamping: pageSize))
                request.pageToken(pageToken)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try ListUsersResponseView(unpacking: bytes, into: arena)
            var page = Page<Record>(
                elements: [],
                nextPageToken: response.nextPageToken.string
            )
            for index in 0..<response.usersCount {
                let user = response.users(index)
                page.elements.append(
                    Record(id: user.userID.string, properties: user.properties.string)
                )
            }
            return page
        }
    }

    /// A page of the items that were put, in the order of their first appearance.
    public func listItems(
        group: String,
        pageSize: Int = 100,
        pageToken: String = ""
    ) async throws(ClientError) -> Page<Record> {
        try await call(
            "/bowerbird.v1.RecordsService/ListItems",
            { writer in
                let request = ListItemsRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.pageSize(Int32(clamping: pageSize))
                request.pageToken(pageToken)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try ListItemsResponseView(unpacking: bytes, into: arena)
            var page = Page<Record>(
                elements: [],
                nextPageToken: response.nextPageToken.string
            )
            for index in 0..<response.itemsCount {
                let item = response.items(index)
                page.elements.append(
                    Record(id: item.itemID.string, properties: item.properties.string)
                )
            }
            return page
        }
    }

    /// A page of events, newest first, with everything that was put.
    public func listInteractions(
        of list: InteractionList,
        group: String,
        pageSize: Int = 100,
        pageToken: String = ""
    ) async throws(ClientError) -> Page<Interaction> {
        try await call(
            "/bowerbird.v1.RecordsService/ListInteractions",
            { writer in
                let request = ListInteractionsRequestBuilder(into: writer)
                request.datasetGroup(group)
                switch list {
                case .user(let id): request.userID(id)
                case .session(let id): request.sessionID(id)
                case .item(let id): request.itemID(id)
                }
                request.pageSize(Int32(clamping: pageSize))
                request.pageToken(pageToken)
            }
        ) { (bytes, arena) throws(WireError) in
            let response = try ListInteractionsResponseView(unpacking: bytes, into: arena)
            var page = Page<Interaction>(
                elements: [],
                nextPageToken: response.nextPageToken.string
            )
            for index in 0..<response.interactionsCount {
                let one = response.interactions(index)
                page.elements.append(
                    Interaction(
                        userID: one.userID.string,
                        sessionID: one.sessionID.string,
                        event: Event(one.event)
                    )
                )
            }
            return page
        }
    }

    /// Changes the named properties of a user; null removes one.
    ///
    /// - Returns: The position of the write.
    public func updateUser(_ user: Record, group: String) async throws(ClientError) -> UInt64 {
        try await call(
            "/bowerbird.v1.RecordsService/UpdateUser",
            { writer in
                let request = UpdateUserRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.user { user.encode(into: $0) }
            }
        ) { (bytes, arena) throws(WireError) in
            try UpdateUserResponseView(unpacking: bytes, into: arena).position
        }
    }

    /// Changes the named properties of an item; null removes one.
    ///
    /// - Returns: The position of the write.
    public func updateItem(_ item: Record, group: String) async throws(ClientError) -> UInt64 {
        try await call(
            "/bowerbird.v1.RecordsService/UpdateItem",
            { writer in
                let request = UpdateItemRequestBuilder(into: writer)
                request.datasetGroup(group)
                request.item { item.encode(into: $0) }
            }
        ) { (bytes, arena) throws(WireError) in
            try UpdateItemResponseView(unpacking: bytes, into: arena).position
        }
    }
}
