import Engine
import Resources
import TestSupport
import Testing

@Suite
struct `The filter language` {
    /// Reads `text` and compares its normal form; the normal form reads as the same expression.
    private func check(
        _ text: String,
        _ normal: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do throws(FilterErrors) {
            let filter = try CheckedFilter(parsing: text, against: FilterSample.schemas)
            let parsed = try FilterExpression(parsing: text)
            #expect("\(parsed)" == normal ?? text, sourceLocation: sourceLocation)
            let again = try FilterExpression(parsing: "\(parsed)")
            #expect(again == parsed, sourceLocation: sourceLocation)
            let checkedAgain = try CheckedFilter(
                parsing: "\(filter.expression)",
                against: FilterSample.schemas
            )
            #expect(checkedAgain == filter, sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(text): \(error.all)", sourceLocation: sourceLocation)
        }
    }

    /// Those that it is sure of are in `FilterShapeTests.swift`.
    @Test
    func `has every form of which the guide is not sure`() {
        check("INCLUDE UserId WHERE Users.AGE >= 18", "INCLUDE UserID WHERE Users.AGE >= 18")
        check("EXCLUDE ItemID WHERE Items.ROOM IN (\"a\") IF CurrentUser.TIER = $PREMIUM")
        check(
            #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click, rating")"#
        )
    }

    @Test
    func `keeps the parameters beside a star`() {
        let types = "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE"
        check("\(types) IN (\"*\", \"view\")", "\(types) IN (*)")
        check("\(types) IN (\"*\", $T)")
        check("\(types) NOT IN ($T, \"view\", \"*\", $U)", "\(types) NOT IN (\"*\", $T, $U)")
        check("\(types) = \"*\"")
    }

