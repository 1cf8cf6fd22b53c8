import Primitives
import Recipes
import TestSupport
import Testing

/// A world of 40 items, the even ones bought on phones and the odd ones on desktops, by users who
/// each like one half of either and come by both.
private struct Devices {
    static let device: UInt64 = 1
    static let weather: UInt64 = 2
    static let phone = ContextValue(column: device, value: 10)
    static let desktop = ContextValue(column: device, value: 11)
    static let watch = ContextValue(column: device, value: 12)

    let histories: [[Interaction]]
    let devices: [[[ContextValue]]]
    let weathers: [[[ContextValue]]]

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var histories: [[Interaction]] = []
        var devices: [[[ContextValue]]] = []
        var weathers: [[[ContextValue]]] = []
        for user in 0..<200 {
            histories.append([])
            devices.append([])
            weathers.append([])
            for step in 0..<12 {
                let isDesktop = Bool.random(using: &random)
                let liked = Int.random(in: 0..<10, using: &random) + user % 2 * 10
                let item = liked * 2 + (isDesktop ? 1 : 0)
                histories[user].append(entry(item, at: Int64(user * 3 + step * 1_000)))
                devices[user].append([isDesktop ? Self.desktop : Self.phone])
                let weather = UInt64.random(in: 20..<24, using: &random)
                weathers[user].append([ContextValue(column: Self.weather, value: weather)])
            }
        }
        self.histories = histories
        self.devices = devices
        self.weathers = weathers
    }

    /// With columns that are told.
    func told(devices isDevice: Bool, weathers isWeather: Bool) -> ListedHistories {
        var columns: [ContextTable.Column] = []
        if isWeather { columns.append(.init(name: "WEATHER", key: Self.weather)) }
        if isDevice { columns.append(.init(name: "DEVICE", key: Self.device)) }
        let contexts = zip(devices, weathers).map { device, weather in
            zip(device, weather).map { (isDevice ? $0 : []) + (isWeather ? $1 : []) }
        }
        return ListedHistories(
            itemCount: 40,
            histories: histories,
            columns: columns,
            contexts: columns.isEmpty ? [] : contexts
        )
    }
}

/// Own columns of interactions, such as the device, in a question.
@Suite
struct `The context of a question` {
    private static let world = Devices(seed: 4)
    /// Of user 0, who likes the items below 20.
    private static let history = world.histories[0]

    private static func trained() throws -> any TrainedModel {
        try UserPersonalization().train(world.told(devices: true, weathers: true)) { _ in true }
    }

    private func share(_ list: [UInt32], _ isWanted: (UInt32) -> Bool) -> Double {
        Double(list.count(where: isWanted)) / Double(list.count)
    }

    @Test
    func `is gone by where validation says that it helps, and by nothing else`() throws {
        let report = try #require(Self.trained().report)
        let plain = try UserPersonalization().train(
            Self.world.told(devices: false, weathers: false)
        ) { _ in true }
        // It halves what comes into question.
        let gain = try report.blendNDCGAt10 / #require(plain.report).blendNDCGAt10
        #expect(gain > 1.3, "\(gain)")
        let chosen = report.chosen.map(\.name)
        #expect(chosen.contains("context(DEVICE)"))
        #expect(!chosen.contains("context(WEATHER)"))
    }

    @Test
    func `leads to what is bought in it, of what its user likes`() throws {
        let model = try Self.trained()
        func list(_ context: [ContextValue]) -> [UInt32] {
            model.list(Self.history, of: all(40), count: 8, in: context)
        }
        #expect(share(list([Devices.phone])) { $0 % 2 == 0 } == 1)
        #expect(share(list([Devices.desktop])) { $0 % 2 == 1 } == 1)
        #expect(share(list([Devices.phone])) { $0 < 20 } == 1)
        #expect(share(list([])) { $0 % 2 == 0 } < 1)
        // A stranger gets what is bought in it, too.
        let stranger = model.list([], of: all(40), count: 10, in: [Devices.desktop])
        #expect(share(stranger) { $0 % 2 == 1 } == 1)
    }

    @Test
    func `that says nothing changes nothing`() throws {
        let model = try Self.trained()
        let plain = model.list(Self.history, of: all(40), count: 40)
        let nothing: [ContextValue] = [
            Devices.watch, ContextValue(column: Devices.weather, value: 20),
            ContextValue(column: 99, value: 1),
        ]
        for context in nothing {
            #expect(
                model.list(Self.history, of: all(40), count: 40, in: [context]) == plain
            )
        }
    }

    @Test
    func `leaves no trace in a model of data that it does not help`() throws {
        let plain = try UserPersonalization().train(
            Self.world.told(devices: false, weathers: false)
        ) { _ in true }
        let weather = try UserPersonalization().train(
            Self.world.told(devices: false, weathers: true)
        ) { _ in true }
        #expect(weather.artifact == plain.artifact)
        #expect(!weather.live.readsContext)
    }

    @Test
    func `is learnt and unlearnt live, as new values are`() throws {
        let model = try Self.trained()
        let before = model.artifact
        var history = FollowedHistory(user: UserIndex(900))
        for step in 0..<60 {
            history.insert(
                entry(step % 4, at: Int64(100_000 + step)),
                into: model.live,
                in: [Devices.watch]
            )
        }
        let list = model.list([], of: all(40), count: 4, in: [Devices.watch])
        #expect(Set(list) == [0, 1, 2, 3])
        let copy = try UserPersonalization().decode(model.artifact)
        #expect(copy.live.readsContext)
        #expect(copy.artifact == model.artifact)
        for context in [[], [Devices.watch], [Devices.phone]] {
            #expect(
                copy.list(Self.history, of: all(40), count: 40, in: context)
                    == model.list(Self.history, of: all(40), count: 40, in: context)
            )
        }
        for _ in 0..<60 {
            history.remove(
                at: history.entries.count - 1,
                from: model.live,
                in: [Devices.watch]
            )
        }
        #expect(
            model.list(Self.history, of: all(40), count: 40, in: [Devices.watch])
                == model.list(Self.history, of: all(40), count: 40)
        )
        // The newest time of all is not taken back.
        #expect(model.artifact.count == before.count)
    }

    @Test
    func `has its share in an explanation`() throws {
        let model = try Self.trained()
        let candidates = all(40)
        for context in [[Devices.phone], [Devices.desktop]] {
            let query = RankingQuery(
                history: Self.history.span,
                candidates: ItemBitmapView(words: candidates.words.span),
                count: 40,
                context: context
            )
            let scratch = RankingScratch()
            model.rank(query, scratch: scratch)
            let ranked = scratch.top
            #expect(ranked.count == 40)
            for one in ranked {
                let found = model.explain(one.item, query, scratch: scratch)
                expectSums(of: found, toBe: Double(one.score))
                let part = found.components.first { $0.name == "context DEVICE" }
                let isBoughtThere = (one.item.rawValue % 2 == 0) == (context[0] == Devices.phone)
                #expect(part.map { ($0.score > 0) == isBoughtThere } ?? (one.score <= 0))
            }
        }
    }

    @Test
    func `of a broken artifact is refused`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let bytes = try Self.trained().artifact
        for _ in 0..<50 {
            let cut = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
            #expect(throws: RecipeError.self, "seed \(seed)") {
                try UserPersonalization().decode(cut)
            }
        }
    }
}
