package import Primitives

/// A list as it was served, under its `recommendation_id`.
package struct ServedList: Hashable, Sendable {
    package var group: GroupIndex
    /// The campaign's resource name.
    package var campaign: String
    /// What answered: a version's resource name, or a solution's before it has one.
    package var version: String
    /// What the noise of its exploration was drawn from.
    package var seed: UInt64
    /// The page before, of a list that goes on.
    package var previous: UInt64?
    package var items: [ItemIndex]
    /// The probability of each item in its slot, given those above it.
    package var propensities: [Float]

    /// A list of nothing, for nobody.
    init() {
        self.init(
            group: GroupIndex(0),
            campaign: "",
            version: "",
            seed: 0,
            items: [],
            propensities: []
        )
    }

    package init(
        group: GroupIndex,
        campaign: String,
        version: String,
        seed: UInt64,
        previous: UInt64? = nil,
        items: [ItemIndex],
        propensities: [Float]
    ) {
        self.group = group
        self.campaign = campaign
        self.version = version
        self.seed = seed
        self.previous = previous
        self.items = items
        self.propensities = propensities
    }
}

/// The name of a served list: `RID-` and 32 hexadecimal digits in the form of a UUID.
///
/// The first half is the list's number, the second a keyed hash of it: nobody can name a list that
/// was not served to them.
struct RecommendationID {
    static func text(_ number: UInt64, _ hash: StableHash) -> HexText {
        let seal = seal(number, hash)
        var text = HexText()
        for character in "RID-".unicodeScalars { text.append(character) }
        text.append(digits: 8, of: number >> 32)
        text.append("-")
        text.append(digits: 4, of: number >> 16)
        text.append("-")
        text.append(digits: 4, of: number)
        text.append("-")
        text.append(digits: 4, of: seal >> 48)
        text.append("-")
        text.append(digits: 12, of: seal)
        return text
    }

    /// The number of a list; `nil` for a text that is no name of one.
    static func number(_ text: String, _ hash: StableHash) -> UInt64? {
        guard text.hasPrefix("RID-") else { return nil }
        let digits = text.dropFirst(4).filter { $0 != "-" }
        guard digits.count == 32, let number = UInt64(digits.prefix(16), radix: 16),
            self.text(number, hash).text == text
        else { return nil }
        return number
    }

    private static func seal(_ number: UInt64, _ hash: StableHash) -> UInt64 {
        let words: InlineArray<2, UInt64> = [0x7265_636F_6D6D_656E, number]
        return unsafe hash.hash(words.span.bytes)
    }
}
