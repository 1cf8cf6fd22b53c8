import Primitives
import Resources

/// One filter for one request.
///
/// Works on bitmaps of the scratch; nothing here looks at one item at a time but what a user's
/// history names.
struct FilterRun: ~Copyable {
    /// What came of a condition.
    enum Outcome {
        /// It uses a parameter that was omitted, so that it does nothing.
        case nothing
        case all
        case none
        /// The items in a borrowed bitmap.
        case items(Int)
    }

    let filter: CompiledFilter
    let request: FilterRequest
    let scratch: FilterScratch
    let resolver: PredicateResolver
    /// 64 words a chunk, for what is evaluated by chunk.
    let wordCount: Int

    init(_ filter: CompiledFilter, _ request: borrowing FilterRequest, _ scratch: FilterScratch) {
        self.filter = filter
        self.request = copy request
        self.scratch = scratch
        resolver = PredicateResolver(
            columns: filter.checked.columns,
            arguments: request.arguments,
            nowMS: request.nowMS,
            user: request.user,
            currentItem: request.currentItem
        )
        wordCount = request.root.columnChunkCount * ItemColumn.chunkWords
    }

    /// Keeps of `words` what passes the whole chain.
    func restrict(_ words: inout [UInt64]) {
        var includes: [FilterNode] = []
        for clause in filter.clauses where clause.action == .include && isEffective(clause) {
            includes.append(clause.condition)
        }
        if includes.count == 1 {
            keep(includes[0], &words)
        } else if includes.count > 1 {
            combine(evaluate(.or(includes)), &words, isKept: true)
        }
        for clause in filter.clauses where clause.action == .exclude && isEffective(clause) {
            drop(clause.condition, &words)
        }
    }

    /// Whether the clause's IF part holds.
    func isEffective(_ clause: CompiledFilter.Clause) -> Bool {
        guard let requirement = clause.requirement else { return true }
        switch evaluate(requirement) {
        case .nothing, .all: return true
        case .none: return false
        case .items(let index):
            preconditionFailure("an IF part is about the user only; \(index)")
        }
    }

    // MARK: Straight on the candidates, where no bitmap between is needed

    func keep(_ node: FilterNode, _ words: inout [UInt64]) {
        switch node {
        case .and(let children): for child in children { keep(child, &words) }
        case .not(let child): drop(child, &words)
        case .fixed(let set):
            if case .words(let other) = set.snapshot(request.root).storage {
                Words.and(&words, other)
            } else {
                combine(evaluate(node), &words, isKept: true)
            }
        default: combine(evaluate(node), &words, isKept: true)
        }
    }

    func drop(_ node: FilterNode, _ words: inout [UInt64]) {
        switch node {
        case .or(let children): for child in children { drop(child, &words) }
        case .not(let child): keep(child, &words)
        case .fixed(let set):
            if case .words(let other) = set.snapshot(request.root).storage {
                Words.andNot(&words, other)
            } else {
                combine(evaluate(node), &words, isKept: false)
            }
        default: combine(evaluate(node), &words, isKept: false)
        }
    }

    func combine(_ outcome: Outcome, _ words: inout [UInt64], isKept: Bool) {
        switch (outcome, isKept) {
        case (.nothing, _), (.all, true), (.none, false): break
        case (.all, false), (.none, true):
            for index in words.indices { words[index] = 0 }
        case (.items(let index), true):
            Words.and(&words, scratch.bitmaps[index])
            scratch.giveBack(index)
        case (.items(let index), false):
            Words.andNot(&words, scratch.bitmaps[index])
            scratch.giveBack(index)
        }
    }

    // MARK: Trees

    func evaluate(_ node: FilterNode) -> Outcome {
        switch node {
        case .and(let children):
            return children.reduce(.nothing) { intersection($0, evaluate($1)) }
        case .or(let children):
            return children.reduce(.nothing) { union($0, evaluate($1)) }
        case .not(let child): return negation(evaluate(child))
        case .fixed(let set):
            let index = scratch.borrow(wordCount: wordCount)
            add(set, to: index)
            return .items(index)
        case .whole(let test, let parts):
            return isOmitted(test.predicate) ? .nothing : evaluate(parts)
        case .request(let test): return items(of: test)
        case .identifier(let test): return identifiers(of: test)
        case .once(let test):
            guard let predicate = predicate(test) else { return .nothing }
            return predicate.holds(once(test.column)) ? .all : .none
        case .interactions(let group): return items(of: group)
        case .column, .pair:
            preconditionFailure("what depends on items only is folded into a set")
        }
    }

