import Engine
import Primitives

/// Reads texts as filters, and says what is wrong with how one was read.
package enum FilterFuzzer {
    /// The least that must hold of every text.
    ///
    /// The normal form of a filter reads as the same filter, and is its own normal form; an error
    /// has a place in the text, and a caret line.
    ///
    /// - Parameters:
    ///   - text: Any text.
    ///   - isCorrect: Whether an error is a problem.
    ///   - charactersMax: How long the text may be.
    /// - Returns: What is wrong; `nil` when nothing is.
    package static func problem(
        in text: String,
        isCorrect: Bool = false,
        charactersMax: Int = Limits.filterCharactersMax
    ) -> String? {
        do throws(FilterErrors) {
            let filter = try CheckedFilter(
                parsing: text,
                against: FilterSample.schemas,
                charactersMax: charactersMax
            )
            let normal = "\(filter.expression)"
            let again = try CheckedFilter(
                parsing: normal,
                against: FilterSample.schemas,
                charactersMax: .max
            )
            return again == filter && "\(again.expression)" == normal
                ? nil : "another filter as \(normal)"
        } catch {
            return isCorrect ? "\(error.all)" : problem(of: error, in: text)
        }
    }

    private static func problem(of errors: FilterErrors, in text: String) -> String? {
        guard (1...Limits.filterErrorsMax).contains(errors.all.count) else {
            return "\(errors.all.count) errors"
        }
        for one in errors.all {
            guard (0...text.utf8.count).contains(one.offset),
                one.count >= 0, one.offset + one.count <= text.utf8.count
            else { return "a place outside" }
            let lines = one.caretLines(in: text)
            guard lines.count == 2, lines[0].count <= 76, lines[1].hasSuffix("^") else {
                return "a caret line \(lines)"
            }
        }
        return nil
    }
}
