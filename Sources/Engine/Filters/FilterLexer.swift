import Primitives

/// The words of an expression, with their places.
///
/// Works on bytes: everything that has a meaning in the language is ASCII, and the text between
/// quotes is taken as it is.
struct FilterLexer {
    enum Token: Hashable {
        /// A keyword, dataset or column, as written.
        case word(String)
        case string(String)
        case number(FilterNumber)
        /// `$NAME`, without the `$`.
        case parameter(String)
        /// `( ) , | . * + - = != < <= > >=`
        case symbol(String)
        case end
    }

    struct Placed {
        let token: Token
        let range: SourceRange
    }

    private let text: [UInt8]
    private var position = 0
    private(set) var tokens: [Placed] = []
    private(set) var errors: [FilterError] = []

    init(_ expression: String) {
        text = Array(expression.utf8)
        while errors.count < Limits.filterErrorsMax, readToken() {}
        tokens.append(
            Placed(token: .end, range: SourceRange(offset: text.count, count: 0))
        )
    }

    private func byte(_ ahead: Int = 0) -> UInt8? {
        position + ahead < text.count ? text[position + ahead] : nil
    }

    private mutating func readToken() -> Bool {
        while let space = byte(), space == 0x20 || (0x09...0x0D).contains(space) { position += 1 }
        guard let first = byte() else { return false }
        let start = position
        switch first {
        case _ where Self.isWordByte(first) && !Self.isDigit(first):
            emit(.word(takeWord()), from: start)
        case _ where Self.isDigit(first):
            readNumber()
        case UInt8(ascii: "\""):
            readString()
        case UInt8(ascii: "$"):
            position += 1
            let name = takeWord()
            if name.isEmpty {
                fail(start, "'$' without a name", "a parameter is written $NAME")
            }
            emit(.parameter(name), from: start)
        default:
            readSymbol(first)
        }
        return true
    }

    private mutating func emit(_ token: Token, from start: Int) {
        tokens.append(Placed(token: token, range: SourceRange(start, upTo: position)))
    }

    private mutating func fail(_ start: Int, _ message: String, _ hint: String = "") {
        errors.append(
            FilterError(.character, SourceRange(start, upTo: position), message, hint: hint)
        )
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == 0x5F
    }

