package import Control
import Engine
import Primitives
package import RPC
import Resources
import Wire

/// `bowerbird.v1.CampaignsService`: what answers.
package final class CampaignsService: Sendable {
    let control: ControlPlane
    let calls: ControlCalls
    let messages: ResourceMessages

    package init(control: ControlPlane) {
        self.control = control
        calls = ControlCalls(control: control)
        messages = ResourceMessages(control: control)
    }

    package func add(to router: inout Router) {
        addCampaigns(to: &router)
    }
}

/// Campaigns over the wire.
extension CampaignsService {
    func addCampaigns(to router: inout Router) {
        let path = "/bowerbird.v1.CampaignsService/"
        router.unary(path + "CreateCampaign") { [self] in createCampaign($0, $1) }
        router.unary(path + "DescribeCampaign") { [self] message, call in
            calls.describe(call, .campaign) {
                try DescribeCampaignRequestView(unpacking: message, into: $0).campaign.string
            } _: { [messages] found, writer in
                DescribeCampaignResponseBuilder(into: writer).campaign {
                    if case .campaign(let one) = found { messages.write(one, $0) }
                }
            }
        }
        router.unary(path + "ListCampaigns") { [self] message, call in
            calls.list(call, .campaign) { arena in
                let request = try ListCampaignsRequestView(unpacking: message, into: arena)
                return ControlCalls.Page(
                    parent: request.datasetGroup.string,
                    size: request.pageSize,
                    token: request.pageToken.string
                )
            } _: { [messages] page, next, writer in
                let response = ListCampaignsResponseBuilder(into: writer)
                for case .campaign(let one) in page {
                    response.campaigns { messages.write(one, $0) }
                }
                response.nextPageToken(next)
            }
        }
        router.unary(path + "DeleteCampaign") { [self] message, call in
            calls.delete(call, .campaign) { arena in
                let request = try DeleteCampaignRequestView(unpacking: message, into: arena)
                return (request.campaign.string, request.etag.string)
            }
        }
        router.unary(path + "UpdateCampaign") { [self] in updateCampaign($0, $1) }
    }

    private func createCampaign(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try CreateCampaignRequestView(unpacking: message, into: arena)
            var settings =
                request.hasCampaignConfig
                ? Self.settings(request.campaignConfig)
                : ResourceDrafts.CampaignSettings(solutionVersion: "")
            settings.solutionVersion = request.solutionVersion.string
            settings.minProvisionedTPS =
                request.hasMinProvisionedTPS ? request.minProvisionedTPS : nil
            settings.defaultFilter = request.defaultFilter.string
            for index in 0..<request.defaultFilterValuesCount {
                let entry = request.defaultFilterValues(index)
                settings.defaultFilterValues[entry.key.string] = entry.texts
            }
            let draft = try control.drafts.campaign(
                name: request.name.string,
                settings: settings
            )
            control.create(
                [draft],
                requestID: request.requestID.string,
                completion: done
            )
        } _: { [messages] stored, writer in
            let response = CreateCampaignResponseBuilder(into: writer)
            for case .campaign(let one) in stored {
                response.campaign { messages.write(one, $0) }
            }
        }
    }
}

extension CampaignsService {
    private func updateCampaign(_ message: RawSpan, _ call: ServerCall) {
        calls.change(call) { arena, done in
            let request = try UpdateCampaignRequestView(unpacking: message, into: arena)
            let found = try control.describe(request.campaign.string, .campaign)
            guard case .campaign(let campaign) = found else { return }
            try ControlPlane.check(etag: request.etag.string, of: found)
            let config =
                request.hasCampaignConfig ? Self.settings(request.campaignConfig) : nil
            let changed = try control.drafts.updated(
                try withDefaultFilter(campaign, request),
                solutionVersion: request.solutionVersion.string,
                minProvisionedTPS: request.hasMinProvisionedTPS ? request.minProvisionedTPS : nil,
                config: config
            )
            control.update(changed, completion: done)
        } _: { [messages] stored, writer in
            let response = UpdateCampaignResponseBuilder(into: writer)
            for case .campaign(let one) in stored {
                response.campaign { messages.write(one, $0) }
            }
        }
    }

    /// The campaign with the default filter that the update gives, if it gives one.
    private func withDefaultFilter(
        _ campaign: Campaign,
        _ request: borrowing UpdateCampaignRequestView
    ) throws(Refusal) -> Campaign {
        var values: [String: [String]] = [:]
        for index in 0..<request.defaultFilterValuesCount {
            let entry = request.defaultFilterValues(index)
            values[entry.key.string] = entry.texts
        }
        guard request.hasDefaultFilter else {
            guard values.isEmpty else {
                throw .invalid("default_filter_values", "came without a default_filter")
            }
            return campaign
        }
        var campaign = campaign
        try ResourceDrafts.apply(
            defaultFilter: request.defaultFilter.string,
            values,
            to: &campaign
        )
        return campaign
    }

    /// What a message's `campaign_config` says.
    private static func settings(
        _ config: borrowing CampaignConfigView
    ) -> ResourceDrafts.CampaignSettings {
        ResourceDrafts.CampaignSettings(
            solutionVersion: "",
            explorationConfig: config.itemExplorationConfig,
            syncsWithLatest: config.syncWithLatestSolutionVersion
        )
    }
}
