import Primitives
import Resources

extension Planner {
    /// Reads a new filter and checks it against the schemas of its group.
    func check(_ filter: Filter) throws(Stop) {
        _ = try group(filter.group)
        do throws(FilterErrors) {
            _ = try CheckedFilter(
                reading: filter.expression,
                against: FilterSchemas(of: filter.group) { resource($0) },
                within: engine.filterQuotas
            )
        } catch {
            throw .refused(error.refusal(field: "filter_expression"))
        }
    }

    /// A default filter is of the campaign's group, and its values fit.
    func checkDefaultFilter(of campaign: Campaign) throws(Stop) {
        guard let name = campaign.defaultFilter else {
            guard campaign.defaultFilterValues.isEmpty else {
                throw .refused(
                    .invalid("default_filter_values", "came without a default_filter")
                )
            }
            return
        }
        guard case .filter(let filter) = resource(name) else {
            throw .refused(.missing(name, ResourceKind.filter.noun))
        }
        guard filter.group == campaign.group else {
            throw .refused(
                .invalid("default_filter", "'\(name)' is not a filter of \(campaign.group)")
            )
        }
        let checked = try checked(filter, field: "default_filter")
        do throws(FilterErrors) {
            _ = try checked.bind(
                campaign.defaultFilterValues,
                valuesMax: engine.filterQuotas.valuesMax
            )
        } catch {
            throw .refused(error.refusal(valuesField: "default_filter_values"))
        }
    }

    /// The campaign that a filter is the default of, in words.
    func campaign(filteredBy name: ResourceName) -> String? {
        guard let group = name.parent else { return nil }
        for case .campaign(let campaign) in resources(.campaign, below: group)
        where campaign.defaultFilter == name {
            return "the campaign '\(Resource.campaign(campaign).resourceName)', "
                + "whose default_filter it is"
        }
        return nil
    }

    private func checked(_ filter: Filter, field: String) throws(Stop) -> CheckedFilter {
        do throws(FilterErrors) {
            let checked = try CheckedFilter(
                parsing: filter.expression,
                against: FilterSchemas(of: filter.group) { resource($0) }
            )
            return checked
        } catch {
            throw .refused(error.refusal(field: field))
        }
    }
}
