package import Engine
import Primitives
package import Recipes
package import Resources

/// What records of items, or of users, say, as tokens: the values of their columns, and the words
/// of texts.
///
/// A text is taken as its parts between `|`; a part of several words, or of a textual column, also
/// as its words in lower case. Numbers say in which band of a factor of 1.5 they are, of users
/// only; of items they say nothing. Tokens are hashed by one key everywhere, so an artifact's
/// rarities hold after any restart. Immutable.
package struct ItemTokenizer: Sendable {
    private static let hash = StableHash(key: (0x6f66_6e69, 0x746f_6b65))
    /// Letters that a word has at least.
    private static let lettersMin = 2

    private struct Column: Sendable {
        let place: Int
        let name: String
        let isTextual: Bool
        let isNumber: Bool
    }

    private let columns: [Column]

    /// Of the columns that a solution learns from.
    package init(_ schema: Schema?, _ config: SolutionConfig, _ kind: DatasetKind = .items) {
        func folded(_ names: [String]?) -> Set<String> {
            Set((names ?? []).map { SchemaField.fold($0) })
        }
        let excluded = folded(config.excludedColumns[kind])
        let included = folded(config.includedColumns[kind])
        columns = (schema?.ownColumns ?? []).enumerated().compactMap { place, field in
            let isNumber = field.type != .string && field.type != .boolean
            guard !isNumber || kind == .users, !excluded.contains(field.foldedName),
                included.isEmpty || included.contains(field.foldedName)
            else { return nil }
            return Column(
                place: place,
                name: field.foldedName,
                isTextual: field.isTextual,
                isNumber: isNumber
            )
        }
    }

    /// At most `Limits.contentTokensMax`.
    package func tokens(of record: EntityRecord?) -> [ItemToken] {
        guard let values = record?.properties.values else { return [] }
        var tokens: [ItemToken] = []
        for column in columns where column.place < values.count {
            var texts: [String] = []
            switch values[column.place] {
            case .string(let text): texts = Self.texts(of: text, isTextual: column.isTextual)
            case .boolean(let flag): texts = [flag ? "true" : "false"]
            case .integer(let number): texts = column.isNumber ? [Self.band(Double(number))] : []
            case .double(let number): texts = column.isNumber ? [Self.band(number)] : []
            case .null: break
            }
            let share = 1 / Float(max(1, texts.count)).squareRoot()
            for text in texts where tokens.count < Limits.contentTokensMax {
                let named = "\(column.name)\u{0}\(text)"
                tokens.append(
                    ItemToken(
                        hash: named.withRawSpan { Self.hash.hash($0) },
                        share: share,
                        column: UInt8(clamping: column.place)
                    )
                )
            }
        }
        return tokens
    }

    /// Such as 7 for 18 to 25, 8 for 26 to 38.
    private static func band(_ number: Double) -> String {
        var band = 0
        var bound = 1.0
        while bound * 1.5 <= number.magnitude, band < 100 {
            bound *= 1.5
            band += 1
        }
        return "\(number < 0 ? "-" : "")\(number == 0 ? "zero" : "\(band)")"
    }

    /// Each once, in order of their first sight.
    private static func texts(of text: String, isTextual: Bool) -> [String] {
        var texts: [String] = []
        var known: Set<String> = []
        func add(_ text: String) {
            if texts.count < Limits.contentTokensMax, known.insert(text).inserted {
                texts.append(text)
            }
        }
        for part in text.split(separator: "|") {
            let words = part.split { !$0.isLetter && !$0.isNumber }
            let isText = isTextual || words.count > 2
            if !isText { add(String(part)) }
            guard isText || words.count > 1 else { continue }
            for word in words where word.utf8.count >= lettersMin { add(word.lowercased()) }
        }
        return texts
    }
}