    @Test
    func `adds what the guide lacks`() {
        check("INCLUDE ItemID WHERE NOT (Items.ADULT = TRUE)")
        check(
            "include itemid where not items.ADULT = true",
            "INCLUDE ItemID WHERE NOT (Items.ADULT = TRUE)"
        )
        check("INCLUDE ItemID WHERE Items.ADULT != FALSE OR Items.ADULT IS NULL")
        check(
            "INCLUDE ItemID WHERE (Items.WEIGHT > 1 OR Items.YEAR > 2) AND Items.ROOM IS NOT NULL"
        )
        check("INCLUDE ItemID WHERE Items.YEAR BETWEEN 1990 AND $LAST")
        check("INCLUDE ItemID WHERE Items.YEAR NOT BETWEEN -5 AND 0.25 AND Items.WEIGHT >= 1e+30")
        check(#"EXCLUDE ItemID WHERE Items.STYLE NOT IN ($A, "b", $C)"#)
        check("INCLUDE ItemID WHERE Items.YEAR IN (1999, 2000, $Y)")
        check("INCLUDE ItemID WHERE Items.WEIGHT < CurrentUser.BUDGET")
        check("INCLUDE ItemID WHERE CurrentUser.ADULT = TRUE OR Items.ADULT = FALSE")
        check("INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > NOW - 7 DAYS")
        check(
            "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP WITHIN 24 HOURS",
            "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP WITHIN 1 DAY"
        )
        check("INCLUDE ItemID WHERE Items.YEAR < NOW + 90 MINUTES AND Items.YEAR > NOW")
        check(
            #"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE = "view" AND "#
                + "Interactions.TIMESTAMP WITHIN 30 DAYS AND Interactions.EVENT_VALUE >= 4.5"
        )
        check(
            "EXCLUDE ItemID WHERE Interactions.DEVICE IN ($D) AND Interactions.COUNT >= 2"
        )
        check("INCLUDE ItemID WHERE Interactions.COUNT = 0")
        check("INCLUDE ItemID WHERE Items.YEAR = CurrentItem.YEAR AND Items.ITEM_ID NOT IN ($I)")
        check(
            "EXCLUDE ItemID WHERE Items.WEIGHT > 1 IF NOT (CurrentUser.AGE > 1 OR "
                + "CurrentUser.AGE IS NULL)"
        )
    }

    @Test
    func `gives AND more weight than OR`() {
        check(
            "INCLUDE ItemID WHERE Items.YEAR = 1 OR Items.YEAR = 2 AND Items.WEIGHT = 3",
            "INCLUDE ItemID WHERE Items.YEAR = 1 OR Items.YEAR = 2 AND Items.WEIGHT = 3"
        )
        check(
            "INCLUDE ItemID WHERE Items.YEAR = 1 OR (Items.YEAR = 2 AND Items.WEIGHT = 3)",
            "INCLUDE ItemID WHERE Items.YEAR = 1 OR Items.YEAR = 2 AND Items.WEIGHT = 3"
        )
        check(
            "INCLUDE ItemID WHERE ((Items.YEAR = 1 AND (Items.YEAR = 2 AND (Items.YEAR = 3))))",
            "INCLUDE ItemID WHERE Items.YEAR = 1 AND Items.YEAR = 2 AND Items.YEAR = 3"
        )
        check(
            "INCLUDE ItemID WHERE NOT NOT NOT (NOT (Items.YEAR = 1))",
            "INCLUDE ItemID WHERE Items.YEAR = 1"
        )
    }

    @Test
    func `takes conditions joined by AND as about one interaction`() throws {
        let view = #"Interactions.EVENT_TYPE IN ("view")"#
        let high = "Interactions.EVENT_VALUE > 3"
        func groups(_ condition: String) throws -> FilterCondition {
            let text = "EXCLUDE ItemID WHERE \(condition)"
            let expression = try FilterExpression(parsing: text)
            #expect(try FilterExpression(parsing: "\(expression)") == expression)
            return expression.clauses[0].condition
        }
        guard case .interactions(let both) = try groups("\(view) AND \(high)") else {
            Issue.record("one group")
            return
        }
        #expect(both.tests.count == 2)
        // An item condition between them does not part them.
        #expect(
            try groups("\(view) AND Items.YEAR = 1 AND \(high)")
                == groups("\(view) AND \(high) AND Items.YEAR = 1")
        )
        // Parentheses do.
        guard case .and(let two) = try groups("(\(view)) AND (\(high))") else {
            Issue.record("two groups")
            return
        }
        #expect(two.count == 2)
        #expect(try groups("(\(view)) AND \(high)") == groups("\(view) AND (\(high))"))
        #expect(try groups("((\(view) AND \(high)))") == groups("\(view) AND \(high)"))
        // OR asks for either, whoever it is about; NOT is about a group of its own.
        guard case .or = try groups("\(view) OR \(high)") else {
            Issue.record("two alternatives")
            return
        }
        #expect(try groups("\(view) AND NOT \(high)") == groups("\(view) AND NOT (\(high))"))
    }

    @Test
    func `keeps strings as they are`() throws {
        func read(_ quoted: String) throws -> String {
            let text = "INCLUDE ItemID WHERE Items.ROOM IN (\(quoted))"
            let expression = try FilterExpression(parsing: text)
            #expect(try FilterExpression(parsing: "\(expression)") == expression)
            guard case .test(let test) = expression.clauses[0].condition,
                case .isIn(.members(let members), _) = test.predicate,
                case .literal(.string(let content)) = members[0].value
            else { return "-" }
            return content
        }
        #expect(try read(#""a|b""#) == "a|b")
        #expect(try read(#""say ""hi""""#) == #"say "hi""#)
        #expect(try read(#""say \"hi\"""#) == #"say "hi""#)
        #expect(try read(#""C:\dir""#) == #"C:\dir"#)
        #expect(try read(#""C:\\""#) == #"C:\"#)
        #expect(try read(#""a\\b""#) == #"a\\b"#)
        #expect(try read("\"ü\n\u{1F426}\"") == "ü\n\u{1F426}")
        #expect(try read("\"\"").isEmpty)
    }

