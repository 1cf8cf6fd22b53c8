import Primitives
import Synchronization

/// How many events each item had in short slices of time, for the last two windows.
///
/// A window is `slicesPerWindow` slices; the newest slice is that of the newest event, so time
/// passes with the data and not with a clock. Counts are whole numbers: what is taken back leaves
/// nothing behind. An event older than two windows is not counted.
///
/// O(1) an event, O(items of the two windows) a reading; at most `Limits.trendItemsMax` items a
/// slice.
final class WindowCounts: Sendable {
    static let slicesPerWindow: Int64 = 8

    /// The events of an item in the newest window and in the one before it.
    struct Growth {
        var item: UInt32
        var now: UInt32
        var before: UInt32
    }

    private let slices = Mutex<[Int64: [UInt32: UInt32]]>([:])
    private let sliceMS: Int64

    init(windowMS: Int64) {
        precondition(windowMS >= Self.slicesPerWindow)
        sliceMS = windowMS / Self.slicesPerWindow
    }

    /// Every item of the last two windows; in no order.
    var growths: [Growth] {
        slices.withLock { slices in
            guard let newest = slices.keys.max() else { return [] }
            var found: [UInt32: Growth] = [:]
            for (slice, counts) in slices {
                let isNow = newest - slice < Self.slicesPerWindow
                for (item, count) in counts {
                    var growth = found[item] ?? Growth(item: item, now: 0, before: 0)
                    if isNow { growth.now += count } else { growth.before += count }
                    found[item] = growth
                }
            }
            return Array(found.values)
        }
    }

    /// Adds an event (`sign` 1) or takes it back (`sign` -1).
    func add(_ interaction: Interaction, sign: Int64) {
        let slice = interaction.occurredAt.milliseconds / sliceMS
        let item = interaction.item.rawValue
        slices.withLock { slices in
            if let newest = slices.keys.max() {
                guard newest - slice < 2 * Self.slicesPerWindow else { return }
                if slice > newest {
                    let oldest = slice - 2 * Self.slicesPerWindow
                    for old in slices.keys where old <= oldest { slices[old] = nil }
                }
            }
            var counts = slices[slice] ?? [:]
            slices[slice] = nil
            let count = Int64(counts[item] ?? 0) + sign
            if count <= 0 {
                counts[item] = nil
            } else if counts[item] != nil || counts.count < Limits.trendItemsMax {
                counts[item] = UInt32(clamping: count)
            }
            if !counts.isEmpty { slices[slice] = counts }
        }
    }

    func encode(into artifact: ArtifactWriter) {
        slices.withLock { slices in
            artifact.put(UInt32(slices.count))
            for (slice, counts) in slices.sorted(by: { $0.key < $1.key }) {
                artifact.put(UInt64(bitPattern: slice))
                artifact.put(UInt32(counts.count))
                for (item, count) in counts.sorted(by: { $0.key < $1.key }) {
                    artifact.put(item)
                    artifact.put(count)
                }
            }
        }
    }

    func decode(_ reader: inout ArtifactReader) throws(RecipeError) {
        var read: [Int64: [UInt32: UInt32]] = [:]
        for _ in 0..<(try reader.count(of: 12)) {
            let slice = Int64(bitPattern: try reader.number(UInt64.self))
            var counts: [UInt32: UInt32] = [:]
            for _ in 0..<(try reader.count(of: 8)) {
                let item = try reader.number(UInt32.self)
                counts[item] = try reader.number(UInt32.self)
            }
            read[slice] = counts
        }
        let all = read
        slices.withLock { $0 = all }
    }
}
