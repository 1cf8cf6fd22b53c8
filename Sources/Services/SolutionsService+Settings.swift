import Control
import Engine
import Primitives
import RPC
import Resources
import Wire

/// How a solution learns, over the wire.
extension SolutionsService {
    static func settings(
        _ request: borrowing CreateSolutionRequestView
    ) throws(Refusal) -> SolutionSettings {
        var settings = SolutionSettings()
        settings.eventType = request.eventType.string
        if request.hasPerformAutoTraining {
            settings.performsAutoTraining = request.performAutoTraining
        }
        guard request.hasSolutionConfig else { return settings }
        let config = request.solutionConfig
        settings.eventValueThreshold = config.eventValueThreshold.string
        if config.hasEventsConfig { settings.events = events(config.eventsConfig) }
        settings.hyperparameters = config.algorithmHyperParameters
        settings.featureTransformations = config.featureTransformationParameters
        if config.hasTrainingDataConfig {
            let columns = config.trainingDataConfig
            for index in 0..<columns.excludedDatasetColumnsCount {
                let place = "excluded_dataset_columns[\(index)]"
                settings.excludedColumns.append(
                    try choice(columns.excludedDatasetColumns(index), at: place)
                )
            }
            for index in 0..<columns.includedDatasetColumnsCount {
                let place = "included_dataset_columns[\(index)]"
                settings.includedColumns.append(
                    try choice(columns.includedDatasetColumns(index), at: place)
                )
            }
        }
        if config.hasAutoTrainingConfig {
            settings.automatic = automatic(config.autoTrainingConfig)
        }
        return settings
    }

    private static func choice(
        _ columns: borrowing DatasetColumnsView,
        at place: String
    ) throws(Refusal) -> (DatasetKind, [String]) {
        let kind = try DatasetKind(
            columns.datasetType,
            at: "solution_config.training_data_config.\(place).dataset_type"
        )
        var names: [String] = []
        for index in 0..<columns.columnsCount { names.append(columns.columns(index).string) }
        return (kind, names)
    }

    private static func events(
        _ config: borrowing EventsConfigView
    ) -> [SolutionConfig.EventParameters] {
        var events: [SolutionConfig.EventParameters] = []
        for index in 0..<config.eventParametersListCount {
            let event = config.eventParametersList(index)
            events.append(
                SolutionConfig.EventParameters(
                    eventType: event.eventType.string,
                    valueThreshold: event.hasEventValueThreshold ? event.eventValueThreshold : nil,
                    weight: event.hasWeight ? event.weight : 1
                )
            )
        }
        return events
    }

    private static func automatic(
        _ config: borrowing AutoTrainingConfigView
    ) -> SolutionSettings.Automatic {
        SolutionSettings.Automatic(
            schedulingExpression: config.schedulingExpression.string,
            changedShare: config.hasChangedShare ? config.changedShare : nil
        )
    }

    func updateSolution(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try UpdateSolutionRequestView(unpacking: message, into: arena)
            let found = try control.describe(request.solution.string, .solution)
            guard case .solution(let solution) = found else { return }
            try ControlPlane.check(etag: request.etag.string, of: found)
            let changed = try control.drafts.updated(
                solution,
                performsAutoTraining: request.hasPerformAutoTraining
                    ? request.performAutoTraining : nil,
                automatic: request.hasAutoTrainingConfig
                    ? Self.automatic(request.autoTrainingConfig) : nil,
                events: request.hasEventsConfig ? Self.events(request.eventsConfig) : nil
            )
            control.update(changed, completion: done)
        } _: { [messages] stored, writer in
            let response = UpdateSolutionResponseBuilder(into: writer)
            for case .solution(let one) in stored {
                response.solution { messages.write(one, $0) }
            }
        }
    }
}

extension ResourceMessages {
    func write(_ config: SolutionConfig, _ message: SolutionConfigBuilder) {
        if let threshold = config.eventValueThreshold {
            message.eventValueThreshold("\(threshold)")
        }
        if !config.events.isEmpty {
            message.eventsConfig { list in
                for event in config.events {
                    list.eventParametersList { one in
                        one.eventType(event.eventType)
                        if let threshold = event.valueThreshold {
                            one.eventValueThreshold(threshold)
                        }
                        one.weight(event.weight)
                    }
                }
            }
        }
        for (key, value) in config.hyperparameters.sorted(by: { $0.key < $1.key }) {
            message.algorithmHyperParameters(key, value)
        }
        for (key, value) in config.featureTransformations.sorted(by: { $0.key < $1.key }) {
            message.featureTransformationParameters(key, value)
        }
        if !config.excludedColumns.isEmpty || !config.includedColumns.isEmpty {
            message.trainingDataConfig { data in
                for kind in DatasetKind.allCases {
                    if let names = config.excludedColumns[kind] {
                        data.excludedDatasetColumns { Self.write(kind, names, $0) }
                    }
                    if let names = config.includedColumns[kind] {
                        data.includedDatasetColumns { Self.write(kind, names, $0) }
                    }
                }
            }
        }
        message.autoTrainingConfig { automatic in
            let days = config.automatic.days
            automatic.schedulingExpression("rate(\(days) \(days == 1 ? "day" : "days"))")
            automatic.changedShare(config.automatic.changedShare)
        }
    }

    private static func write(
        _ kind: DatasetKind,
        _ names: [String],
        _ message: DatasetColumnsBuilder
    ) {
        message.datasetType(kind.wire)
        for name in names { message.columns(name) }
    }
}
