import Primitives
import Resources

extension FilterRun {
    /// The items of which the user's history has interactions as the group wants them.
    ///
    /// O(history); the tests of an event are made ready before the first is looked at.
    func items(of group: InteractionGroup) -> Outcome {
        let tests = group.tests.filter { !isOmitted($0.predicate) }
        let counts = group.counts.filter { !isOmitted($0) }
        if tests.isEmpty && counts.isEmpty { return .nothing }
        guard group.dataset == .interactions else { return .none }
        var matcher = EventMatcher(tests, self)
        return counts.isEmpty ? anyMatch(&matcher) : counted(&matcher, counts)
    }

    /// What the group says of an item that no interaction is about.
    func truthWithoutInteractions(of group: InteractionGroup) -> Bool? {
        let counts = group.counts.filter { !isOmitted($0) }
        if counts.isEmpty && group.tests.allSatisfy({ isOmitted($0.predicate) }) { return nil }
        return group.dataset == .interactions && !counts.isEmpty
            && passes(0, resolved(counts))
    }

    private func resolved(_ counts: [FilterPredicate]) -> [ResolvedPredicate] {
        let info = FilterColumnInfo(place: .eventValue, type: .number)
        return counts.map { resolver.resolve($0, of: info) }
    }

    private func passes(_ count: Int, _ predicates: [ResolvedPredicate]) -> Bool {
        predicates.allSatisfy { $0.holds(.number(FilterNumber(Int64(count)))) }
    }

    private func anyMatch(_ matcher: inout EventMatcher) -> Outcome {
        let index = scratch.borrow(wordCount: wordCount)
        let history = scratch.history
        if let types = matcher.onlyTypes {
            scratch.change(index) { EventMatcher.mark(history.entries, types, &$0) }
            return .items(index)
        }
        scratch.change(index) { words in
            for place in history.entries.indices {
                let entry = history.entries[place]
                let word = Int(entry.item >> 6)
                if matcher.matches(entry, place, history), word < words.count {
                    words[word] |= 1 << UInt64(entry.item & 63)
                }
            }
        }
        return .items(index)
    }

    /// With a condition on how many there are; items without any count 0.
    private func counted(
        _ matcher: inout EventMatcher,
        _ counts: [FilterPredicate]
    ) -> Outcome {
        let predicates = resolved(counts)
        let history = scratch.history
        var items: [UInt32] = []
        for place in history.entries.indices {
            let entry = history.entries[place]
            if matcher.matches(entry, place, history) { items.append(entry.item) }
        }
        items.sort()
        let isOfRest = passes(0, predicates)
        let index = scratch.borrow(wordCount: wordCount)
        scratch.change(index) { words in
            if isOfRest { for word in words.indices { words[word] = .max } }
            var start = 0
            while start < items.count {
                let item = items[start]
                var end = start + 1
                while end < items.count, items[end] == item { end += 1 }
                let word = Int(item >> 6)
                if word < words.count, passes(end - start, predicates) != isOfRest {
                    words[word] ^= 1 << UInt64(item & 63)
                }
                start = end
            }
        }
        return .items(index)
    }
}

/// The tests of one interaction, ready for a whole history.
private struct EventMatcher {
    private struct NumberTest {
        let ranges: DisjointRanges<Double>
        let isNegated: Bool

        /// A time or a value, which are doubles; NaN is null.
        func passes(_ number: Double) -> Bool { ranges.contains(number) != isNegated }
    }

    /// By type; `nil`: any.
    private var types: [Bool]?
    private var times: [NumberTest] = []
    private var values: [NumberTest] = []
    private var columns: [(info: FilterColumnInfo, predicate: ResolvedPredicate)] = []
    /// By code of a combination of own columns: 0 unknown, 1 passes, 2 does not.
    private var verdicts: [UInt8] = []

    init(_ tests: [FilterTest], _ run: borrowing FilterRun) {
        for test in tests {
            guard let info = run.filter.checked.columns[test.column] else { continue }
            let predicate = run.resolver.resolve(test.predicate, of: info)
            switch info.place {
            case .eventType:
                let passing = run.request.group.filters.eventTypes {
                    predicate.holds(.texts([$0]))
                }
                types = types.map { zip($0, passing).map { $0 && $1 } } ?? passing
            case .timestamp: times.append(Self.numberTest(predicate))
            case .eventValue: values.append(Self.numberTest(predicate))
            case .own: columns.append((info, predicate))
            case .identifier, .creationTimestamp: break
            }
        }
    }

    private static func numberTest(_ predicate: ResolvedPredicate) -> NumberTest {
        let ranges: [NumberRange]
        switch predicate {
        case .numbers(let all, _): ranges = all
        case .anything: ranges = [.everything]
        case .texts: ranges = []
        }
        return NumberTest(
            ranges: DisjointRanges(ranges.compactMap(\.doubles)),
            isNegated: predicate.isNegated
        )
    }

    /// The types, where nothing else of an event is asked; `nil` otherwise.
    var onlyTypes: [Bool]? { times.isEmpty && values.isEmpty && columns.isEmpty ? types : nil }

    /// Sets the bits of the items of all events of these types.
    ///
    /// The loop of the commonest filter, "not what I bought", over up to 65,536 events.
    static func mark(_ entries: [PackedInteraction], _ types: [Bool], _ words: inout [UInt64]) {
        unsafe words.withUnsafeMutableBufferPointer { words in
            unsafe types.withUnsafeBufferPointer { types in
                unsafe entries.withUnsafeBufferPointer { entries in
                    for place in 0..<entries.count {
                        let entry = unsafe entries[place]
                        let type = Int(entry.type)
                        let word = Int(entry.item >> 6)
                        guard type < types.count, word < words.count, unsafe types[type] else {
                            continue
                        }
                        unsafe words[word] |= 1 << UInt64(entry.item & 63)
                    }
                }
            }
        }
    }

    mutating func matches(
        _ entry: PackedInteraction,
        _ place: Int,
        _ history: FilterHistory
    ) -> Bool {
        if let types, Int(entry.type) >= types.count || !types[Int(entry.type)] { return false }
        if !times.isEmpty {
            let time = Double(entry.milliseconds)
            for test in times where !test.passes(time) { return false }
        }
        if !values.isEmpty {
            let value = history.values.isEmpty ? Double.nan : history.values[place]
            for test in values where !test.passes(value) { return false }
        }
        if columns.isEmpty { return true }
        return passesColumns(history.properties.isEmpty ? 0 : history.properties[place], history)
    }

    private mutating func passesColumns(_ code: UInt32, _ history: FilterHistory) -> Bool {
        let index = Int(code)
        while verdicts.count <= index { verdicts.append(0) }
        if verdicts[index] == 0 {
            let row = code == 0 ? [] : history.rows[index - 1]
            let record = EntityRecord(id: "", properties: RecordProperties(values: row))
            let passes = columns.allSatisfy { $0.predicate.holds(FilterDatum(record, $0.info)) }
            verdicts[index] = passes ? 1 : 2
        }
        return verdicts[index] == 1
    }
}
