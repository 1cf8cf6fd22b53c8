import Primitives
import Resources

extension RowWriter {
    func put(_ resource: Resource) {
        put(resource.header)
        switch resource {
        case .datasetGroup(let group):
            bytesPut(1)
            put(UInt64(group.index.rawValue))
            put(group.servesUnknownItems)
        case .schema(let schema):
            bytesPut(2)
            bytesPut(schema.kind.rawValue)
            put(schema.fields) { $0.put($1) }
            put(schema.document)
            put(schema.isOpen)
        case .dataset(let dataset):
            bytesPut(3)
            put(dataset.group.text)
            bytesPut(dataset.kind.rawValue)
            put(dataset.schema.text)
            put(UInt64(dataset.bulk.active))
            put(UInt64(dataset.bulk.staging))
            put(UInt64(dataset.bulk.last))
            put(dataset.columnOrder) { $0.put($1) }
        case .eventTracker(let tracker):
            bytesPut(4)
            put(tracker.group.text)
            put(tracker.trackingID)
        case .solution(let solution):
            bytesPut(5)
            put(solution.group.text)
            put(solution.recipe.text)
            put(solution.config)
        case .solutionVersion(let version):
            bytesPut(6)
            put(version.solution.text)
            put(version.trainedAt.rawValue)
            put(version.trainingMilliseconds)
            put(version.warnings) { $0.put($1) }
            put(version.isUpdate)
            put(version.isAutomatic)
            put(version.interactionCount)
            put(version.training)
        case .campaign(let campaign):
            bytesPut(7)
            put(campaign.group.text)
            put(campaign.solutionVersion.text)
            put(Int64(campaign.minProvisionedTPS))
            put(campaign.explorationConfig)
            put(campaign.syncsWithLatestSolutionVersion)
            put(campaign.defaultFilter?.text ?? "")
            put(campaign.defaultFilterValues.sorted { $0.key < $1.key }) { writer, pair in
                writer.put(pair.key)
                writer.put(pair.value) { $0.put($1) }
            }
        case .filter(let filter):
            bytesPut(30)
            put(filter.group.text)
            put(filter.expression)
        case .job(let job):
            bytesPut(20)
            put(job)
        }
    }

    private func bytesPut(_ byte: UInt8) { put(UInt64(byte)) }

    private func put(_ map: [String: String]) {
        put(map.sorted { $0.key < $1.key }) { writer, pair in
            writer.put(pair.key)
            writer.put(pair.value)
        }
    }

    private func put(_ header: ResourceHeader) {
        put(header.name)
        bytesPut(header.status.rawValue)
        put(header.failureReason)
        put(header.createdAt.milliseconds)
        put(header.updatedAt.milliseconds)
        put(header.revision)
    }

    private func put(_ field: SchemaField) {
        put(field.name)
        bytesPut(field.type.rawValue)
        put(field.isNullable)
        put(field.isCategorical)
        put(field.isTextual)
        put(field.isItemName)
    }
}

extension RowReader {
    mutating func resource() throws(Damaged) -> Resource {
        let header = try header()
        switch try unsigned() {
        case 1:
            return .datasetGroup(
                DatasetGroup(
                    header: header,
                    index: GroupIndex(try narrow(UInt32.self)),
                    servesUnknownItems: try bool()
                )
            )
        case 2:
            let kind = try kind()
            let fields = try list { (reader) throws(Damaged) in try reader.field() }
            return .schema(
                Schema(
                    header: header,
                    kind: kind,
                    fields: fields,
                    document: try text(),
                    isOpen: try bool()
                )
            )
        case 3:
            var dataset = Dataset(
                header: header,
                group: try name(),
                kind: try kind(),
                schema: try name(),
                bulk: try bulkState()
            )
            // Rows of older servers end here.
            if !isAtEnd {
                dataset.columnOrder = try list { (reader) throws(Damaged) in try reader.text() }
            }
            return .dataset(dataset)
        case 4:
            return .eventTracker(
                EventTracker(header: header, group: try name(), trackingID: try text())
            )
        case 5: return .solution(try solution(header))
        case 6: return .solutionVersion(try solutionVersion(header))
        case 7: return .campaign(try campaign(header))
        case 20: return .job(try job(header))
        case 30:
            return .filter(
                Filter(header: header, group: try name(), expression: try text())
            )
        default: throw Damaged()
        }
    }

    private mutating func solution(_ header: ResourceHeader) throws(Damaged) -> Solution {
        let group = try name()
        let recipe = try name()
        // Rows of older servers end here.
        let config = isAtEnd ? SolutionConfig() : try solutionConfig()
        return Solution(header: header, group: group, recipe: recipe, config: config)
    }

    private mutating func solutionVersion(
        _ header: ResourceHeader
    ) throws(Damaged) -> SolutionVersion {
        var version = SolutionVersion(
            header: header,
            solution: try name(),
            trainedAt: LogPosition(try unsigned()),
            trainingMilliseconds: try signed(),
            warnings: try list { (reader) throws(Damaged) in try reader.text() }
        )
        if isAtEnd { return version }
        version.isUpdate = try bool()
        version.isAutomatic = try bool()
        version.interactionCount = try signed()
        // Rows of before there were reports end here.
        if !isAtEnd { version.training = try trainingSummary() }
        return version
    }

    private mutating func campaign(_ header: ResourceHeader) throws(Damaged) -> Campaign {
        var campaign = Campaign(
            header: header,
            group: try name(),
            solutionVersion: try name(),
            minProvisionedTPS: Int32(truncatingIfNeeded: try signed()),
            explorationConfig: try map(),
            syncsWithLatestSolutionVersion: try bool()
        )
        // Rows of before there were default filters end here.
        if isAtEnd { return campaign }
        let filter = try text()
        campaign.defaultFilter = filter.isEmpty ? nil : ResourceName(unchecked: filter)
        let values = try list { (reader) throws(Damaged) in
            (try reader.text(), try reader.list { (one) throws(Damaged) in try one.text() })
        }
        campaign.defaultFilterValues = Dictionary(values) { $1 }
        return campaign
    }

    mutating func name() throws(Damaged) -> ResourceName {
        ResourceName(unchecked: try text())
    }

    mutating func kind() throws(Damaged) -> DatasetKind {
        guard let kind = DatasetKind(rawValue: try narrow(UInt8.self)) else { throw Damaged() }
        return kind
    }

    private mutating func map() throws(Damaged) -> [String: String] {
        let pairs = try list { (reader) throws(Damaged) in
            (try reader.text(), try reader.text())
        }
        return Dictionary(pairs) { $1 }
    }

    private mutating func header() throws(Damaged) -> ResourceHeader {
        let name = try text()
        guard let status = ResourceStatus(rawValue: try narrow(UInt8.self)) else { throw Damaged() }
        return ResourceHeader(
            name: name,
            status: status,
            failureReason: try text(),
            createdAt: Timestamp(milliseconds: try signed()),
            updatedAt: Timestamp(milliseconds: try signed()),
            revision: try unsigned()
        )
    }

    private mutating func field() throws(Damaged) -> SchemaField {
        let name = try text()
        guard let type = FieldType(rawValue: try narrow(UInt8.self)) else { throw Damaged() }
        return SchemaField(
            name: name,
            type: type,
            isNullable: try bool(),
            isCategorical: try bool(),
            isTextual: try bool(),
            isItemName: try bool()
        )
    }
}
