/// One thing that is wrong with an expression, or with the values given to it.
package struct FilterError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable, CaseIterable {
        /// The expression is empty or longer than allowed.
        case length
        /// A character that begins nothing, or a string without an end.
        case character
        /// A word or a symbol where another is needed.
        case syntax
        /// Parentheses deeper than allowed.
        case depth
        /// A dataset that does not exist or can't be used in this place.
        case dataset
        /// A column that the schema does not have.
        case unknownColumn
        /// A column that can't be filtered on.
        case notFilterable
        /// A value or an operator that does not fit the column's type.
        case type
        /// A parameter that stands for two types, or too many of them.
        case parameter
        /// More columns, members or parameters than allowed.
        case quota
        /// A parameter without a value, or with one that does not fit.
        case value
    }

    package var code: Code
    /// Where in the expression, in bytes; of a value that does not fit, where its parameter stands.
    package var offset: Int
    package var count: Int
    /// What was found and what is allowed.
    package var message: String
    /// What to write instead; may be empty.
    package var hint: String
    /// The parameter that the error is about; empty for an error of the expression.
    package var parameter: String

    package init(
        _ code: Code,
        _ range: SourceRange,
        _ message: String,
        hint: String = "",
        parameter: String = ""
    ) {
        self.code = code
        offset = range.offset
        count = range.count
        self.message = message
        self.hint = hint
        self.parameter = parameter
    }
}

/// Everything that is wrong with an expression, in the order of the text; never empty.
package struct FilterErrors: Error, Hashable, Sendable {
    package let all: [FilterError]

    package init(_ errors: [FilterError]) {
        precondition(!errors.isEmpty, "errors are thrown where there are some")
        all = errors.sorted { $0.offset < $1.offset }
    }
}

extension FilterError: CustomStringConvertible {
    /// Place, message and hint, such as `at byte 21: unknown column 'YAER'; Items has YEAR`.
    package var description: String {
        let place = code == .value || code == .length ? "" : "at byte \(offset): "
        return place + message + (hint.isEmpty ? "" : "; \(hint)")
    }
}

extension FilterError {
    /// The line of the expression that the error is in, and a line of carets under it.
    ///
    /// Columns are counted in characters, so that the carets stand right under text of any script;
    /// a long line is cut to `width` around the place.
    package func caretLines(in expression: String, width: Int = 76) -> [String] {
        let bytes = Array(expression.utf8)
        let at = min(max(offset, 0), bytes.count)
        let isLineEnd = { (byte: UInt8) in byte == 0x0A || byte == 0x0D }
        let start = bytes[..<at].lastIndex(where: isLineEnd).map { $0 + 1 } ?? 0
        let end = bytes[at...].firstIndex(where: isLineEnd) ?? bytes.count
        let marked = min(max(at + count, at), end)
        let before = Self.characters(bytes[start..<at])
        let middle = Self.characters(bytes[at..<marked])
        let after = Self.characters(bytes[marked..<end])

        var line = before + middle + after
        var column = before.count
        if line.count > width {
            let cut = max(0, min(column - width / 3, line.count - width))
            line = Array(line[cut..<min(cut + width, line.count)])
            column -= cut
            if cut > 0 { line[0] = "…" }
            if cut + width < before.count + middle.count + after.count {
                line[line.count - 1] = "…"
            }
        }
        let carets = max(1, min(middle.count, line.count - column))
        return [
            String(line),
            String(repeating: " ", count: column) + String(repeating: "^", count: carets),
        ]
    }

    private static func characters(_ bytes: ArraySlice<UInt8>) -> [Character] {
        String(decoding: bytes, as: UTF8.self).map { $0 == "\t" ? " " : $0 }
    }
}
