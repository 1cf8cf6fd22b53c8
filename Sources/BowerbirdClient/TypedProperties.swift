internal import Wire

/// A value of a column, as records take it without JSON.
public enum TypedValue: Hashable, Sendable {
    /// Absent; removed by an update.
    case null
    /// Text; also a number or a boolean that is written as one.
    case string(String)
    /// A whole number.
    case integer(Int64)
    /// A finite number.
    case double(Double)
    /// Yes or no.
    case boolean(Bool)
    /// The categories of a categorical column, none of them empty or with `|`.
    case list([String])
}

extension [String: TypedValue] {
    func encode(_ property: ((TypedPropertyBuilder) -> Void) -> Void) {
        for (name, value) in sorted(by: { $0.key < $1.key }) {
            property { message in
                message.name(name)
                switch value {
                case .null: break
                case .string(let text): message.stringValue(text)
                case .integer(let number): message.int64Value(number)
                case .double(let number): message.doubleValue(number)
                case .boolean(let flag): message.boolValue(flag)
                case .list(let texts):
                    message.listValue { list in for text in texts { list.values(text) } }
                }
            }
        }
    }
}

extension Record {
    func encode(into message: UserBuilder) {
        message.userID(id)
        message.properties(properties)
        typed.encode { message.typedProperties($0) }
    }

    func encode(into message: ItemBuilder) {
        message.itemID(id)
        message.properties(properties)
        typed.encode { message.typedProperties($0) }
    }
}
