import Primitives

/// What an operator allows of filters.
///
/// Held against what comes in: filters that were created under others stay as they are.
package struct FilterQuotas: Hashable, Sendable {
    /// Characters of an expression, at most `Limits.filterCharactersMax`.
    package var charactersMax: Int
    /// Columns that one filter uses, at most `Limits.filterColumnsMax`.
    package var columnsMax: Int
    /// Filters of one group.
    package var filtersPerGroupMax: Int
    /// Values of all parameters of one request, at most `Limits.filterValuesMax`.
    package var valuesMax: Int

    package init(
        charactersMax: Int = Limits.filterCharactersMax,
        columnsMax: Int = Limits.filterColumnsMax,
        filtersPerGroupMax: Int = Limits.filtersPerGroupMax,
        valuesMax: Int = Limits.filterValuesMax
    ) {
        self.charactersMax = charactersMax
        self.columnsMax = columnsMax
        self.filtersPerGroupMax = filtersPerGroupMax
        self.valuesMax = valuesMax
    }
}
