import CCSV
import Primitives

/// One row of a CSV file.
package struct CSVRow: Hashable, Sendable {
    /// The number of the row in the file, the header being 1.
    package var number: Int
    package var cells: [String]
}

/// Reads CSV as RFC 4180 has it, by libcsv: quoted cells, doubled quotes, CRLF and LF, a UTF-8
/// mark.
///
/// Confined to one thread. A cell longer than `Limits.csvCellBytesMax` ends the reading.
@safe
package final class CSVReader {
    /// Why a text is no CSV.
    package struct Failure: Error, Hashable, Sendable {
        package var message: String
    }

    private final class State {
        var cells: [String] = []
        var rows: [CSVRow] = []
        var rowCount = 0
        var isTooLong = false
    }

    private let parser: UnsafeMutablePointer<csv_parser>
    private let state = State()
    private var isAtStart = true

    /// With `keepsSpaces`, those around a cell belong to it.
    package init(keepsSpaces: Bool = false) {
        unsafe parser = .allocate(capacity: 1)
        unsafe csv_init(parser, UInt8(CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL))
        if keepsSpaces { unsafe csv_set_space_func(parser) { _ in 0 } }
    }

    deinit {
        unsafe csv_free(parser)
        unsafe parser.deallocate()
    }

    /// Takes the next bytes of the file and returns the rows that they complete.
    package func read(_ bytes: [UInt8]) throws(Failure) -> [CSVRow] {
        var bytes = bytes
        if isAtStart && bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        isAtStart = false
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe csv_parse(
                parser,
                buffer.baseAddress,
                buffer.count,
                Self.cellEnded,
                Self.rowEnded,
                Unmanaged.passUnretained(state).toOpaque()
            )
        }
        if count != bytes.count || state.isTooLong { throw failure }
        return takeRows()
    }

    /// The end of the file: the row that had no line end.
    package func finish() throws(Failure) -> [CSVRow] {
        let result = unsafe csv_fini(
            parser,
            Self.cellEnded,
            Self.rowEnded,
            Unmanaged.passUnretained(state).toOpaque()
        )
        if result != 0 { throw failure }
        return takeRows()
    }

    private var failure: Failure {
        let reason =
            state.isTooLong
            ? "a cell is longer than \(Limits.csvCellBytesMax) bytes"
            : unsafe String(cString: csv_strerror(csv_error(parser)))
        return Failure(message: "row \(state.rowCount + 1): \(reason)")
    }

    private func takeRows() -> [CSVRow] {
        defer { state.rows = [] }
        return state.rows
    }

    // SAFETY of both: `context` is the unretained state of the reader whose call this runs in.

    private static let cellEnded:
        @convention(c) (UnsafeMutableRawPointer?, Int, UnsafeMutableRawPointer?) -> Void = {
            start,
            count,
            context in
            guard let context = unsafe context else { return }
            let state = unsafe Unmanaged<State>.fromOpaque(context).takeUnretainedValue()
            if count > Limits.csvCellBytesMax { state.isTooLong = true }
            let cell = unsafe UnsafeRawBufferPointer(start: start, count: count)
            state.cells.append(unsafe String(decoding: cell, as: UTF8.self))
        }

    private static let rowEnded: @convention(c) (Int32, UnsafeMutableRawPointer?) -> Void = {
        _,
        context in
        guard let context = unsafe context else { return }
        let state = unsafe Unmanaged<State>.fromOpaque(context).takeUnretainedValue()
        state.rowCount += 1
        state.rows.append(CSVRow(number: state.rowCount, cells: state.cells))
        state.cells = []
    }
}