    private mutating func takeWord() -> String {
        let start = position
        while let next = byte(), Self.isWordByte(next) { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    // MARK: Numbers

    private mutating func readNumber() {
        let start = position
        takeDigits()
        if byte() == UInt8(ascii: "."), let next = byte(1), Self.isDigit(next) {
            position += 1
            takeDigits()
        }
        takeExponent()
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        if let integer = Int64(digits) {
            emit(.number(FilterNumber(integer)), from: start)
        } else if let double = Double(digits), let number = FilterNumber(double) {
            emit(.number(number), from: start)
        } else {
            fail(start, "the number \(Self.shown(digits)) is too large")
            emit(.number(FilterNumber(Int64(0))), from: start)
        }
    }

    private mutating func takeDigits() {
        while let next = byte(), Self.isDigit(next) { position += 1 }
    }

    private mutating func takeExponent() {
        guard let letter = byte(), letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E")
        else { return }
        let isSigned = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
        guard let digit = byte(isSigned ? 2 : 1), Self.isDigit(digit) else { return }
        position += isSigned ? 2 : 1
        takeDigits()
    }

    // MARK: Strings

    private mutating func readString() {
        let start = position
        guard let (content, end) = FilterText.unquoted(text[position...]) else {
            position = text.count
            errors.append(
                FilterError(
                    .character,
                    SourceRange(offset: start, count: 1),
                    "a string without an end",
                    hint: "close it with \"; a quote inside a string is doubled (\"\")"
                )
            )
            emit(.string(""), from: start)
            return
        }
        position = end
        emit(.string(content), from: start)
    }

    // MARK: Symbols

    private mutating func readSymbol(_ first: UInt8) {
        let start = position
        let pair = String(decoding: text[position..<min(position + 2, text.count)], as: UTF8.self)
        if ["!=", "<=", ">="].contains(pair) {
            position += 2
            return emit(.symbol(pair), from: start)
        }
        if let (meant, hint) = Self.foreignPairs[pair] {
            position += 2
            fail(start, "'\(pair)' is no operator", hint)
            // Go on as if it had been the right one, so that what follows is checked too.
            return emit(meant, from: start)
        }
        if "(),|.*+-=<>".utf8.contains(first) {
            position += 1
            return emit(.symbol(String(UnicodeScalar(first))), from: start)
        }
        takeCharacter()
        let found = String(decoding: text[start..<position], as: UTF8.self)
        if let closing = Self.foreignQuotes[found], takeForeignString(closing) {
            fail(
                start,
                "a string between \(found) and \(closing)",
                "strings stand between straight double quotes: \"…\""
            )
            return emit(.string(""), from: start)
        }
        fail(start, "'\(found)' has no meaning here", Self.hint(forCharacter: found))
    }

    /// Moves behind the next `closing`, if it comes before the line ends.
    private mutating func takeForeignString(_ closing: String) -> Bool {
        let closing = Array(closing.utf8)
        var at = position
        while at + closing.count <= text.count, text[at] != 0x0A {
            if text[at..<at + closing.count].elementsEqual(closing) {
                position = at + closing.count
                return true
            }
            at += 1
        }
        return false
    }

    private static let foreignQuotes = [
        "'": "'", "`": "`", "\u{2018}": "\u{2019}", "\u{201C}": "\u{201D}",
        "\u{201E}": "\u{201C}",
    ]

    /// Moves over one character, whatever its length.
    private mutating func takeCharacter() {
        position += 1
        while let next = byte(), next & 0xC0 == 0x80 { position += 1 }
    }

    private static let foreignPairs: [String: (meant: Token, hint: String)] = [
        "==": (.symbol("="), "equality is written ="),
        "<>": (.symbol("!="), "inequality is written !="),
        "&&": (.word("AND"), "write AND"),
        "||": (.word("OR"), "write OR; clauses are chained with one |"),
    ]

    private static func hint(forCharacter found: String) -> String {
        switch found {
        case "'", "\u{2018}", "\u{2019}", "\u{201C}", "\u{201D}", "\u{201E}", "`":
            "strings stand between straight double quotes: \"…\""
        case "!": "inequality is written !=, negation NOT ( … )"
        case "[", "]", "{", "}": "lists stand in parentheses: ( … )"
        default: ""
        }
    }

    static func shown(_ text: String) -> String {
        text.count > 60 ? "\(text.prefix(60))…" : text
    }
}

/// Quoted text, in expressions and in parameter values.
///
/// A quote inside is doubled, or has a backslash before it. A backslash is an ordinary character
/// but right before a quote: of `2n` the string has `n` and the quote counts as without them, of
/// `2n + 1` it has `n` and the quote is a part of it.
enum FilterText {
    /// Reads a quoted string that begins with the first byte.
    ///
    /// - Returns: What it says and the index behind its closing quote; `nil` without one.
    static func unquoted(_ text: ArraySlice<UInt8>) -> (content: String, end: Int)? {
        let quote = UInt8(ascii: "\"")
        let backslash = UInt8(ascii: "\\")
        var content: [UInt8] = []
        var position = text.startIndex + 1
        while position < text.endIndex {
            let byte = text[position]
            if byte == backslash {
                let run = text[position...].prefix { $0 == backslash }.count
                let isBeforeQuote = position + run < text.endIndex && text[position + run] == quote
                content += repeatElement(backslash, count: isBeforeQuote ? run / 2 : run)
                position += run
                if isBeforeQuote && run % 2 == 1 {
                    content.append(quote)
                    position += 1
                }
            } else if byte == quote {
                position += 1
                guard position < text.endIndex, text[position] == quote else {
                    return (String(decoding: content, as: UTF8.self), position)
                }
                content.append(quote)
                position += 1
            } else {
                content.append(byte)
                position += 1
            }
        }
        return nil
    }

    /// The quoted form, which `unquoted` reads back.
    static func quoted(_ content: String) -> String {
        let quote = UInt8(ascii: "\"")
        let backslash = UInt8(ascii: "\\")
        var text = [quote]
        var run = 0
        for byte in content.utf8 {
            if byte == quote {
                text += repeatElement(backslash, count: run)
                text.append(quote)
            }
            run = byte == backslash ? run + 1 : 0
            text.append(byte)
        }
        text += repeatElement(backslash, count: run)
        text.append(quote)
        return String(decoding: text, as: UTF8.self)
    }

    /// Personalize's form of several values in one text: `"a","b"`.
    ///
    /// - Returns: `nil` when the text is not wholly of this form.
    static func list(_ text: String) -> [String]? {
        let bytes = Array(text.utf8)
        var position = 0
        var values: [String] = []
        func skipSpace() {
            while position < bytes.count, bytes[position] == 0x20 { position += 1 }
        }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\""),
                let (content, end) = unquoted(bytes[position...])
            else { return nil }
            values.append(content)
            position = end
            skipSpace()
            if position == bytes.count { return values }
            guard bytes[position] == UInt8(ascii: ",") else { return nil }
            position += 1
        }
    }
}
