import Engine
import Primitives
import Recipes
package import Resources

/// What a call says of how a solution learns, as it says it.
package struct SolutionSettings: Sendable {
    package var eventType = ""
    /// A number as text.
    package var eventValueThreshold = ""
    package var events: [SolutionConfig.EventParameters] = []
    package var hyperparameters: [String: String] = [:]
    package var featureTransformations: [String: String] = [:]
    package var excludedColumns: [(DatasetKind, [String])] = []
    package var includedColumns: [(DatasetKind, [String])] = []
    package var performsAutoTraining: Bool?
    package var automatic: Automatic?

    /// When it trains by itself.
    package struct Automatic: Sendable {
        package var schedulingExpression: String
        package var changedShare: Double?

        package init(schedulingExpression: String, changedShare: Double?) {
            self.schedulingExpression = schedulingExpression
            self.changedShare = changedShare
        }
    }

    package init() {}
}

/// Checks settings field by field, as Personalize documents them.
struct SolutionChecks {
    let recipe: String
    /// The schema of a kind of the group's records, where it has one.
    let schema: (DatasetKind) -> Schema?

    func config(_ settings: SolutionSettings) throws(Refusal) -> SolutionConfig {
        var config = SolutionConfig()
        config.eventType = settings.eventType
        config.eventValueThreshold = try threshold(settings)
        try inConfig { () throws(Refusal) in config.events = try events(settings.events) }
        if !settings.eventType.isEmpty, !settings.events.isEmpty {
            throw .invalid(
                "solution_config.events_config",
                "says what event_type says, too; give one of them"
            )
        }
        let known = Hyperparameter.all(of: recipe)
        config.hyperparameters = try checked(
            settings.hyperparameters,
            known,
            "algorithm_hyper_parameters"
        )
        config.featureTransformations = try checked(
            settings.featureTransformations,
            known,
            "feature_transformation_parameters"
        )
        config.excludedColumns = try columns(settings.excludedColumns, "excluded_dataset_columns")
        config.includedColumns = try columns(settings.includedColumns, "included_dataset_columns")
        if let both = config.excludedColumns.keys.first(where: {
            config.includedColumns[$0] != nil
        }) {
            throw .invalid(
                "solution_config.training_data_config",
                "has the \(both.collectionLabel) in both lists"
            )
        }
        if let isOn = settings.performsAutoTraining { config.automatic.isOn = isOn }
        if let automatic = settings.automatic {
            try inConfig { () throws(Refusal) in
                try Self.apply(automatic, to: &config.automatic)
            }
        }
        config.warnings = warnings(config, known)
        return config
    }

    /// Names fields as a creation has them, where an update has the same ones by themselves.
    private func inConfig(_ check: () throws(Refusal) -> Void) throws(Refusal) {
        do throws(Refusal) { try check() } catch { throw error.inside("solution_config") }
    }

    private func threshold(_ settings: SolutionSettings) throws(Refusal) -> Double? {
        let field = "solution_config.event_value_threshold"
        guard settings.eventType.unicodeScalars.count <= Limits.identifierCharactersMax else {
            throw .invalid("event_type", "has more than 256 characters")
        }
        guard !settings.eventValueThreshold.isEmpty else { return nil }
        guard !settings.eventType.isEmpty else {
            throw .invalid(field, "needs event_type")
        }
        guard let value = Double(settings.eventValueThreshold), value.isFinite else {
            throw .invalid(field, "'\(settings.eventValueThreshold.prefix(100))' is no number")
        }
        return value
    }

    /// The event types of a list, checked.
    func events(
        _ events: [SolutionConfig.EventParameters]
    ) throws(Refusal) -> [SolutionConfig.EventParameters] {
        let list = "events_config.event_parameters_list"
        guard events.count <= Limits.eventParametersMax else {
            throw .invalid(
                list,
                "has \(events.count) entries; at most \(Limits.eventParametersMax) are allowed"
            )
        }
        var seen: Set<String> = []
        for (index, event) in events.enumerated() {
            let field = "\(list)[\(index)]"
            guard !event.eventType.isEmpty else {
                throw .invalid("\(field).event_type", "is required")
            }
            guard seen.insert(event.eventType.lowercased()).inserted else {
                throw .invalid("\(field).event_type", "'\(event.eventType)' is there already")
            }
            guard (0...1).contains(event.weight) else {
                throw .invalid("\(field).weight", "is \(event.weight); 0 to 1 are allowed")
            }
            guard event.valueThreshold?.isFinite ?? true else {
                throw .invalid("\(field).event_value_threshold", "is no finite number")
            }
        }
        guard events.isEmpty || events.contains(where: { $0.weight > 0 }) else {
            throw .invalid(list, "has no weight above 0")
        }
        return events
    }

    private func checked(
        _ parameters: [String: String],
        _ known: [Hyperparameter],
        _ name: String
    ) throws(Refusal) -> [String: String] {
        for (key, text) in parameters.sorted(by: { $0.key < $1.key }) {
            let field = "solution_config.\(name).\(key.prefix(100))"
            guard let parameter = known.first(where: { $0.name == key }) else {
                let names = known.map(\.name).joined(separator: ", ")
                throw .invalid(
                    field,
                    "is no parameter of recipes/\(recipe), which has "
                        + (names.isEmpty ? "none" : names)
                )
            }
            guard parameter.accepts(text) else {
                throw .invalid(field, "is '\(text.prefix(100))'; allowed is \(parameter.range)")
            }
        }
        return parameters
    }

