package import Engine
package import Primitives

/// Random records for the schemas of `FilterSample`: few values, so that conditions hold often.
///
/// A record that is not `isGrown` has no values of the columns that `RandomShop` adds later.
package struct FilterFacts {
    package var generator: FilterGenerator
    private let now: Timestamp

    package init(seed: UInt64, now: Timestamp) {
        generator = FilterGenerator(seed: seed, now: now)
        self.now = now
    }

    /// An item with random properties, nulls among them; some have fewer columns than the schema.
    package mutating func item(_ id: String, _ isGrown: Bool = true) -> EntityRecord {
        var values = [text(), parts(), text(), double(), integer()]
        if isGrown { values += [boolean(), .string("a")] }
        if generator.below(8) == 0 { values.removeLast(generator.below(values.count)) }
        return EntityRecord(
            id: id,
            properties: RecordProperties(values: values),
            createdAt: generator.below(4) == 0 ? nil : instant()
        )
    }

    package mutating func user(_ id: String, _ isGrown: Bool = true) -> EntityRecord {
        let values = [small(), parts(), double()] + (isGrown ? [boolean()] : [])
        return EntityRecord(id: id, properties: RecordProperties(values: values))
    }

    /// An action of the columns VALUE, KIND and REPEAT_FREQUENCY.
    package mutating func action(_ id: String) -> EntityRecord {
        EntityRecord(
            id: id,
            properties: RecordProperties(values: [small(), parts(), .null])
        )
    }

    package mutating func event(with itemID: String, _ isGrown: Bool = true) -> EventRecord {
        let values = [parts()] + (isGrown ? [double()] : [])
        return EventRecord(
            eventType: generator.oneOf(["view", "View", "purchase", "click", "a \"b\""]),
            eventValue: generator.oneOf([nil, 0, 1, 2.5, 3]),
            itemID: itemID,
            occurredAt: instant(),
            properties: RecordProperties(values: generator.oneOf([[], values]))
        )
    }

    private mutating func text() -> PropertyValue {
        generator.below(5) == 0 ? .null : .string(generator.oneOf(FilterGenerator.words))
    }

    private mutating func parts() -> PropertyValue {
        if generator.below(5) == 0 { return .null }
        let parts = (0...generator.below(3)).map { _ in generator.oneOf(FilterGenerator.words) }
        return .string(parts.joined(separator: "|"))
    }

    private mutating func double() -> PropertyValue {
        generator.oneOf([.null, .double(0), .double(1), .double(2.5), .double(-1), .double(1e300)])
    }

    private mutating func integer() -> PropertyValue {
        generator.oneOf([
            .null, .integer(0), .integer(1), .integer(2), .integer(9_007_199_254_740_993),
            .integer(9_007_199_254_740_992), .integer(.max), .integer(.min),
            .integer(now.milliseconds / 1_000),
        ])
    }

    private mutating func small() -> PropertyValue {
        generator.oneOf([.null, .integer(0), .integer(1), .integer(2), .integer(3)])
    }

    private mutating func boolean() -> PropertyValue {
        generator.oneOf([.null, .boolean(true), .boolean(false)])
    }

    /// Within ten days of now, now and the days' borders among them.
    private mutating func instant() -> Timestamp {
        let days = Int64(generator.below(21) - 10)
        let rest = generator.oneOf([0, 0, 1, 500, -1])
        return Timestamp(milliseconds: now.milliseconds + days * 86_400_000 + Int64(rest))
    }
}
