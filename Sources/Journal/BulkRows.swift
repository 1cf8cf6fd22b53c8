import Engine
import Primitives
import Resources

/// Records in bulk as rows; the same rows as those of single records, but for their generation.
extension RowEncoder {
    func add(_ effect: BulkEffect, to batch: WriteBatch) {
        switch effect {
        case .eventsStored(let group, let events):
            putEvents(group, events, to: batch)
        case .entitiesStored(let group, let kind, let generation, let entities):
            let family: ColumnFamily = kind == .users ? .users : .items
            for entity in entities {
                let row = begin()
                row.put(entity.record.id)
                row.put(entity.record)
                let key = RowKey.bulkEntity(group, entity.index, generation)
                put(family, key, row, to: batch)
            }
        case .entitiesReplaced(let group, let kind, let indices):
            let family: ColumnFamily = kind == .users ? .users : .items
            for index in indices {
                unsafe batch.delete(store.family(family), RowKey.entity(group, index))
            }
        case .switched, .dropped:
            // The dataset's row says which generation counts; rows of others are swept away.
            break
        case .progressed(let name, let progress, let rejected):
            putProgress(name, progress, rejected, to: batch)
        }
    }

    private func putEvents(_ group: GroupIndex, _ events: PlannedEvents, to batch: WriteBatch) {
        // All that rows of one type have in common stands between item and value.
        let middles = events.types.indices.map { middle(events, typeText: $0) }
        let text = unsafe events.text.span.bytes
        let key = EventKey(
            group: group,
            owner: UserIndex(0),
            time: Timestamp(milliseconds: 0),
            position: events.position,
            ordinal: 0
        )
        for event in events.events {
            var eventKey = key
            eventKey.owner = event.owner
            eventKey.time = Timestamp(milliseconds: event.milliseconds)
            eventKey.ordinal = event.ordinal
            let row = runs.begin(eventKey, in: batch)
            if events.rests[event.ordinal] != nil {
                row.put(events.stored(event))
            } else {
                row.put(true)
                row.put(UInt64(event.item.rawValue))
                row.put(UInt64(event.type.rawValue))
                let middle = middles[Int(event.typeText)]
                unsafe row.bytes.append(middle.span.bytes)
                row.put(!event.value.isNaN)
                if !event.value.isNaN { row.put(event.value) }
                row.put(UInt64(event.itemText.count))
                row.bytes.append(text.extracting(event.itemText.range))
                // No recommendation, impression, source or properties.
                row.bytes.appendZeros(4)
            }
        }
        runs.finish(in: batch)
    }

    private func middle(_ events: PlannedEvents, typeText: Int) -> [UInt8] {
        let row = begin()
        row.bytes.append(EventMark.bulk)
        row.put(UInt64(events.generation))
        row.put("")
        row.put(events.types[typeText])
        return unsafe row.bytes.withUnsafeBytes { unsafe Array($0) }
    }

    private func putProgress(
        _ name: ResourceName,
        _ progress: JobProgress,
        _ rejected: [RejectedRow],
        to batch: WriteBatch
    ) {
        let key = RowKey.text(name.text, hash)
        let row = begin()
        row.put(name.text)
        row.put(progress)
        put(.jobs, key, row, to: batch)
        guard !rejected.isEmpty else { return }
        let list = begin()
        list.put(rejected) { $0.put($1) }
        var listKey = key
        // Growing with every list of the job.
        RowKey.append(progress.rejectedCount, 8, to: &listKey)
        put(.jobs, listKey, list, to: batch)
    }
}

extension RowWriter {
    func put(_ progress: JobProgress) {
        put(UInt64(progress.file))
        for number in [
            progress.offset, progress.line, progress.rowCount, progress.appliedCount,
            progress.duplicateCount, progress.rejectedCount, progress.byteCount,
        ] {
            put(number)
        }
        put(progress.share)
        put(progress.position)
    }

    func put(_ row: RejectedRow) {
        put(row.file)
        put(row.line)
        put(row.column)
        put(row.reason)
    }

    func put(_ job: Job) {
        put(job.group.text)
        put(UInt64(job.kind.rawValue))
        switch job.work {
        case .importing(let work):
            put(UInt64(work.dataset.rawValue))
            put(work.source)
            put(UInt64(work.mode.rawValue))
            put(work.eventType)
            put(UInt64(work.errorsMax))
            put(work.isDryRun)
            put(UInt64(work.generation))
            put(work.isSwitched)
        case .exporting(let work):
            put(UInt64(work.dataset.rawValue))
            put(UInt64(work.mode.rawValue))
            put(work.destination)
            put(UInt64(work.form.rawValue))
            put(UInt64(work.packing.rawValue))
        case .deleting(let source):
            put(source)
        }
    }

    private func put(_ source: FileSource) {
        put(source.path)
        put(source.isUpload)
        put(UInt64(source.form.rawValue))
        put(UInt64(source.packing.rawValue))
        put(UInt64(source.escape.rawValue))
    }
}

extension RowReader {
    mutating func progress() throws(Damaged) -> JobProgress {
        var progress = JobProgress()
        progress.file = try narrow(UInt32.self)
        progress.offset = try unsigned()
        progress.line = try unsigned()
        progress.rowCount = try unsigned()
        progress.appliedCount = try unsigned()
        progress.duplicateCount = try unsigned()
        progress.rejectedCount = try unsigned()
        progress.byteCount = try unsigned()
        progress.share = try double()
        // Rows of before have none.
        if !isAtEnd { progress.position = try unsigned() }
        return progress
    }

    mutating func rejectedRow() throws(Damaged) -> RejectedRow {
        RejectedRow(
            file: try text(),
            line: try unsigned(),
            column: try text(),
            reason: try text()
        )
    }

    /// Rows of older servers end before it.
    mutating func bulkState() throws(Damaged) -> BulkState {
        if isAtEnd { return BulkState() }
        return BulkState(
            active: try narrow(UInt32.self),
            staging: try narrow(UInt32.self),
            last: try narrow(UInt32.self)
        )
    }

    mutating func job(_ header: ResourceHeader) throws(Damaged) -> Job {
        let group = try name()
        guard let kind = Job.Kind(rawValue: try narrow(UInt8.self)) else { throw Damaged() }
        let work: Job.Work =
            switch kind {
            case .datasetImport: .importing(try importWork())
            case .datasetExport:
                .exporting(
                    ExportWork(
                        dataset: try self.kind(),
                        mode: try value(IngestionMode.self),
                        destination: try text(),
                        form: try value(FileForm.self),
                        packing: try value(FilePacking.self)
                    )
                )
            case .dataDeletion: .deleting(try source())
            }
        return Job(header: header, group: group, work: work)
    }

    private mutating func importWork() throws(Damaged) -> ImportWork {
        ImportWork(
            dataset: try kind(),
            source: try source(),
            mode: try value(ImportMode.self),
            eventType: try text(),
            errorsMax: try narrow(Int.self),
            isDryRun: try bool(),
            generation: try narrow(UInt32.self),
            isSwitched: try bool()
        )
    }

    private mutating func source() throws(Damaged) -> FileSource {
        FileSource(
            path: try text(),
            isUpload: try bool(),
            form: try value(FileForm.self),
            packing: try value(FilePacking.self),
            escape: try value(QuoteEscape.self)
        )
    }

    private mutating func value<Value: RawRepresentable<UInt8>>(
        _ type: Value.Type
    ) throws(Damaged) -> Value {
        guard let value = Value(rawValue: try narrow(UInt8.self)) else { throw Damaged() }
        return value
    }
}
