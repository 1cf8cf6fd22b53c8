import Engine
import Primitives
import TestSupport
import Testing

@Suite
struct `A wrong filter expression` {
    /// Each error as `offset+count message (hint)`.
    private func errors(_ text: String) -> [String] {
        do throws(FilterErrors) {
            _ = try CheckedFilter(parsing: text, against: FilterSample.schemas)
            return []
        } catch {
            return error.all.map { error in
                let hint = error.hint.isEmpty ? "" : " (\(error.hint))"
                return "\(error.offset)+\(error.count) \(error.message)\(hint)"
            }
        }
    }

    /// An expression begins a line; what is wrong with it follows, indented.
    private func check(_ table: String) {
        var cases: [(text: String, errors: [String])] = []
        for line in table.split(separator: "\n") {
            if line.hasPrefix("  ") {
                cases[cases.count - 1].errors.append(String(line.dropFirst(2)))
            } else {
                cases.append((String(line), []))
            }
        }
        #expect(cases.count > 20)
        for (text, expected) in cases {
            #expect(!expected.isEmpty)
            #expect(errors(text) == expected, "\(text)")
        }
    }

    @Test
    func `is refused for its words, with the place and what to write`() {
        check(Self.words)
    }

    @Test
    func `is refused for what the schemas do not have`() {
        check(Self.schemas)
    }

