import Primitives
import Synchronization

/// How much more often than ever an item is touched where an own column has one value.
///
/// lift_v(j) = (n_vj + k) / (n_j · n_v / N + k): what was observed of item j where the column is v,
/// by what is expected of its n_j events when the column says nothing, N events in all; k = 5, so
/// few events say little and none says 1. The number of values is bounded: the training's most
/// frequent ones, then whatever comes while there is room; events of others are not counted, and a
/// question with one has no lift.
///
/// O(1) an event; a question reads two numbers an item. 4 bytes an item and value.
final class ContextCounts: Sendable {
    static let shrinkage: Float = 5

    private struct Value: Sendable {
        var count: UInt64 = 0
        let items = ItemWeights()
    }

    private struct State: Sendable {
        var total: UInt64 = 0
        var values: [UInt64: Value] = [:]
    }

    /// As people call it.
    let name: String
    /// Hash of its name.
    let key: UInt64
    private let valuesMax: Int
    private let state = Mutex(State())
    /// n_j.
    private let totals = ItemWeights()

    init(name: String, key: UInt64, valuesMax: Int) {
        self.name = name
        self.key = key
        self.valuesMax = valuesMax
    }

    /// Values that are told apart where there are so many items.
    static func valuesMax(itemCount: Int) -> Int {
        min(
            Limits.contextValuesMax,
            max(Limits.contextValuesMin, Limits.contextCellsMax / max(1, itemCount))
        )
    }

    /// Adds an event on an item where the column has a value (`sign` 1), or takes it back.
    func add(_ item: UInt32, _ value: UInt64, sign: Int64) {
        let known = state.withLock { state -> ItemWeights? in
            let isRoom = sign > 0 && state.values.count < valuesMax
            guard var counted = state.values[value] ?? (isRoom ? Value() : nil) else { return nil }
            counted.count = UInt64(max(0, Int64(counted.count) + sign))
            state.total = UInt64(max(0, Int64(state.total) + sign))
            // Nothing of what was taken back stays.
            state.values[value] = counted.count > 0 ? counted : nil
            return counted.items
        }
        guard let known else { return }
        for weights in [totals, known] {
            weights.grow(to: Int(item) + 1)
            weights.update { $0[Int(item)] = max(0, $0[Int(item)] + Float(sign)) }
        }
    }

    /// Adds weight · log2(lift) of every item; false where the value is unknown.
    func addLifts(_ value: UInt64, weight: Float, to lifts: inout [Float]) -> Bool {
        let found = state.withLock { state -> (items: ItemWeights, share: Float)? in
            guard let known = state.values[value], known.count > 0 else { return nil }
            return (known.items, Float(Double(known.count) / Double(state.total)))
        }
        guard let found else { return false }
        Kernels.addLifts(
            observed: found.items.current,
            totals: totals.current,
            share: found.share,
            shrinkage: Self.shrinkage,
            weight: weight,
            to: &lifts
        )
        return true
    }

    var byteCount: Int {
        let items = state.withLock { $0.values.values.map(\.items) } + [totals]
        return items.reduce(0) { $0 + 4 * $1.current.count }
    }

    // MARK: Training

    /// Counts the events of a log; the most frequent values first take what room there is.
    func load(_ log: InteractionLog, column: Int) {
        let values = log.contextTable.columns[column]
        var counts = [Int](repeating: 0, count: ContextTable.valuesMax + 1)
        for place in 0..<log.eventCount { counts[Int(log.context(place, column))] += 1 }
        let kept = (1...ContextTable.valuesMax).filter { counts[$0] > 0 }
            .compactMap { code in values.value(UInt16(code)).map { (counts[code], $0) } }
            .sorted { ($1.0, $0.1) < ($0.0, $1.1) }
            .prefix(valuesMax)
        state.withLock { state in
            for (_, value) in kept { state.values[value] = Value() }
        }
        for place in 0..<log.eventCount { add(log, place, column: column) }
    }

    /// Counts an event of a log.
    func add(_ log: InteractionLog, _ place: Int, column: Int) {
        let code = log.context(place, column)
        guard let value = log.contextTable.columns[column].value(code) else { return }
        add(log.items[place], value, sign: 1)
    }

    // MARK: Artifact

    func encode(into artifact: ArtifactWriter) {
        artifact.put(name)
        artifact.put(key)
        artifact.put(UInt32(valuesMax))
        let values = state.withLock { $0.values }
        artifact.put(UInt32(values.count))
        for (value, counted) in values.sorted(by: { $0.key < $1.key }) {
            artifact.put(value)
            artifact.put(counted.count)
            let items = counted.items.current.enumerated().filter { $0.element > 0 }
            artifact.put(UInt32(items.count))
            for (item, count) in items {
                artifact.put(UInt32(item))
                artifact.put(count)
            }
        }
    }

    init(_ reader: inout ArtifactReader, itemCount: Int) throws(RecipeError) {
        name = try reader.text()
        key = try reader.number(UInt64.self)
        valuesMax = Int(try reader.number(UInt32.self))
        var read = State()
        for _ in 0..<(try reader.count(of: 20)) {
            let value = try reader.number(UInt64.self)
            let counted = Value(count: try reader.number(UInt64.self))
            for _ in 0..<(try reader.count(of: 8)) {
                let item = Int(try reader.number(UInt32.self))
                let count = try reader.float()
                guard item < itemCount, count > 0 else {
                    throw ArtifactReader.damaged("a context names an unknown item")
                }
                for weights in [totals, counted.items] {
                    weights.grow(to: item + 1)
                    weights.update { $0[item] += count }
                }
            }
            read.total += counted.count
            read.values[value] = counted
        }
        let state = read
        self.state.withLock { $0 = state }
    }
}
