import Primitives
import RPC
import Services
import Testing
import Wire

@Suite
struct `The table of who may call what` {
    private let table = MethodAccessTable(health: .open, reflection: .known) { trackingID in
        trackingID == "t1" ? "datasetGroups/shop" : nil
    }

    private var methods: [String] {
        Descriptors.embedded.files.flatMap(\.services)
            .filter { $0.fullName.hasPrefix("bowerbird.v1.") }
            .flatMap { service in service.methods.map { "\(service.fullName)/\($0)" } }
    }

    @Test
    func `has a line for every method of the protos, and no other`() {
        let missing = Set(methods).subtracting(MethodAccessTable.rules.keys)
        #expect(
            missing.isEmpty,
            "declare who may call them in Sources/Services/Access/MethodAccessTable.swift"
        )
        #expect(Set(MethodAccessTable.rules.keys).subtracting(methods).isEmpty)
    }

    @Test
    func `names fields that the requests have`() {
        for method in methods {
            #expect(table.access("/\(method)") != nil, "a field of \(method) is misspelt")
        }
    }

    private func names(_ method: String, _ encode: (ByteWriter) -> Void) -> [String]? {
        let writer = ByteWriter()
        encode(writer)
        guard case .groups(let read) = table.access("/bowerbird.v1.\(method)")?.scope else {
            return nil
        }
        return read(writer.bytes)
    }

    @Test
    func `finds the resources of a message wherever they stand`() {
        let direct = names("RecommendationsService/GetRecommendations") {
            let request = GetRecommendationsRequestBuilder(into: $0)
            request.userID("datasetGroups/not-this")
            request.campaign("datasetGroups/a/campaigns/c")
        }
        #expect(direct == ["datasetGroups/a/campaigns/c"])
        let nested = names("RecommendationsService/BatchGetRecommendations") {
            let request = BatchGetRecommendationsRequestBuilder(into: $0)
            request.queries { $0.campaign("datasetGroups/a/campaigns/c") }
            request.queries { $0.campaign("datasetGroups/b/campaigns/c") }
        }
        #expect(nested == ["datasetGroups/a/campaigns/c", "datasetGroups/b/campaigns/c"])
        let both = names("EventsService/PutEvents") {
            let request = PutEventsRequestBuilder(into: $0)
            request.trackingID("t1")
            request.datasetGroup("datasetGroups/other")
        }
        #expect(both == ["datasetGroups/other", "datasetGroups/shop"])
        #expect(
            names("EventsService/PutEvents") { PutEventsRequestBuilder(into: $0).trackingID("x") }
                == ["(unknown tracking_id)"]
        )
        #expect(names("EventsService/PutEvents") { _ in } == [])
        #expect(
            names("EventsService/PutEvents") { $0.append([0xFF, 0xFF].span.bytes) }
                == ["(unreadable)"]
        )
    }

    @Test
    func `treats health and reflection as the settings say`() {
        #expect(table.access("/grpc.health.v1.Health/Check")?.role == nil)
        #expect(table.access("/grpc.reflection.v1.ServerReflection/Info")?.role == .read)
        #expect(table.access("/bowerbird.v1.EventsService/NoSuch") == nil)
    }
}
