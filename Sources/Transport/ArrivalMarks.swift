import Primitives

/// Since when the bytes have waited that a connection's socket still holds.
///
/// The kernel doesn't tell. But a read that leaves bytes behind can note how many had come by then:
/// what is read later, up to there, has waited at least since. A few marks are kept, the finer the
/// shorter the queue; without a queue there are none.
struct ArrivalMarks {
    private struct Mark {
        /// Of all bytes of the connection.
        let endOffset: Int
        let nanoseconds: UInt64
    }

    private var marks: [Mark] = []
    private var offset = 0
    private var gapNanoseconds = Limits.arrivalGapNanoseconds

    /// Since when the next byte is known to wait; `nil` when it may just have come.
    var nextSince: UInt64? { marks.first?.nanoseconds }

    /// `count` bytes were read.
    mutating func took(_ count: Int) {
        offset += count
        let done = marks.prefix { $0.endOffset <= offset }.count
        if done > 0 { marks.removeFirst(done) }
    }

    /// `count` bytes were still there at a moment.
    mutating func left(_ count: Int, at now: UInt64) {
        guard count > 0 else {
            gapNanoseconds = Limits.arrivalGapNanoseconds
            return
        }
        if let last = marks.last {
            guard offset + count > last.endOffset, now &- last.nanoseconds >= gapNanoseconds
            else { return }
        }
        if marks.count == Limits.arrivalMarksMax {
            // The bytes of a mark that goes count as those of the next: as having waited less.
            marks = marks.indices.filter { !$0.isMultiple(of: 2) }.map { marks[$0] }
            gapNanoseconds *= 2
        }
        marks.append(Mark(endOffset: offset + count, nanoseconds: now))
    }
}
