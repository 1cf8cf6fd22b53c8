import CKernels
import Primitives

/// One number an item, most of them 0, with the names of those that are not.
struct SparseSums {
    /// `[itemCount]`.
    private(set) var values: [Float]
    private var names: [UInt32]
    private var count = 0

    init(itemCount: Int) {
        values = [Float](repeating: 0, count: itemCount)
        names = [UInt32](repeating: 0, count: itemCount)
    }

    /// The items that are not 0, in the order of their first addition.
    var touched: ArraySlice<UInt32> { names[..<count] }

    mutating func clear() {
        for item in touched { values[Int(item)] = 0 }
        count = 0
    }

    mutating func add(_ value: Float, to item: UInt32) {
        if values[Int(item)] == 0 {
            names[count] = item
            count += 1
        }
        values[Int(item)] += value
    }

    /// Adds `scale` for each item of each owner's set.
    mutating func addSets(_ owners: [UInt32], _ sets: ItemSets, scale: Float) {
        count = unsafe bowerbird_add_sets(
            &values,
            &names,
            count,
            owners,
            owners.count,
            sets.offsets,
            sets.items,
            scale
        )
    }

    /// Adds `weights[d]` for each item d events before one of `places`.
    mutating func addBefore(_ places: [UInt32], _ log: InteractionLog, weights: [Float]) {
        count = unsafe bowerbird_add_before(
            &values,
            &names,
            count,
            places,
            places.count,
            log.ownerOf,
            log.offsets,
            log.items,
            weights,
            weights.count - 1
        )
    }

    /// Adds the rows of SᵀS of the items at `places`, times `scale`.
    mutating func addAround(
        _ places: [UInt32],
        _ log: InteractionLog,
        _ window: SequenceWindow,
        scale: Float
    ) {
        count = unsafe bowerbird_add_around(
            &values,
            &names,
            count,
            places,
            places.count,
            log.ownerOf,
            log.offsets,
            log.items,
            window.around,
            SequenceWindow.reach,
            scale
        )
    }
}