    private func columns(
        _ given: [(DatasetKind, [String])],
        _ name: String
    ) throws(Refusal) -> [DatasetKind: [String]] {
        var checked: [DatasetKind: [String]] = [:]
        for (index, (kind, columns)) in given.enumerated() {
            let field = "solution_config.training_data_config.\(name)[\(index)]"
            guard checked[kind] == nil else {
                throw .invalid(field, "is the second entry of the \(kind.collectionLabel)")
            }
            guard columns.count <= Limits.trainingColumnsMax else {
                throw .invalid(
                    "\(field).columns",
                    "has \(columns.count) columns; at most \(Limits.trainingColumnsMax) are "
                        + "allowed"
                )
            }
            let fields = schema(kind)?.fields ?? []
            for column in columns {
                let folded = SchemaField.fold(column)
                guard let known = fields.first(where: { $0.foldedName == folded }) else {
                    throw .invalid(
                        "\(field).columns",
                        "'\(column.prefix(100))' is no column of the \(kind.collectionLabel)"
                    )
                }
                if known.foldedName == "eventtype", name.hasPrefix("excluded") {
                    throw .invalid("\(field).columns", "EVENT_TYPE can't be left out")
                }
            }
            checked[kind] = columns
        }
        return checked
    }

    static func apply(
        _ given: SolutionSettings.Automatic,
        to automatic: inout SolutionConfig.AutomaticTraining
    ) throws(Refusal) {
        let text = given.schedulingExpression
        if !text.isEmpty {
            let field = "auto_training_config.scheduling_expression"
            guard let days = days(text) else {
                throw .invalid(
                    field,
                    "is '\(text.prefix(100))'; allowed are rate(1 day) to rate(30 days)"
                )
            }
            automatic.days = days
        }
        if let share = given.changedShare {
            guard (0...1).contains(share) else {
                throw .invalid(
                    "auto_training_config.changed_share",
                    "is \(share); 0 to 1 are allowed"
                )
            }
            automatic.changedShare = share
        }
    }

    /// `rate(1 day)`, `rate(7 days)`.
    private static func days(_ text: String) -> Int? {
        guard text.hasPrefix("rate("), text.hasSuffix(")") else { return nil }
        let words = text.dropFirst(5).dropLast().split(separator: " ")
        guard words.count == 2, let count = Int(words[0]), (1...30).contains(count),
            words[1] == (count == 1 ? "day" : "days") || words[1] == "days"
        else { return nil }
        return count
    }

    /// Whether the recipe's models go by own columns of interactions.
    private var readsContext: Bool {
        switch RecipeCatalog.entry(recipe)?.kind {
        case .userPersonalization, .personalizedRanking: true
        case .popularItems, .relatedItems, nil: false
        }
    }

    /// One line a setting that means nothing here, or less than its name says.
    func warnings(_ config: SolutionConfig, _ known: [Hyperparameter]) -> [String] {
        let given = Set(config.hyperparameters.keys).union(config.featureTransformations.keys)
        var warnings = known.filter { given.contains($0.name) && !$0.isRead }.map { parameter in
            "'\(parameter.name)' is kept, but the models of this server have no such parameter"
        }
        if Set(config.events.map(\.weight).filter { $0 > 0 }).count > 1 {
            warnings.append(
                "events_config: event types of weight 0 are left out; the other weights are kept, "
                    + "but all events count alike"
            )
        }
        if config.selectedEvents?.values.contains(where: { $0 != nil }) ?? false {
            warnings.append(
                "with an event value threshold, events of other users are learnt at the next "
                    + "training, not at once"
            )
        }
        let chosen = Set(config.excludedColumns.keys).union(config.includedColumns.keys)
        if chosen.contains(.interactions), !readsContext {
            warnings.append(
                "training_data_config: the choice of columns of interactions is kept, but this "
                    + "recipe reads none"
            )
        }
        return warnings
    }
}

extension ResourceDrafts {
    /// `solution` as an update wants it; only what the update gives changes.
    package func updated(
        _ solution: Solution,
        performsAutoTraining: Bool?,
        automatic: SolutionSettings.Automatic?,
        events: [SolutionConfig.EventParameters]?
    ) throws(Refusal) -> Resource {
        var solution = solution
        let checks = SolutionChecks(recipe: solution.recipe.label) { _ in nil }
        if let performsAutoTraining { solution.config.automatic.isOn = performsAutoTraining }
        if let automatic { try SolutionChecks.apply(automatic, to: &solution.config.automatic) }
        if let events {
            if !solution.config.eventType.isEmpty, !events.isEmpty {
                throw .invalid("events_config", "the solution learns from event_type alone")
            }
            solution.config.events = try checks.events(events)
            let known = Hyperparameter.all(of: solution.recipe.label)
            solution.config.warnings = checks.warnings(solution.config, known)
        }
        return .solution(stamped(solution))
    }
}
