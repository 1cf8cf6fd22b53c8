import Engine
import Primitives
import Resources
import TestSupport

let now = World.now
let shop = World.group

typealias Question = World.Question

func header(_ name: String) -> ResourceHeader { World.header(name) }

func event(
    _ item: String,
    _ second: Int64,
    id: String = "",
    value: Double? = nil
) -> EventRecord {
    EventRecord(
        eventID: id,
        eventType: "Click",
        eventValue: value,
        itemID: item,
        occurredAt: Timestamp(milliseconds: second * 1_000)
    )
}
