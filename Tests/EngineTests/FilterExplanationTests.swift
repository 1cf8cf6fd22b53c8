import Engine
import Primitives
import TestSupport
import Testing

@Suite
struct `The explanation of a filter` {
    /// Of the shop of `FilterWorld`: lamp, sofa, void and rug, of which ann viewed the lamp and the
    /// rug and bought the lamp.
    private func explain(
        _ expression: String,
        user: String = "ann",
        _ values: [String: [String]] = [:]
    ) throws -> FilterExplanation {
        let world = try FilterWorld.shop()
        let group = try #require(world.engine.group(named: shop))
        let scratch = FilterScratch()
        let (_, record) = user.withRawSpan {
            group.copyHistory(of: $0, .user, into: scratch.history)
        }
        let filter = try CheckedFilter(parsing: expression, against: world.filterSchemas)
        let request = FilterRequest(
            group: group,
            root: group.currentRoot,
            arguments: try filter.bind(values),
            nowMS: 1_000_000,
            user: record
        )
        return filter.explanation(request, scratch)
    }

    @Test
    func `counts what each condition and each clause leaves`() throws {
        let found = try explain(
            "INCLUDE ItemID WHERE Items.PRICE > 1 AND Items.YEAR > 2000 "
                + "| INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (\"view\") "
                + "| EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (\"purchase\")"
        )
        #expect(found.candidateCount == 4)
        #expect(found.clauses.map { $0.steps.map(\.matchCount) } == [[2, 1], [2], [1]])
        #expect(found.clauses.map(\.eligibleCount) == [1, 3, 2])
        #expect(found.eligibleCount == 2)
        #expect(
            found.clauses[0].steps.map(\.text) == ["Items.PRICE > 1", "Items.YEAR > 2000"]
        )
        #expect(found.clauses.map(\.isEffective) == [true, true, true])
    }

    @Test
    func `says which clauses do nothing`() throws {
        let young = "INCLUDE ItemID WHERE Items.PRICE > 100 IF CurrentUser.AGE < 18"
        let found = try explain(young)
        #expect(!found.clauses[0].isEffective)
        #expect(found.clauses[0].steps[0].matchCount == 1)
        #expect(found.eligibleCount == 4)
        let open = "EXCLUDE ItemID WHERE Items.PRICE > $MIN AND Items.YEAR > 1"
        let without = try explain(open)
        #expect(without.clauses[0].steps.map(\.isOmitted) == [true, false])
        #expect(without.clauses[0].isEffective)
        #expect(without.eligibleCount == 2)
        let with = try explain(open, ["MIN": ["100"]])
        #expect(with.clauses[0].steps.map(\.matchCount) == [1, 1])
        #expect(with.eligibleCount == 3)
        let nothing = try explain("EXCLUDE ItemID WHERE Items.PRICE > $MIN")
        #expect(!nothing.clauses[0].isEffective)
        #expect(nothing.eligibleCount == 4)
    }
}
