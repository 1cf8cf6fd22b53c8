import Primitives
import Resources

/// A text that equals another byte by byte; `String` also takes two spellings of an accent as one.
struct ExactText: Hashable {
    let text: String

    static func == (left: Self, right: Self) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// A value as filters compare it: booleans are 0 and 1, instants are milliseconds.
enum FilterDatum: Hashable {
    case null
    /// The parts of a multi-valued text, or the one text.
    case texts([String])
    case number(FilterNumber)

    init(_ value: PropertyValue, _ type: FilterType) {
        switch (value, type) {
        case (.string(let text), .text(isMultiValued: true)):
            let parts = text.split(separator: "|", omittingEmptySubsequences: false)
            self = .texts(parts.map { String($0) })
        case (.string(let text), .text(isMultiValued: false)): self = .texts([text])
        case (.integer(let number), .number): self = .number(FilterNumber(number))
        case (.double(let number), .number):
            self = FilterNumber(number).map { .number($0) } ?? .null
        case (.boolean(let flag), .boolean): self = .number(FilterNumber(flag ? 1 : 0))
        default: self = .null
        }
    }

    /// What a column of a user's or an item's record holds.
    init(_ record: EntityRecord?, _ info: FilterColumnInfo) {
        guard let record else {
            self = .null
            return
        }
        switch info.place {
        case .identifier: self = .texts([record.id])
        case .creationTimestamp:
            self = record.createdAt.map { .number(FilterNumber($0.milliseconds)) } ?? .null
        case .own(let place):
            let values = record.properties.values
            self = place < values.count ? FilterDatum(values[place], info.type) : .null
        case .eventType, .eventValue, .timestamp: self = .null
        }
    }
}

/// Numbers between two bounds.
struct NumberRange: Hashable {
    struct Bound: Hashable {
        var value: FilterNumber
        var isIncluded: Bool
    }

    /// `nil`: no bound.
    var lower: Bound?
    var upper: Bound?

    static let everything = NumberRange()

    init(lower: Bound? = nil, upper: Bound? = nil) {
        self.lower = lower
        self.upper = upper
    }

    init(_ comparison: FilterComparison, _ value: FilterNumber) {
        let included = Bound(value: value, isIncluded: true)
        let excluded = Bound(value: value, isIncluded: false)
        switch comparison {
        case .equal, .notEqual: self.init(lower: included, upper: included)
        case .less: self.init(upper: excluded)
        case .lessOrEqual: self.init(upper: included)
        case .greater: self.init(lower: excluded)
        case .greaterOrEqual: self.init(lower: included)
        }
    }

    func contains(_ number: FilterNumber) -> Bool {
        if let lower {
            guard lower.value < number || (lower.isIncluded && lower.value == number) else {
                return false
            }
        }
        if let upper {
            guard number < upper.value || (upper.isIncluded && upper.value == number) else {
                return false
            }
        }
        return true
    }

    /// The same for numbers that are integers; `nil` when no integer is in it.
    var wholes: ClosedRange<Int64>? {
        var low = Int64.min
        var high = Int64.max
        if let lower {
            switch lower.value {
            case .integer(let value):
                if !lower.isIncluded && value == .max { return nil }
                low = lower.isIncluded ? value : value + 1
            case .fraction(let value):
                if value >= 0x1p63 { return nil }
                if value >= -0x1p63 { low = Int64(value.rounded(.up)) }
            }
        }
        if let upper {
            switch upper.value {
            case .integer(let value):
                if !upper.isIncluded && value == .min { return nil }
                high = upper.isIncluded ? value : value - 1
            case .fraction(let value):
                if value < -0x1p63 { return nil }
                if value < 0x1p63 { high = Int64(value.rounded(.down)) }
            }
        }
        return low <= high ? low...high : nil
    }

    /// The same for numbers that are doubles; `nil` when no double is in it.
    var doubles: ClosedRange<Double>? {
        var low = -Double.infinity
        var high = Double.infinity
        if let lower {
            // A bound of 64 bits may lie between two doubles.
            let rounded = lower.value.rounded
            let place = FilterNumber(rounded) ?? lower.value
            low = place < lower.value ? rounded.nextUp : rounded
            if place == lower.value && !lower.isIncluded { low = rounded.nextUp }
        }
        if let upper {
            let rounded = upper.value.rounded
            let place = FilterNumber(rounded) ?? upper.value
            high = upper.value < place ? rounded.nextDown : rounded
            if place == upper.value && !upper.isIncluded { high = rounded.nextDown }
        }
        return low <= high ? low...high : nil
    }
}

/// A predicate whose right-hand side is known.
enum ResolvedPredicate: Hashable {
    /// Any part is one of these.
    case texts([String], isNegated: Bool)
    case numbers([NumberRange], isNegated: Bool)
    /// Not null.
    case anything(isNegated: Bool)

    func holds(_ datum: FilterDatum) -> Bool {
        switch (self, datum) {
        case (.anything(let isNegated), _): (datum != .null) != isNegated
        case (.texts(let texts, let isNegated), .texts(let parts)):
            parts.contains { part in
                texts.contains { $0.utf8.elementsEqual(part.utf8) }
            } != isNegated
        case (.numbers(let ranges, let isNegated), .number(let number)):
            ranges.contains { $0.contains(number) } != isNegated
        case (.texts(_, let isNegated), _), (.numbers(_, let isNegated), _): isNegated
        }
    }

    var isNegated: Bool {
        switch self {
        case .texts(_, let isNegated), .numbers(_, let isNegated), .anything(let isNegated):
            isNegated
        }
    }
}