    @Test
    func `is refused beyond the bounds`() {
        #expect(errors("") == ["0+0 has 0 characters; 1 to 16384 are allowed"])
        let start = "INCLUDE ItemID WHERE "
        let long = start + "Items.ROOM = \"" + String(repeating: "a", count: 16_384) + "\""
        #expect(errors(long) == ["0+0 has 16420 characters; 1 to 16384 are allowed"])
        let open = String(repeating: "(", count: 64)
        let close = String(repeating: ")", count: 64)
        #expect(errors("\(start)\(open)Items.YEAR = 1\(close)").isEmpty)
        #expect(
            errors("\(start)(\(open)Items.YEAR = 1\(close))")
                == ["85+1 parentheses and NOTs are more than 64 deep"]
        )
        let nots = String(repeating: "NOT ", count: 64)
        #expect(errors("\(start)\(nots)Items.YEAR = 1").isEmpty)
        #expect(
            errors("\(start)\(nots)NOT Items.YEAR = 1")
                == ["277+3 parentheses and NOTs are more than 64 deep"]
        )
        let name = String(repeating: "N", count: 51)
        #expect(
            errors("\(start)Items.YEAR = $\(name)")
                == ["34+52 the name of a parameter has 51 characters; 50 are allowed"]
        )
        let many = (0...100).map { "Items.YEAR = $P\($0)" }.joined(separator: " OR ")
        #expect(errors(start + many) == ["2124+5 a filter of more than 100 parameters"])
        let wrong = Array(repeating: "Items.X = 1", count: 40).joined(separator: " AND ")
        #expect(errors(start + wrong).count == Limits.filterErrorsMax)
    }

    @Test
    func `of values names the parameter`() throws {
        let filter = try CheckedFilter(
            parsing: "INCLUDE ItemID WHERE Items.YEAR > $FROM AND Items.STYLE IN ($STYLES)",
            against: FilterSample.schemas
        )
        func problems(_ given: [String: [String]]) -> [String] {
            do throws(FilterErrors) {
                _ = try filter.bind(given)
                return []
            } catch {
                return error.all.map { "\($0.parameter)@\($0.offset) \($0.message) \($0.hint)" }
            }
        }
        #expect(
            problems(["STYLE": ["a"], "FROM": ["1999"]]) == [
                "STYLE@0 the filter has no parameter $STYLE; it has $FROM, $STYLES "
                    + "did you mean $STYLES?",
                "STYLES@60 $STYLES has no value; an INCLUDE needs values for it ",
            ]
        )
        #expect(
            problems(["STYLES": [], "FROM": ["old"]])
                == ["FROM@34 $FROM is \"old\"; a number is needed "]
        )
        #expect(
            problems(["STYLES": ["x"], "FROM": ["1", "2"]])
                == ["FROM@34 $FROM has 2 values; a comparison takes one "]
        )
        #expect(
            problems(["STYLES": [String(repeating: "x", count: 1_001)], "FROM": ["1"]])
                == ["STYLES@60 a value of $STYLES has 1001 characters; 1000 are allowed "]
        )
        let many = Array(repeating: "x", count: 10_001)
        #expect(
            problems(["STYLES": many, "FROM": ["1"]])
                == ["STYLES@60 $STYLES has 10001 of 10002 values; 10000 are allowed "]
        )
    }

    private static let words = #"""
        SHOW ItemID WHERE Items.YEAR = 1
          0+4 found 'SHOW'; INCLUDE or EXCLUDE begins a clause
        INCLUD ItemID WHERE Items.YEAR = 1
          0+6 found 'INCLUD'; INCLUDE or EXCLUDE begins a clause (did you mean INCLUDE?)
        INCLUDE Item WHERE Items.YEAR = 1
          8+4 found 'Item'; ItemID, UserID or ActionID says what the clause is about \#
        (did you mean ItemID?)
        INCLUDE ItemID Items.YEAR = 1
          15+5 found 'Items'; WHERE stands between the target and its conditions
        INCLUDE ItemID WHERE
          20+0 found the end; a condition begins with a column, such as Items.PRICE
        INCLUDE ItemID WHERE YEAR = 1
          21+4 found 'YEAR'; a condition begins with a column, such as Items.PRICE
        INCLUDE ItemID WHERE Item.YEAR = 1
          21+4 unknown dataset 'Item'; there are Items, Users, Actions, Interactions, \#
        Action_Interactions, CurrentUser, CurrentItem (did you mean Items?)
        INCLUDE ActionID WHERE Action.VALUE = 1
          23+6 unknown dataset 'Action'; there are Items, Users, Actions, Interactions, \#
        Action_Interactions, CurrentUser, CurrentItem (did you mean Actions?)
        INCLUDE ItemID WHERE Items = 1
          27+1 found '='; '.' and a column follow Items
        INCLUDE ItemID WHERE Items. = 1
          28+1 found '='; the name of a column follows Items.
        INCLUDE ItemID WHERE Items.YEAR
          31+0 found the end; IN, NOT IN, a comparison, BETWEEN, WITHIN or IS NULL \#
        follows a column
        INCLUDE ItemID WHERE Items.YEAR LIKE 1
          32+4 found 'LIKE'; IN, NOT IN, a comparison, BETWEEN, WITHIN or IS NULL \#
        follows a column
        INCLUDE ItemID WHERE Items.YEAR == 1 && Items.YEAR <> 2
          32+2 '==' is no operator (equality is written =)
          37+2 '&&' is no operator (write AND)
          51+2 '<>' is no operator (inequality is written !=)
        INCLUDE ItemID WHERE Items.ROOM = 'a'
          34+3 a string between ' and ' (strings stand between straight double quotes: \#
        "…")
        INCLUDE ItemID WHERE Items.ROOM = “a”
          34+7 a string between “ and ” (strings stand between straight double quotes: \#
        "…")
        INCLUDE ItemID WHERE Items.ROOM = kitchen
          34+7 found 'kitchen'; a value follows: a number, a "string", TRUE, FALSE, \#
        NOW, $NAME or a column (a string stands in quotes: "kitchen")
        INCLUDE ItemID WHERE Items.ROOM = "kitchen
          34+1 a string without an end (close it with "; a quote inside a string is \#
        doubled (""))
        INCLUDE ItemID WHERE Items.ROOM IN "kitchen"
          35+9 found the string "kitchen"; a list in parentheses follows IN (write \#
        ("kitchen"))
        INCLUDE ItemID WHERE Items.ROOM IN $ROOMS
          35+6 found the parameter $ROOMS; a list in parentheses follows IN (write \#
        ($ROOMS))
        INCLUDE ItemID WHERE Items.ROOM IN ("a" "b")
          40+3 found the string "b"; ',' or ')' goes on from here
        INCLUDE ItemID WHERE Items.ROOM IN ()
          36+1 found ')'; a value follows: a number, a "string", TRUE, FALSE, NOW, \#
        $NAME or a column
        EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (*, $T)
          50+1 found ','; ')' follows '*', which is all types (write ("*", $T))
        INCLUDE ItemID WHERE Items.ROOM IN (*)
          36+1 '*' stands for any event type; Items.ROOM is no event type (IS NOT NULL \#
        asks for any value)
        INCLUDE ItemID WHERE Items.ROOM = NULL
          34+4 found 'NULL'; nothing equals NULL (write IS NULL or IS NOT NULL)
        INCLUDE ItemID WHERE Items.ROOM NOT NULL
          36+4 found 'NULL'; IN or BETWEEN follows NOT here (a condition is negated by \#
        NOT ( … ))
        INCLUDE ItemID WHERE (Items.YEAR = 1
          21+1 a '(' without its ')'
        INCLUDE ItemID WHERE Items.YEAR = 1)
          35+1 found ')'; AND, OR, IF or | goes on from here (there is no '(' for it)
        INCLUDE ItemID WHERE Items.YEAR = 1 UND Items.YEAR = 2
          36+3 found 'UND'; AND, OR, IF or | goes on from here (did you mean AND?)
        INCLUDE ItemID WHERE Items.YEAR = 1 ADN Items.YEAR = 2
          36+3 found 'ADN'; AND, OR, IF or | goes on from here (did you mean AND?)
        INCLUDE ItemID WHERE Items.YEAR BETWEEN 1, 2
          41+1 found ','; AND and the upper bound follow BETWEEN and the lower one
        INCLUDE ItemID WHERE Items.YEAR > $
          34+1 '$' without a name (a parameter is written $NAME)
        INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP WITHIN 30
          55+0 found the end; DAYS, HOURS or MINUTES follows the number of a span
        INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP WITHIN 3.5 DAYS
          53+8 a span of 3.5 DAYS; a whole number up to 36525 is allowed
        INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP WITHIN 99999999 DAYS
          53+13 a span of 99999999 DAYS; a whole number up to 36525 is allowed
        INCLUDE ItemID WHERE Items.YEAR = 1 | EXCLUDE UserID WHERE Users.AGE = 1
          38+34 a clause about UserID in a chain about ItemID; all clauses of a chain \#
        have one target
        INCLUDE ItemID WHERE Items.YEAR = 1 |
          37+0 found the end; INCLUDE or EXCLUDE begins a clause
        INCLUDE ItemID WHERE Items.YEAR = 1e999
          34+5 the number 1e999 is too large
        INCLUDE ItemID WHERE Items.YEAR = 1 IF CurrentUser.AGE = 1 IF CurrentUser.AGE = \#
        2
          59+2 found 'IF'; a clause has one IF (join its conditions by AND)
        """#

    private static let schemas = #"""
        INCLUDE ItemID WHERE Items.YAER = 1
          21+10 unknown column 'YAER'; Items has ADULT, CREATION_TIMESTAMP, ITEM_ID, \#
        KIND, ROOM, STYLE, WEIGHT, YEAR (did you mean YEAR?)
        INCLUDE ItemID WHERE Items.room = "a"
          21+10 unknown column 'room'; Items has ADULT, CREATION_TIMESTAMP, ITEM_ID, \#
        KIND, ROOM, STYLE, WEIGHT, YEAR (did you mean ROOM?)
        INCLUDE ItemID WHERE Items.TEXT = "a"
          21+10 Items.TEXT: a textual column can't be filtered on
        INCLUDE ActionID WHERE Actions.REPEAT_FREQUENCY = 1
          23+24 Actions.REPEAT_FREQUENCY: it is applied to every answer by itself
        INCLUDE ItemID WHERE Items.ROOM = 5
          34+1 the number 5 for Items.ROOM, which holds strings (write "5")
        INCLUDE ItemID WHERE Items.YEAR = "new"
          34+5 the string "new" for Items.YEAR, which holds numbers
        INCLUDE ItemID WHERE Items.ROOM > "a"
          21+10 > on Items.ROOM, which holds strings; it needs a column of numbers or \#
        instants (use IN, NOT IN, = or !=)
        INCLUDE ItemID WHERE Items.ADULT = 1
          35+1 the number 1 for Items.ADULT, which holds TRUE and FALSE (write TRUE or \#
        FALSE)
        INCLUDE ItemID WHERE Items.ADULT BETWEEN TRUE AND FALSE
          21+11 BETWEEN on Items.ADULT, which holds TRUE and FALSE; it needs a column \#
        of numbers or instants (use IN, NOT IN, = or !=)
        INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP > "2024-01-01"
          48+12 the string "2024-01-01" for Items.CREATION_TIMESTAMP, which holds \#
        instants in epoch seconds (write NOW - 7 DAYS, or epoch seconds)
        INCLUDE ItemID WHERE Items.YEAR WITHIN 3 DAYS
          21+10 WITHIN on Items.YEAR, which holds numbers; it needs a column of \#
        instants (write Items.YEAR >= NOW - …)
        INCLUDE ItemID WHERE Items.ROOM = NOW
          34+3 NOW for Items.ROOM, which holds strings
        INCLUDE ItemID WHERE Users.AGE > 3
          21+9 Users.AGE in a filter of ItemID, which is about Items and Interactions \#
        (did you mean CurrentUser?)
        INCLUDE UserID WHERE CurrentUser.AGE > 3
          21+15 CurrentUser.AGE in a filter of UserID, which no user and no item asks \#
        for (did you mean Users.AGE?)
        INCLUDE ActionID WHERE Interactions.EVENT_TYPE IN ("a")
          23+23 Interactions in a filter of ActionID, which is about Actions and \#
        Action_Interactions (did you mean Action_Interactions?)
        INCLUDE ItemID WHERE Items.YEAR = 1 IF Items.YEAR = 2
          39+10 Items.YEAR in an IF part; it is about CurrentUser only
        INCLUDE ItemID WHERE Items.YEAR = 1 IF Users.AGE = 2
          39+9 Users.AGE in an IF part; it is about CurrentUser only (did you mean \#
        CurrentUser.AGE?)
        INCLUDE ItemID WHERE Items.YEAR = 1 IF Interactions.COUNT > 2
          39+22 Interactions in an IF part; it is about CurrentUser only (join the \#
        condition by AND, before the IF)
        INCLUDE ItemID WHERE CurrentUser.BUDGET > Items.WEIGHT
          42+12 Items.WEIGHT on the right of CurrentUser.BUDGET; only columns of \#
        CurrentUser, CurrentItem and the same record can stand there (write \#
        Items.WEIGHT on the left)
        INCLUDE ItemID WHERE Items.ROOM = CurrentUser.AGE
          34+15 CurrentUser.AGE holds numbers, Items.ROOM strings
        INCLUDE ItemID WHERE Items.YEAR = $P AND Items.ROOM IN ($P)
          56+2 $P stands for a string here and for a number before (give them different \#
        names)
        INCLUDE ItemID WHERE Interactions.COUNT > NOW
          42+3 NOW for COUNT, which is compared with numbers and parameters
        INCLUDE ItemID WHERE Interactions.COUNT IS NULL
          21+26 COUNT is a number; a comparison, IN ( … ) or BETWEEN follows it
        INCLUDE ItemID WHERE Items.COLOUR = 1 AND Items.YEAR > "x" OR Items.ROOM LIKE 3
          21+12 unknown column 'COLOUR'; Items has ADULT, CREATION_TIMESTAMP, ITEM_ID, \#
        KIND, ROOM, STYLE, WEIGHT, YEAR
          55+3 the string "x" for Items.YEAR, which holds numbers
          73+4 found 'LIKE'; IN, NOT IN, a comparison, BETWEEN, WITHIN or IS NULL \#
        follows a column
        """#
}
