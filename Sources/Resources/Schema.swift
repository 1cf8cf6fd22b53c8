/// The three kinds of dataset of this round.
package enum DatasetKind: UInt8, Hashable, Sendable, CaseIterable {
    case interactions = 1
    case items = 2
    case users = 3
}

/// The type of a schema field.
package enum FieldType: UInt8, Hashable, Sendable {
    case string = 1
    case int = 2
    case long = 3
    case float = 4
    case double = 5
    case boolean = 6
}

/// One field of a schema.
package struct SchemaField: Hashable, Sendable {
    /// As written in the schema, in `UPPER_SNAKE` by convention.
    package var name: String
    package var type: FieldType
    package var isNullable: Bool
    package var isCategorical: Bool
    package var isTextual: Bool
    package var isItemName: Bool

    package init(
        name: String,
        type: FieldType,
        isNullable: Bool = false,
        isCategorical: Bool = false,
        isTextual: Bool = false,
        isItemName: Bool = false
    ) {
        self.name = name
        self.type = type
        self.isNullable = isNullable
        self.isCategorical = isCategorical
        self.isTextual = isTextual
        self.isItemName = isItemName
    }

    /// The form in which names are compared: lower case, without `_`.
    package var foldedName: String {
        SchemaField.fold(name)
    }

    /// Whether `name` can be a column's: 1–150 letters, digits and `_`, not beginning with a digit.
    package static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 150, !(0x30...0x39).contains(first)
        else { return false }
        return name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
    }

    package static func fold(_ name: String) -> String {
        String(name.lowercased().filter { $0 != "_" })
    }
}

/// A parsed schema: what its records must look like.
package struct Schema: Hashable, Sendable {
    package var header: ResourceHeader
    package var kind: DatasetKind
    /// All fields in the order of the document, reserved ones included.
    package var fields: [SchemaField]
    /// The document as the client gave it; empty for an open schema.
    package var document: String
    /// An open schema grows a column for every property that first appears (`starter`).
    package var isOpen: Bool

    package init(
        header: ResourceHeader,
        kind: DatasetKind,
        fields: [SchemaField],
        document: String,
        isOpen: Bool = false
    ) {
        self.header = header
        self.kind = kind
        self.fields = fields
        self.document = document
        self.isOpen = isOpen
    }
}

extension Schema {
    /// The fields that are columns of their own: all but the reserved ones.
    package var ownColumns: [SchemaField] {
        fields.filter { !Self.isReserved($0.foldedName, kind) }
    }

    /// Whether a folded name is a reserved field of the kind's records.
    package static func isReserved(_ foldedName: String, _ kind: DatasetKind) -> Bool {
        switch kind {
        case .interactions:
            [
                "userid", "itemid", "timestamp", "eventtype", "eventvalue", "impression",
                "recommendationid", "eventattributionsource",
            ].contains(foldedName)
        case .items: ["itemid", "creationtimestamp"].contains(foldedName)
        case .users: foldedName == "userid"
        }
    }
}
