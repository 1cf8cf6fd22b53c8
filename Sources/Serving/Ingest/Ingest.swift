package import Engine
import Formats
package import Primitives
package import Resources

/// Checks what a Put call says against limits and schema; what depends on state is the planner's.
///
/// Pure: a call in, records out, or a refusal that names every violation. Confined to one thread,
/// since it reuses the JSON reader's memory.
package final class Ingest {
    let json = JSONReader()
    let limits: RecordLimits

    package init(_ limits: RecordLimits = RecordLimits()) {
        self.limits = limits
    }

    // MARK: Events

    /// - Parameters:
    ///   - input: The call.
    ///   - index: The schema of the group's interactions.
    ///   - now: The server's clock, for events from the future.
    /// - Returns: The events, ready for the planner.
    /// - Throws: `invalidInput` with paths such as `event_list[3].item_id`.
    package func checkEvents(
        _ input: PutEventsInput,
        _ index: SchemaIndex,
        now: Timestamp
    ) throws(Refusal) -> EventBatch {
        var violations = Violations()
        violations.checkOwner(userID: input.userID, sessionID: input.sessionID)
        checkCount(input.events.count, "event_list", limits.recordsPerCallMax, &violations)
        var batch = EventBatch(userID: input.userID, sessionID: input.sessionID, events: [])
        if input.events.count <= limits.recordsPerCallMax {
            batch.events.reserveCapacity(input.events.count)
            for (position, event) in input.events.enumerated() {
                batch.events.append(
                    check(
                        event,
                        index,
                        now,
                        at: RecordPath(list: .eventList, position: position),
                        &violations
                    )
                )
            }
        }
        try violations.throwIfAny()
        return batch
    }

    func check(
        _ event: EventInput,
        _ index: SchemaIndex,
        _ now: Timestamp,
        at path: RecordPath,
        _ violations: inout Violations
    ) -> EventRecord {
        violations.checkID(event.eventID, isRequired: false, "\(path).event_id")
        violations.checkID(event.eventType, isRequired: true, "\(path).event_type")
        violations.checkID(event.itemID, isRequired: false, "\(path).item_id")
        violations.checkLength(event.recommendationID, 40, "\(path).recommendation_id")
        violations.checkLength(event.properties, Limits.eventPropertiesMax, "\(path).properties")
        checkImpression(event.impression, at: path, &violations)
        checkSource(event.attributionSource, at: path, &violations)
        checkSize(event, at: path, &violations)
        let occurredAt = time(event, now, at: path, &violations)
        if let value = event.eventValue, !value.isFinite {
            violations.add("\(path).event_value", "is \(value); a finite number is needed")
        }
        checkTyped(event.typed, Limits.eventPropertiesMax, at: path, &violations)
        var reader = PropertyReader(index, at: path)
        let properties = reader.read(event.properties, typed: event.typed, json, &violations)
        var itemID = event.itemID
        if itemID.isEmpty, let inner = reader.itemID {
            violations.checkID(inner.text, isRequired: true, inner.field)
            itemID = inner.text
        }
        // Made whole: changing one afterwards costs an allocation.
        return EventRecord(
            eventID: event.eventID,
            eventType: event.eventType,
            eventValue: event.eventValue ?? reader.eventValue,
            itemID: itemID,
            occurredAt: occurredAt,
            recommendationID: event.recommendationID,
            impression: event.impression,
            attributionSource: event.attributionSource ?? "",
            properties: properties
        )
    }

    private func time(
        _ event: EventInput,
        _ now: Timestamp,
        at path: RecordPath,
        _ violations: inout Violations
    ) -> Timestamp {
        guard let seconds = event.sentAtSeconds else {
            violations.add("\(path).sent_at", "is required")
            return now
        }
        // Year 9999 ends at this second.
        guard (0...253_402_300_799).contains(seconds),
            (0..<1_000_000_000).contains(event.sentAtNanos)
        else {
            let hint =
                seconds > 253_402_300_799
                ? "; it reads as milliseconds, and seconds are needed" : ""
            violations.add("\(path).sent_at", "is \(seconds) s, outside of 1970 to 9999\(hint)")
            return now
        }
        let time = Timestamp(milliseconds: seconds * 1_000 + Int64(event.sentAtNanos) / 1_000_000)
        if time.milliseconds > now.milliseconds + limits.clockSkewMS {
            let asMilliseconds = seconds / 1_000
            let looksLikeMilliseconds =
                abs(asMilliseconds - now.milliseconds / 1_000) < 10 * 366 * 86_400
            let hint =
                looksLikeMilliseconds ? "; it reads as milliseconds, and seconds are needed" : ""
            violations.add(
                "\(path).sent_at",
                "is \((time.milliseconds - now.milliseconds) / 1_000) s ahead of the server's "
                    + "clock; "
                    + "at most \(limits.clockSkewText) are allowed\(hint)"
            )
        }
        return time
    }

    private func checkImpression(
        _ impression: [String],
        at path: RecordPath,
        _ violations: inout Violations
    ) {
        if impression.count > Limits.impressionMax {
            violations.add(
                "\(path).impression",
                "has \(impression.count) items; at most \(Limits.impressionMax) are allowed"
            )
        }
        for (position, item) in impression.prefix(Limits.impressionMax).enumerated() {
            violations.checkID(item, isRequired: true, "\(path).impression[\(position)]")
        }
    }

    private func checkSource(
        _ source: String?,
        at path: RecordPath,
        _ violations: inout Violations
    ) {
        guard let source else { return }
        let field = "\(path).metric_attribution.event_attribution_source"
        let isPrintable = source.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        let hasMark = source.utf8.contains { $0 != 0x20 }
        if source.utf8.count > 1_024 || !isPrintable || !hasMark {
            violations.add(
                field,
                "is not 1 to 1,024 printable ASCII characters with one that is no space"
            )
        }
    }

    private func checkSize(
        _ event: EventInput,
        at path: RecordPath,
        _ violations: inout Violations
    ) {
        var bytes = event.eventID.utf8.count + event.eventType.utf8.count
        bytes += event.itemID.utf8.count + event.properties.utf8.count
        bytes += event.recommendationID.utf8.count + (event.attributionSource?.utf8.count ?? 0)
        for item in event.impression { bytes += item.utf8.count }
        for property in event.typed { bytes += property.characterCount }
        if bytes > Limits.eventBytesMax {
            violations.add(
                "\(path)",
                "has \(bytes) bytes of text; at most \(Limits.eventBytesMax) are allowed"
            )
        }
    }

    // MARK: Users and items

    /// - Parameters:
    ///   - input: The call's records.
    ///   - index: The schema of the group's users or items.
    /// - Returns: The records, ready for the planner.
    /// - Throws: `invalidInput` with paths such as `items[2].properties.price`.
    package func checkEntities(
        _ input: [EntityInput],
        _ index: SchemaIndex
    ) throws(Refusal) -> [EntityRecord] {
        let list: RecordBatch.List = index.schema.kind == .users ? .users : .items
        var violations = Violations()
        checkCount(input.count, list.rawValue, limits.recordsPerCallMax, &violations)
        try violations.throwIfAny()
        var records: [EntityRecord] = []
        records.reserveCapacity(input.count)
        for (position, one) in input.enumerated() {
            let path = RecordPath(list: list, position: position)
            records.append(check(one, index, at: path, &violations))
        }
        try violations.throwIfAny()
        return records
    }

    func check(
        _ input: EntityInput,
        _ index: SchemaIndex,
        at path: RecordPath,
        _ violations: inout Violations
    ) -> EntityRecord {
        check(input, index.schema.kind, at: path, &violations)
        var reader = PropertyReader(index, at: path)
        let properties = reader.read(
            input.properties,
            typed: input.typed,
            json,
            &violations
        )
        return EntityRecord(id: input.id, properties: properties, createdAt: reader.createdAt)
    }

    func check(
        update input: EntityInput,
        _ index: SchemaIndex,
        at path: RecordPath,
        _ violations: inout Violations
    ) -> EntityUpdate {
        check(input, index.schema.kind, at: path, &violations)
        var reader = PropertyReader(index, at: path, isUpdate: true)
        let properties = reader.read(
            input.properties,
            typed: input.typed,
            json,
            &violations
        )
        return EntityUpdate(
            id: input.id,
            properties: properties,
            named: reader.named,
            createdAt: reader.removesCreation ? .some(nil) : reader.createdAt.map { .some($0) }
        )
    }

    private func check(
        _ input: EntityInput,
        _ kind: DatasetKind,
        at path: RecordPath,
        _ violations: inout Violations
    ) {
        let isUser = kind == .users
        violations.checkID(
            input.id,
            isRequired: true,
            "\(path).\(isUser ? "user_id" : "item_id")"
        )
        let bound = isUser ? Limits.userPropertiesMax : Limits.itemPropertiesMax
        violations.checkLength(input.properties, bound, "\(path).properties")
        checkTyped(input.typed, bound, at: path, &violations)
    }

    private func checkTyped(
        _ typed: [TypedProperty],
        _ bound: Int,
        at path: RecordPath,
        _ violations: inout Violations
    ) {
        guard !typed.isEmpty else { return }
        let count = typed.reduce(0) { $0 + $1.characterCount }
        guard count > bound else { return }
        violations.add(
            "\(path).typed_properties",
            "have \(count) characters in all; at most \(bound) are allowed"
        )
    }

    func checkCount(
        _ count: Int,
        _ list: String,
        _ bound: Int,
        _ violations: inout Violations
    ) {
        if count == 0 { violations.add(list, "is empty; at least 1 record is needed") }
        if count > bound {
            violations.add(list, "has \(count) records; at most \(bound) are allowed")
        }
    }
}