    @Test
    func `knows what a request must bring`() throws {
        func filter(_ text: String) throws -> CheckedFilter {
            try CheckedFilter(parsing: text, against: FilterSample.schemas)
        }
        let simple = try filter("INCLUDE ItemID WHERE Items.YEAR > $FROM AND Items.YEAR IN ($Y)")
        #expect(!simple.needsUser && !simple.needsItem && !simple.usesNow)
        #expect(simple.parameters.map(\.name) == ["FROM", "Y"])
        #expect(simple.parameters.map(\.isList) == [false, true])
        #expect(simple.parameters.allSatisfy { $0.isRequired && $0.type == .number })
        let excluding = try filter("EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($T)")
        #expect(excluding.needsUser && !excluding.parameters[0].isRequired)
        #expect(try filter("INCLUDE ItemID WHERE Items.YEAR = CurrentItem.YEAR").needsItem)
        #expect(try filter("INCLUDE ItemID WHERE Items.YEAR > NOW").usesNow)
        #expect(try !filter("EXCLUDE UserID WHERE Interactions.COUNT > 2").needsUser)
        #expect(
            simple.columns[FilterColumn(.items, "YEAR")]
                == FilterColumnInfo(place: .own(4), type: .number)
        )
    }

    @Test
    func `takes the values of its parameters`() throws {
        let filter = try CheckedFilter(
            parsing: "INCLUDE ItemID WHERE Items.STYLE IN ($S) AND Items.YEAR > $Y "
                + "AND Items.ADULT = $A AND Items.CREATION_TIMESTAMP > $T",
            against: FilterSample.schemas
        )
        var given = ["S": ["a", "b,c"], "Y": ["2000"], "A": ["true"], "T": ["1.5"]]
        #expect(
            try filter.bind(given).values == [
                "S": [.string("a"), .string("b,c")], "Y": [.number(FilterNumber(Int64(2000)))],
                "A": [.boolean(true)], "T": [.instantMS(1_500)],
            ]
        )
        given["S"] = [#""a", "b ""c""""#]
        given["Y"] = [#""2000""#]
        #expect(try filter.bind(given).values["S"] == [.string("a"), .string(#"b "c""#)])
        #expect(
            try filter.bind(given).values["Y"] == [.number(FilterNumber(Int64(2000)))]
        )
        given["S"] = [#""a" and b"#, "\"", ""]
        #expect(
            try filter.bind(given).values["S"]
                == [.string(#""a" and b"#), .string("\""), .string("")]
        )
        given["S"] = []
        #expect(try filter.bind(given).values["S"] == [])
    }

    @Test
    func `has one form for literals that differ in spelling only`() throws {
        let filter = try CheckedFilter(
            parsing: #"INCLUDE ItemID WHERE Items.ADULT IN (TRUE, "True") AND "#
                + #"Items.YEAR IN (1, "1", 1e0) AND Items.CREATION_TIMESTAMP IN ("5.50", 5.5)"#,
            against: FilterSample.schemas
        )
        #expect(
            "\(filter.expression)" == "INCLUDE ItemID WHERE Items.ADULT IN (TRUE) AND "
                + "Items.YEAR IN (1) AND Items.CREATION_TIMESTAMP IN (5.5)"
        )
    }

    @Test
    func `drops the conditions whose parameters were omitted`() throws {
        func rest(_ condition: String, without omitted: Set<String>) throws -> String {
            let text = "EXCLUDE ItemID WHERE \(condition)"
            let filter = try CheckedFilter(parsing: text, against: FilterSample.schemas)
            let rest = filter.expression.clauses[0].condition.without { omitted.contains($0) }
            return rest.map(\.description) ?? "-"
        }
        let both = "Items.YEAR > $A AND Items.WEIGHT > $B"
        #expect(try rest(both, without: []) == both)
        #expect(try rest(both, without: ["A"]) == "Items.WEIGHT > $B")
        #expect(try rest(both, without: ["A", "B"]) == "-")
        #expect(
            try rest("Items.YEAR IN (1, $A) OR NOT (Items.YEAR = $B)", without: ["A"])
                == "NOT (Items.YEAR = $B)"
        )
        #expect(
            try rest(
                "Interactions.EVENT_TYPE IN ($A) AND Interactions.COUNT >= 2",
                without: ["A"]
            ) == "Interactions.COUNT >= 2"
        )
    }
}
