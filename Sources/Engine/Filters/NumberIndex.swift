import Primitives

/// The slices of a number column's chunks, each of the version that it was made of: immutable.
///
/// Whoever reads a column beside it uses the slices of chunks that are of the same version, and
/// reads the other chunks themselves; so an index may be older or newer than a request's root.
package final class NumberIndex: Sendable {
    /// The column's version that it was made of; 0 of nothing yet.
    package let version: UInt64
    package let byteCount: Int
    /// None of a chunk whose numbers are rounded.
    private let chunks: [NumberSlices?]
    private let versions: [UInt64]

    static let empty = NumberIndex(version: 0, chunks: [], versions: [])

    private init(version: UInt64, chunks: [NumberSlices?], versions: [UInt64]) {
        self.version = version
        self.chunks = chunks
        self.versions = versions
        byteCount = chunks.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    }

    func slices(_ chunk: Int, of column: ItemColumn) -> NumberSlices? {
        isCurrent(chunk, of: column) ? chunks[chunk] : nil
    }

    /// Chunks that have no slices here, or others than the column's.
    func staleChunkCount(of column: ItemColumn) -> Int {
        column.versions.indices.count { !isCurrent($0, of: column) }
    }

    /// The index of `column`, with what of this one is current.
    ///
    /// Some 30 µs a chunk that is not.
    /// - Returns: `nil` when it would be larger than `byteCountMax`.
    func updated(to column: ItemColumn, byteCountMax: Int) -> NumberIndex? {
        var made: [NumberSlices?] = []
        made.reserveCapacity(column.versions.count)
        var bytesLeft = byteCountMax
        for chunk in column.versions.indices {
            if isCurrent(chunk, of: column) {
                made.append(chunks[chunk])
            } else {
                made.append(
                    column.wholes[chunk].isEmpty ? NumberSlices(column.numbers[chunk]) : nil
                )
            }
            bytesLeft -= made[chunk]?.byteCount ?? 0
            if bytesLeft < 0 { return nil }
        }
        return NumberIndex(version: column.version, chunks: made, versions: column.versions)
    }

    private func isCurrent(_ chunk: Int, of column: ItemColumn) -> Bool {
        chunk < versions.count && versions[chunk] == column.versions[chunk]
    }
}
