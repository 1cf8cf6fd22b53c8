import Control
import Resources
import Testing

private let interactionFields = #"""
    {"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},
    {"name":"TIMESTAMP","type":"long"}
    """#

private func schema(
    _ fields: String,
    name: String = "Interactions",
    type: String = "record"
)
    -> String
{
    #"{"type":"\#(type)","name":"\#(name)","fields":[\#(fields)],"version":"1.0"}"#
}

private func violations(_ document: String) -> [String] {
    do throws(Refusal) {
        _ = try AvroSchemaParser.parse(document)
        return []
    } catch {
        return error.violations.map { "\($0.field): \($0.description)" }
    }
}

@Suite
struct `A schema document` {
    @Test
    func `is read field by field`() throws {
        let parsed = try AvroSchemaParser.parse(
            schema(
                interactionFields
                    + #",{"name":"DEVICE","type":["null","string"],"categorical":true}"#
            )
        )
        #expect(parsed.kind == .interactions)
        #expect(
            parsed.fields.last
                == SchemaField(name: "DEVICE", type: .string, isNullable: true, isCategorical: true)
        )
    }

    /// The fields behind the three required ones, and what is said of them.
    @Test(arguments: [
        (
            #"{"name":"1X","type":"int"}"#,
            "schema.fields[3].name: is \"1X\"; a name has 1 to 150 letters, digits and '_', not "
                + "beginning with a digit"
        ),
        (
            #"{"name":"A","type":"array"}"#,
            "schema.fields[3].type: is \"array\"; allowed are string, int, long, float, double, "
                + "boolean, or a union of one of them and null"
        ),
        (
            #"{"name":"A","type":{"type":"map"}}"#,
            "schema.fields[3].type: is an object; records are flat: allowed are string, int, long, "
                + "float, double, boolean, or a union of one of them and null"
        ),
        (
            #"{"name":"A","type":["int","string"]}"#,
            "schema.fields[3].type: is a union that is not one scalar type and null; allowed are "
                + "string, int, long, float, double, boolean, or a union of one of them and null"
        ),
        (
            #"{"name":"user_id","type":"string"}"#,
            "schema.fields[3].name: 'user_id' and 'USER_ID' are the same name once case and "
                + "'_' are "
                + "left out"
        ),
        (
            #"{"name":"EVENT_VALUE","type":"string"}"#,
            "schema.fields[3].type: is string; EVENT_VALUE has the type float"
        ),
        (
            #"{"name":"EVENT_TYPE","type":["string","null"]}"#,
            "schema.fields[3].type: can't be null: EVENT_TYPE is required"
        ),
        (
            #"{"name":"EVENT_TYPE","type":"string","categorical":true}"#,
            "schema.fields[3].categorical: is not allowed on EVENT_TYPE, which is reserved"
        ),
        (
            #"{"name":"A","type":"int","categorical":true}"#,
            "schema.fields[3].categorical: is only allowed on a string, and the type is int"
        ),
        (
            #"{"name":"A","type":"string","textual":true}"#,
            "schema.fields[3].textual: is only allowed in a schema of Items"
        ),
        (
            #"{"name":"A","type":"int","default":3}"#,
            "schema.fields[3].default: is not known here; allowed are name, type, categorical, "
                + "textual, itemName, doc"
        ),
    ])
    func `is refused for a field that breaks a rule`(field: String, expected: String) {
        #expect(violations(schema(interactionFields + "," + field)).contains(expected))
    }

    @Test
    func `is refused as a whole with a reason`() {
        #expect(violations("") == ["schema: is required; give an Avro record in JSON"])
        #expect(violations("[]") == ["schema: is an array; an Avro record is a JSON object"])
        #expect(
            violations(String(repeating: " ", count: 20_001))
                == ["schema: has 20001 characters; at most 20000 are allowed"]
        )
        #expect(
            violations(schema(interactionFields, name: "Movies"))
                == [
                    "schema.name: is \"Movies\"; allowed are \"Interactions\", \"Items\", \"Users\""
                ]
        )
        #expect(
            violations(schema(interactionFields, type: "enum"))
                == ["schema.type: is \"enum\"; only \"record\" is allowed"]
        )
        #expect(
            violations(schema(#"{"name":"USER_ID","type":"string"}"#, name: "Users"))
                == [
                    "schema.fields: needs at least one categorical string or number beside the id"
                ]
        )
        #expect(
            violations(schema(#"{"name":"USER_ID","type":"string"}"#)).contains(
                "schema.fields: lacks ITEM_ID of type string, which is required"
            )
        )
        let six = (0..<6).map { #",{"name":"C\#($0)","type":"int"}"# }.joined()
        #expect(
            violations(schema(interactionFields + six))
                == ["schema.fields: has 6 columns beside the reserved ones; at most 5 are allowed"]
        )
    }
}
