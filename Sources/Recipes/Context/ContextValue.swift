/// What one own column of an interaction says, or of a question: how the user comes here.
package struct ContextValue: Hashable, Sendable {
    /// Of the column's name.
    package var column: UInt64
    /// Of the column and the value.
    package var value: UInt64

    package init(column: UInt64, value: UInt64) {
        self.column = column
        self.value = value
    }
}

/// The values of the own columns that a training reads, each as a small number.
///
/// A column of more than `valuesMax` values is no category: later ones count as none.
package struct ContextTable: Sendable {
    static let valuesMax = 4_096

    /// A column, as people call it, and the hash of its name.
    package struct Column: Sendable {
        package let name: String
        package let key: UInt64
        fileprivate var values: [UInt64] = []
        fileprivate var codes: [UInt64: UInt16] = [:]

        package init(name: String, key: UInt64) {
            self.name = name
            self.key = key
        }

        /// The value of a code; `nil` of 0.
        func value(_ code: UInt16) -> UInt64? { code == 0 ? nil : values[Int(code) - 1] }
    }

    package private(set) var columns: [Column]

    package init(_ columns: [Column] = []) {
        self.columns = columns
    }

    /// Appends one code a column, 0 where `context` says nothing of it.
    package mutating func append(_ context: [ContextValue], to codes: inout [UInt16]) {
        for index in columns.indices {
            let given = context.first { $0.column == columns[index].key }
            codes.append(given.map { code($0.value, index) } ?? 0)
        }
    }

    private mutating func code(_ value: UInt64, _ column: Int) -> UInt16 {
        if let known = columns[column].codes[value] { return known }
        let count = columns[column].values.count
        guard count < Self.valuesMax else { return 0 }
        columns[column].values.append(value)
        columns[column].codes[value] = UInt16(count + 1)
        return UInt16(count + 1)
    }
}
