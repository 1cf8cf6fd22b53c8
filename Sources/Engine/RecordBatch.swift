package import Resources

/// Records of any kind and of any users, in one call.
package struct RecordBatch: Sendable {
    package enum Record: Sendable {
        /// Either id may be empty, not both.
        case event(userID: String, sessionID: String, EventRecord)
        case user(EntityRecord)
        case item(EntityRecord)
        /// Merges; the user must have been put.
        case userUpdate(EntityUpdate)
        /// Merges; the item must have been put.
        case itemUpdate(EntityUpdate)
    }

    package struct Entry: Sendable {
        /// The place in the call's list.
        package var index: Int
        package var record: Record

        package init(index: Int, record: Record) {
            self.index = index
            self.record = record
        }
    }

    /// The list of the call that the records came in; paths of fields begin with it.
    package enum List: String, Sendable {
        case records
        case eventList = "event_list"
        case users
        case items
        /// The one user of an `UpdateUser` call, which is no list.
        case user
        /// The one item of an `UpdateItem` call.
        case item

        /// Whether it is a list, or a single record.
        package var isList: Bool { self != .user && self != .item }

        /// Where a record of a kind stands below its place in this list.
        package func member(_ kind: DatasetKind, isUpdate: Bool = false) -> String {
            guard self == .records else { return "" }
            return switch kind {
            case .interactions: ".interaction.event"
            case .users: isUpdate ? ".user_update" : ".user"
            case .items: isUpdate ? ".item_update" : ".item"
            }
        }

        /// The path of a record, such as `records[3].interaction.event`.
        package func path(_ index: Int, _ kind: DatasetKind, isUpdate: Bool = false) -> String {
            let place = isList ? "\(rawValue)[\(index)]" : rawValue
            return place + member(kind, isUpdate: isUpdate)
        }
    }

    package var list: List
    /// How many records the call had, good and bad.
    package var count: Int
    /// Whether the good records count when others are bad.
    package var isPartial: Bool
    /// Good as far as the call and the schemas tell.
    package var entries: [Entry] = []
    /// What was found bad before planning.
    package var rejected: [RejectedRecord] = []
    /// Where the call says which batch it is: sent again, it gets the first answer.
    package var producer: ProducerBatch?

    package init(list: List, count: Int, isPartial: Bool) {
        self.list = list
        self.count = count
        self.isPartial = isPartial
    }

    /// The path of a record in its call, such as `records[3].interaction.event`.
    func path(of entry: Entry) -> String {
        let (kind, isUpdate): (DatasetKind, Bool) =
            switch entry.record {
            case .event: (.interactions, false)
            case .user: (.users, false)
            case .item: (.items, false)
            case .userUpdate: (.users, true)
            case .itemUpdate: (.items, true)
            }
        return list.path(entry.index, kind, isUpdate: isUpdate)
    }
}

/// A record that was not applied, and why.
package struct RejectedRecord: Hashable, Sendable {
    /// The place in the call's list.
    package var index: Int
    package var refusal: Refusal

    package init(index: Int, refusal: Refusal) {
        self.index = index
        self.refusal = refusal
    }
}
