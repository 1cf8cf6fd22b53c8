package import Engine
package import Primitives
package import Resources
package import Serving

extension ResourceDrafts {
    package func filter(
        name: String,
        group: String,
        expression: String
    ) throws(Refusal) -> Resource {
        let header = try header(name)
        let group = try ResourceName(parsing: group, as: .datasetGroup, field: "dataset_group")
        return .filter(Filter(header: header, group: group, expression: expression))
    }

    /// Replaces a campaign's default filter and its values; an empty name is none.
    package static func apply(
        defaultFilter: String,
        _ values: [String: [String]],
        to campaign: inout Campaign
    ) throws(Refusal) {
        campaign.defaultFilterValues = values
        campaign.defaultFilter =
            defaultFilter.isEmpty
            ? nil : try ResourceName(parsing: defaultFilter, as: .filter, field: "default_filter")
    }
}

extension ControlPlane {
    /// What is allowed of filters that come in.
    package var filterQuotas: FilterQuotas { engine.filterQuotas }

    /// Counts what each part of a filter leaves; see `FilterQuestion`.
    package func explanation(
        of filter: CheckedFilter,
        _ arguments: FilterArguments,
        for question: FilterQuestion
    ) throws(Refusal) -> (explanation: FilterExplanation, position: LogPosition) {
        try question.explanation(of: filter, arguments, in: engine)
    }

    /// The instant of a question that comes now.
    package var now: Timestamp { clock.now() }

    /// What an expression of a group is read as, against the schemas of now.
    ///
    /// - Throws: `resourceNotFound` without such a group; what is wrong with the expression is in
    ///   the result.
    package func read(
        _ expression: String,
        group: String
    ) throws(Refusal) -> Result<CheckedFilter, FilterErrors> {
        let name = try ResourceName(parsing: group, as: .datasetGroup, field: "dataset_group")
        guard engine.resources[name] != nil else {
            throw .missing(name, ResourceKind.datasetGroup.noun)
        }
        do throws(FilterErrors) {
            return .success(
                try CheckedFilter(
                    reading: expression,
                    against: engine.filterSchemas(of: name),
                    within: engine.filterQuotas
                )
            )
        } catch {
            return .failure(error)
        }
    }
}