    func intersection(_ left: Outcome, _ right: Outcome) -> Outcome {
        switch (left, right) {
        case (.nothing, _), (.all, .none), (.all, .all), (.all, .items): return right
        case (_, .nothing), (.none, .none), (.none, .all): return left
        case (.none, .items(let index)), (.items(let index), .none):
            scratch.giveBack(index)
            return .none
        case (.items, .all): return left
        case (.items(let first), .items(let second)):
            let other = scratch.bitmaps[second]
            scratch.change(first) { Words.and(&$0, other) }
            scratch.giveBack(second)
            return left
        }
    }

    func union(_ left: Outcome, _ right: Outcome) -> Outcome {
        switch (left, right) {
        case (.nothing, _), (.none, .all), (.none, .none), (.none, .items): return right
        case (_, .nothing), (.all, .all), (.all, .none): return left
        case (.all, .items(let index)), (.items(let index), .all):
            scratch.giveBack(index)
            return .all
        case (.items, .none): return left
        case (.items(let first), .items(let second)):
            let other = scratch.bitmaps[second]
            scratch.change(first) { Words.or(&$0, other) }
            scratch.giveBack(second)
            return left
        }
    }

    func negation(_ outcome: Outcome) -> Outcome {
        switch outcome {
        case .nothing: return .nothing
        case .all: return .none
        case .none: return .all
        case .items(let index):
            scratch.change(index) { Words.not(&$0) }
            return outcome
        }
    }

    // MARK: Leaves

    /// The test's predicate with the values of this request; `nil` when one was omitted.
    func predicate(_ test: FilterTest) -> ResolvedPredicate? {
        guard let info = filter.checked.columns[test.column] else {
            return .texts([], isNegated: false)
        }
        if isOmitted(test.predicate) { return nil }
        return resolver.resolve(test.predicate, of: info)
    }

    func isOmitted(_ predicate: FilterPredicate) -> Bool {
        predicate.parameters.contains { request.arguments.values[$0] == nil }
    }

    private func once(_ column: FilterColumn) -> FilterDatum {
        guard let info = filter.checked.columns[column] else { return .null }
        return FilterDatum(
            column.dataset == .currentItem ? request.currentItem : request.user,
            info
        )
    }

    /// On an item column: by the sets of its values, or by the index of its numbers.
    private func items(of test: FilterTest) -> Outcome {
        guard let info = filter.checked.columns[test.column] else { return .none }
        if isOmitted(test.predicate) { return .nothing }
        let predicate = resolver.resolve(test.predicate, of: info)
        let index = scratch.borrow(wordCount: wordCount)
        if case .texts(let texts, _) = predicate, case .own(let place) = info.place,
            texts.count <= Limits.indexedValuesPerListMax
        {
            for text in texts {
                add(request.group.filters.items(text, info, place, request.root), to: index)
            }
        } else {
            let columnTest = ColumnTest(info, predicate)
            let numbers = request.group.filters.numbers.index(of: columnTest.place, request.root)
            scratch.change(index) { words in
                for chunk in 0..<request.root.columnChunkCount {
                    columnTest.fill(
                        chunk,
                        request.root,
                        numbers,
                        into: &words,
                        at: chunk * ItemColumn.chunkWords
                    )
                }
            }
        }
        return predicate.isNegated ? negation(.items(index)) : .items(index)
    }

    private func identifiers(of test: FilterTest) -> Outcome {
        guard let info = filter.checked.columns[test.column] else { return .none }
        if isOmitted(test.predicate) { return .nothing }
        let predicate = resolver.resolve(test.predicate, of: info)
        guard case .texts(let ids, _) = predicate else {
            return predicate.holds(.texts([""])) ? .all : .none
        }
        let index = scratch.borrow(wordCount: wordCount)
        for id in ids {
            guard let item = id.withRawSpan({ request.group.item(withID: $0) }) else { continue }
            scratch.change(index) { words in
                let word = Int(item.rawValue / 64)
                if word < words.count { words[word] |= 1 << UInt64(item.rawValue % 64) }
            }
        }
        return predicate.isNegated ? negation(.items(index)) : .items(index)
    }

    /// Adds a set to a borrowed bitmap.
    private func add(_ set: ItemSet, to index: Int) {
        switch set.snapshot(request.root).storage {
        case .words(let words): scratch.change(index) { Words.or(&$0, words) }
        case .members(let members):
            scratch.change(index) { words in
                for member in members {
                    words[Int(member / 64)] |= 1 << UInt64(member % 64)
                }
            }
        }
    }
}
