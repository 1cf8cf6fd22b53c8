import Primitives
import Resources

extension RowWriter {
    func put(_ config: SolutionConfig) {
        put(config.eventType)
        put(config.eventValueThreshold) { $0.put($1) }
        put(config.events) { writer, event in
            writer.put(event.eventType)
            writer.put(event.valueThreshold) { $0.put($1) }
            writer.put(event.weight)
        }
        for map in [config.hyperparameters, config.featureTransformations] {
            put(map.sorted { $0.key < $1.key }) { writer, pair in
                writer.put(pair.key)
                writer.put(pair.value)
            }
        }
        for columns in [config.excludedColumns, config.includedColumns] {
            put(columns.sorted { $0.key.rawValue < $1.key.rawValue }) { writer, pair in
                writer.put(UInt64(pair.key.rawValue))
                writer.put(pair.value) { $0.put($1) }
            }
        }
        put(config.automatic.isOn)
        put(Int64(config.automatic.days))
        put(config.automatic.changedShare)
        put(config.automatic.startsAtOnce)
        put(config.warnings) { $0.put($1) }
    }
}

extension RowWriter {
    func put(_ training: TrainingSummary) {
        for models in [training.components, training.candidates] {
            put(models) { writer, model in
                writer.put(model.name)
                writer.put(model.weight)
                writer.put(model.ndcgAt10)
            }
        }
        put(training.questionCount)
        put(training.ndcgAt10)
        put(training.metrics.sorted { $0.key < $1.key }) { writer, metric in
            writer.put(metric.key)
            writer.put(metric.value)
        }
    }
}

extension RowReader {
    mutating func trainingSummary() throws(Damaged) -> TrainingSummary {
        var training = TrainingSummary()
        training.components = try models()
        training.candidates = try models()
        training.questionCount = try signed()
        training.ndcgAt10 = try double()
        let metrics = try list { (reader) throws(Damaged) in
            (try reader.text(), try reader.double())
        }
        training.metrics = Dictionary(metrics) { $1 }
        return training
    }

    private mutating func models() throws(Damaged) -> [TrainingSummary.Model] {
        try list { (reader) throws(Damaged) in
            TrainingSummary.Model(
                name: try reader.text(),
                weight: try reader.double(),
                ndcgAt10: try reader.double()
            )
        }
    }

    mutating func solutionConfig() throws(Damaged) -> SolutionConfig {
        var config = SolutionConfig()
        config.eventType = try text()
        config.eventValueThreshold = try optional { (reader) throws(Damaged) in
            try reader.double()
        }
        config.events = try list { (reader) throws(Damaged) in
            SolutionConfig.EventParameters(
                eventType: try reader.text(),
                valueThreshold: try reader.optional { (reader) throws(Damaged) in
                    try reader.double()
                },
                weight: try reader.double()
            )
        }
        config.hyperparameters = try texts()
        config.featureTransformations = try texts()
        config.excludedColumns = try columns()
        config.includedColumns = try columns()
        config.automatic.isOn = try bool()
        config.automatic.days = Int(truncatingIfNeeded: try signed())
        config.automatic.changedShare = try double()
        config.automatic.startsAtOnce = try bool()
        config.warnings = try list { (reader) throws(Damaged) in try reader.text() }
        return config
    }

    private mutating func texts() throws(Damaged) -> [String: String] {
        let pairs = try list { (reader) throws(Damaged) in
            (try reader.text(), try reader.text())
        }
        return Dictionary(pairs) { $1 }
    }

    private mutating func columns() throws(Damaged) -> [DatasetKind: [String]] {
        let pairs = try list { (reader) throws(Damaged) -> (DatasetKind, [String]) in
            guard let kind = DatasetKind(rawValue: try reader.narrow(UInt8.self)) else {
                throw Damaged()
            }
            return (kind, try reader.list { (reader) throws(Damaged) in try reader.text() })
        }
        return Dictionary(pairs) { $1 }
    }
}
