package import Engine
import Primitives
package import Recipes
package import Resources

/// What records of items say, as tokens: the values of their columns, and the words of texts.
///
/// A text is taken as its parts between `|`; a part of several words, or of a textual column, also
/// as its words in lower case. Numbers and instants say nothing here. Tokens are hashed by one key
/// everywhere, so an artifact's rarities hold after any restart. Immutable.
package struct ItemTokenizer: Sendable {
    private static let hash = StableHash(key: (0x6f66_6e69, 0x746f_6b65))
    /// Letters that a word has at least.
    private static let lettersMin = 2

    private struct Column: Sendable {
        let place: Int
        let name: String
        let isTextual: Bool
    }

    private let columns: [Column]

    /// Of the columns that a solution learns from.
    package init(_ schema: Schema?, _ config: SolutionConfig) {
        func folded(_ names: [String]?) -> Set<String> {
            Set((names ?? []).map { SchemaField.fold($0) })
        }
        let excluded = folded(config.excludedColumns[.items])
        let included = folded(config.includedColumns[.items])
        columns = (schema?.ownColumns ?? []).enumerated().compactMap { place, field in
            guard field.type == .string || field.type == .boolean,
                !excluded.contains(field.foldedName),
                included.isEmpty || included.contains(field.foldedName)
            else { return nil }
            return Column(place: place, name: field.foldedName, isTextual: field.isTextual)
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
            case .null, .integer, .double: break
            }
            let share = 1 / Float(max(1, texts.count)).squareRoot()
            for text in texts where tokens.count < Limits.contentTokensMax {
                let named = "\(column.name)\u{0}\(text)"
                tokens.append(
                    ItemToken(hash: named.withRawSpan { Self.hash.hash($0) }, share: share)
                )
            }
        }
        return tokens
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
