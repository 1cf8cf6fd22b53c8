import CCSV
import Primitives

/// One CSV row with quotes, by libcsv.
@safe
final class QuotedRow {
    private final class Cells {
        var block = CellBlock()
    }

    private let parser: UnsafeMutablePointer<csv_parser>
    private let cells = Cells()
    private var translated: [UInt8] = []

    init() {
        unsafe parser = .allocate(capacity: 1)
        start()
    }

    deinit {
        unsafe csv_free(parser)
        unsafe parser.deallocate()
    }

    private func start() {
        unsafe csv_init(parser, UInt8(CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL))
        // Spaces belong to their cell.
        unsafe csv_set_space_func(parser) { _ in 0 }
    }

    /// Where the row that begins here ends.
    enum Extent {
        /// Bytes of the row, with its line end, and the lines that it spans.
        case row(count: Int, taken: Int, lines: Int)
        /// Bytes before what can't be read.
        case bad(column: Int, reason: String)
        case needsMore
    }

    private enum Place {
        case cellStart, plain, quoted, closed
    }

    static func extent(
        of bytes: UnsafeRawBufferPointer,
        _ escape: CSVRows.Escape,
        isEnd: Bool
    ) -> Extent {
        var place = Place.cellStart
        var index = 0
        var lines = 1
        while index < bytes.count {
            let byte = unsafe bytes[index]
            switch place {
            case .quoted:
                switch unsafe inside(bytes, &index, byte, escape) {
                case .stays: break
                case .closes: place = .closed
                case .bad(let reason): return .bad(column: index, reason: reason)
                case .needsMore:
                    guard isEnd else { return .needsMore }
                    // A quote at the very end closes; a backslash there escapes nothing.
                    if byte == 0x22 { place = .closed }
                }
                if byte == 0x0A { lines += 1 }
            case .cellStart, .plain, .closed:
                if byte == 0x0A { return .row(count: index, taken: index + 1, lines: lines) }
                if byte == 0x22 {
                    guard place == .cellStart else {
                        return .bad(column: index, reason: "a quote inside a cell that has none")
                    }
                    place = .quoted
                } else if byte == 0x2C {
                    place = .cellStart
                } else if byte == 0x0D {
                    // Ends the line, or is refused when the next byte is there.
                    guard index + 1 < bytes.count || isEnd else { return .needsMore }
                    if index + 1 < bytes.count, unsafe bytes[index + 1] != 0x0A {
                        return .bad(column: index, reason: "a carriage return inside the line")
                    }
                } else if place == .closed {
                    return .bad(column: index, reason: "text behind a closing quote")
                } else {
                    place = .plain
                }
            }
            index += 1
        }
        guard isEnd else { return .needsMore }
        if place == .quoted {
            return .bad(column: 0, reason: "a quote is opened and never closed")
        }
        return .row(count: bytes.count, taken: bytes.count, lines: lines)
    }

    private enum Inside {
        case stays, closes, needsMore
        case bad(String)
    }

    /// One byte inside quotes; moves `index` over the second of a pair.
    private static func inside(
        _ bytes: UnsafeRawBufferPointer,
        _ index: inout Int,
        _ byte: UInt8,
        _ escape: CSVRows.Escape
    ) -> Inside {
        let next = index + 1 < bytes.count ? unsafe bytes[index + 1] : nil
        switch (byte, escape) {
        case (0x22, .doubled):
            guard let next else { return .needsMore }
            guard next == 0x22 else { return .closes }
            index += 1
            return .stays
        case (0x22, .backslash):
            guard let next else { return .needsMore }
            return next == 0x22
                ? .bad("a doubled quote; csv_escape BACKSLASH writes a quote as \\\"") : .closes
        case (0x5C, .doubled):
            return next == 0x22
                ? .bad(
                    "a backslash before a quote; csv_escape DOUBLED writes a quote as \"\", "
                        + "BACKSLASH as \\\""
                ) : .stays
        case (0x5C, .backslash):
            guard let next else { return .needsMore }
            guard next == 0x22 || next == 0x5C else {
                return .bad("a backslash before a character other than a quote or a backslash")
            }
            index += 1
            return .stays
        case (0x0A, .backslash):
            return .bad("a line end inside quotes, which csv_escape BACKSLASH does not have")
        default:
            return .stays
        }
    }

    /// Appends the cells of a row; what is wrong with it, or `nil`.
    func read(
        _ row: UnsafeRawBufferPointer,
        _ escape: CSVRows.Escape,
        into block: inout CellBlock
    ) -> String? {
        translated.removeAll(keepingCapacity: true)
        if escape == .doubled {
            unsafe translated.append(contentsOf: row)
        } else {
            unsafe translate(row)
        }
        if translated.last == 0x0D { translated.removeLast() }
        translated.append(0x0A)
        swap(&cells.block, &block)
        defer { swap(&cells.block, &block) }
        let count = unsafe translated.withUnsafeBytes { bytes in
            unsafe csv_parse(
                parser,
                bytes.baseAddress,
                bytes.count,
                Self.cellEnded,
                nil,
                Unmanaged.passUnretained(cells).toOpaque()
            )
        }
        guard count != translated.count else { return nil }
        let reason = unsafe String(cString: csv_strerror(csv_error(parser)))
        unsafe csv_free(parser)
        start()
        return reason
    }

    /// Backslashes become what libcsv reads.
    private func translate(_ row: UnsafeRawBufferPointer) {
        var index = 0
        var isQuoted = false
        while index < row.count {
            let byte = unsafe row[index]
            if byte == 0x22 { isQuoted.toggle() }
            if byte == 0x5C, isQuoted, index + 1 < row.count {
                index += 1
                let escaped = unsafe row[index]
                if escaped == 0x22 { translated.append(0x22) }
                translated.append(escaped)
            } else {
                translated.append(byte)
            }
            index += 1
        }
    }

    // SAFETY: `context` is the unretained object of the call that this runs in; libcsv hands out
    // nothing for a cell that is empty and was not quoted.
    private static let cellEnded:
        @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeMutableRawPointer?) -> Void = {
            start,
            count,
            context in
            guard let context = unsafe context else { return }
            let cells = unsafe Unmanaged<Cells>.fromOpaque(context).takeUnretainedValue()
            let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
            // Whether a cell was quoted matters when it is empty only.
            unsafe cells.block.append(bytes, isQuoted: start != nil)
        }
}
