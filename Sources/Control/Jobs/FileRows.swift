import Formats
import Primitives
import Resources

/// The rows of one file, unpacked and cut, from its start or from where a job was.
///
/// Confined to one thread.
final class FileRows {
    let rows: any RowSource
    let isRagged: Bool
    private let input: FileInput
    private var unpacker: Unpacker?
    private var isEnd = false
    /// Unpacked bytes to pass over.
    private var skip: UInt64
    private let byteCount: UInt64
    private let name: String

    init(
        _ file: SourceFile,
        _ source: FileSource,
        offset: UInt64,
        line: UInt64
    ) throws(Refusal) {
        input = try FileInput(file.path)
        byteCount = file.byteCount
        name = file.name
        isRagged = Self.form(source.form, path: file.name) == .jsonLines
        if isRagged {
            rows = JSONLines(offset: offset, line: line)
            skip = offset
        } else {
            let escape: CSVRows.Escape = source.escape == .doubled ? .doubled : .backslash
            let columns = offset == 0 ? [] : try Self.columns(file, escape)
            rows = CSVRows(escape: escape, columns: columns, offset: offset, line: line)
            skip = offset
        }
        unpacker = source.packing == .automatic ? nil : Unpacker(source.packing.formats)
    }

    /// The header of a file that was read in part.
    private static func columns(
        _ file: SourceFile,
        _ escape: CSVRows.Escape
    ) throws(Refusal) -> [String] {
        let source = FileSource(
            path: file.path,
            form: .csv,
            escape: escape == .doubled ? .doubled : .backslash
        )
        let again = try FileRows(file, source, offset: 0, line: 0)
        while again.rows.columns.isEmpty {
            let block = try again.next(rowsMax: 1)
            if block == nil { break }
        }
        return again.rows.columns
    }

    /// How a file of this name is written.
    static func form(_ given: FileForm, path: String) -> FileForm {
        guard given == .automatic else { return given }
        let plain = [".gz", ".zst"].first { path.hasSuffix($0) }.map { path.dropLast($0.count) }
        let ending = (plain ?? path[...]).lowercased()
        return [".jsonl", ".ndjson", ".json"].contains { ending.hasSuffix($0) } ? .jsonLines : .csv
    }

    /// How much of the file was read, 0 to 1.
    var share: Double {
        byteCount == 0 ? 1 : min(1, Double(input.readCount) / Double(byteCount))
    }

    /// The next rows; `nil` at the end.
    func next(rowsMax: Int) throws(Refusal) -> CellBlock? {
        while true {
            let block = rows.next(rowsMax: rowsMax, isEnd: isEnd)
            if let problem = rows.headerProblem {
                throw Refusal(
                    .invalidInput,
                    "\(name): the header can't be read: line \(problem.line), byte "
                        + "\(problem.column): \(problem.reason)"
                )
            }
            if !block.rows.isEmpty || !block.refused.isEmpty { return block }
            if isEnd { return nil }
            try readMore()
        }
    }

    private func readMore() throws(Refusal) {
        do throws(PackingError) {
            if let made = try unpacker?.next(), !made.isEmpty { return add(made) }
            let bytes = try nextBytes()
            if bytes.isEmpty {
                try unpacker?.finish()
                isEnd = true
                return
            }
            let unpacker = self.unpacker ?? Unpacker(Packing(firstBytes: bytes))
            self.unpacker = unpacker
            unpacker.add(bytes)
            let made = try unpacker.next()
            add(made)
        } catch {
            throw Refusal(.invalidInput, error.message)
        }
    }

    private func nextBytes() throws(PackingError) -> [UInt8] {
        do throws(Refusal) {
            return try input.next()
        } catch {
            throw PackingError(message: error.message)
        }
    }

    private func add(_ bytes: [UInt8]) {
        guard skip > 0 else { return rows.add(bytes) }
        if skip >= UInt64(bytes.count) {
            skip -= UInt64(bytes.count)
        } else {
            rows.add(Array(bytes[Int(skip)...]))
            skip = 0
        }
    }
}

extension FilePacking {
    /// `automatic` is plain here: whoever writes decides by a name before.
    var formats: Packing {
        switch self {
        case .automatic, .none: .none
        case .gzip: .gzip
        case .zstd: .zstd
        }
    }
}
