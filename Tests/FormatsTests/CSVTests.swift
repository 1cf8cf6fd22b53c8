import Formats
import Primitives
import Testing

/// All rows of a file whose bytes come in pieces of this size, and what was refused.
private func read(
    _ text: String,
    _ escape: CSVRows.Escape = .doubled,
    piece: Int = 7
) -> (columns: [String], rows: [[String?]], refused: [String]) {
    let reader = CSVRows(escape: escape)
    let bytes = Array(text.utf8)
    var rows: [[String?]] = []
    var refused: [String] = []
    func take(isEnd: Bool) {
        while true {
            let block = reader.next(rowsMax: 3, isEnd: isEnd)
            for row in block.rows {
                rows.append(block.cells(of: row).map { $0.isNull ? nil : block.string($0) })
            }
            refused += block.refused.map { "\($0.line):\($0.column): \($0.reason)" }
            if block.rows.isEmpty && block.refused.isEmpty { break }
        }
    }
    for start in stride(from: 0, to: bytes.count, by: piece) {
        reader.add(Array(bytes[start..<min(start + piece, bytes.count)]))
        take(isEnd: false)
    }
    take(isEnd: true)
    return (reader.columns, rows, refused)
}

@Suite
struct `CSV rows` {
    @Test
    func `have a header, and cells that may be empty, quoted or both`() {
        let file = "\u{FEFF}A,B,C\r\n1,,x y\r\n\r\n\"\",\"a,\"\"b\"\"\n2\",\n,,\n"
        let (columns, rows, refused) = read(file)
        #expect(columns == ["A", "B", "C"])
        #expect(rows == [["1", nil, "x y"], ["", "a,\"b\"\n2", nil], [nil, nil, nil]])
        #expect(refused == [])
    }

    @Test
    func `need no line end behind the last`() {
        #expect(read("A,B\n1,2").rows == [["1", "2"]])
        #expect(read("A,B\n1,\"2\"").rows == [["1", "2"]])
    }

    @Test
    func `with backslashes are read as Personalize writes them`() {
        let file = #"A,B"# + "\n" + #""say \"hi\"","C:\\dir\\""# + "\n" + #"C:\x,y"# + "\n"
        let (_, rows, refused) = read(file, .backslash)
        #expect(rows == [[#"say "hi""#, #"C:\dir\"#], [#"C:\x"#, "y"]])
        #expect(refused == [])
    }

    @Test(
        arguments: [
            ("A,B\n1,2\nx\"y,3\n4,5\n", CSVRows.Escape.doubled, "3:2: a quote inside a cell"),
            ("A,B\n\"x\"y,3\n4,5\n", .doubled, "2:4: text behind a closing quote"),
            ("A,B\n\"x,3\n4,5\n", .doubled, "2:1: a quote is opened and never closed"),
            ("A,B\n\"x\\\",3\n4,5\n", .doubled, "2:3: a backslash before a quote"),
            ("A,B\n\"x\"\"y\",3\n4,5\n", .backslash, "2:3: a doubled quote"),
            ("A,B\n\"x\\ty\",3\n4,5\n", .backslash, "2:3: a backslash before a character"),
            ("A,B\n\"x\ny\",3\n4,5\n", .backslash, "2:3: a line end inside quotes"),
            ("A,B\nx\ry,3\n4,5\n", .doubled, "2:2: a carriage return inside the line"),
            ("A,B\nx\u{0}y,3\n4,5\n", .doubled, "2:2: a NUL byte"),
        ]
    )
    func `that can be read in two ways are refused, and the next ones read`(
        file: String,
        escape: CSVRows.Escape,
        reason: String
    ) {
        let (_, rows, refused) = read(file, escape)
        #expect(refused.contains { $0.hasPrefix(reason) }, "\(refused)")
        #expect(rows.last == ["4", "5"])
    }

    @Test
    func `that end inside quotes at a backslash are refused`() {
        let (_, rows, refused) = read("A,B\n1,2\n\"\\", .backslash)
        #expect(refused == ["3:1: a quote is opened and never closed"])
        #expect(rows == [["1", "2"]])
    }

    @Test
    func `without quotes are what libcsv makes of them`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array(",,,ab é\u{1F99C}7\t\"\n\n").map(String.init)
        for _ in 0..<2_000 {
            var text = "h\n"
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                text += alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            let (_, rows, refused) = read(
                text,
                piece: Int.random(in: 1..<9, using: &random)
            )
            let oracle = CSVReader(keepsSpaces: true)
            do {
                let bytes = Array(text.utf8)
                let expected = try oracle.read(bytes) + oracle.finish()
                let cells = expected.dropFirst().map(\.cells)
                #expect(refused == [], "seed \(seed): \(text.debugDescription)")
                #expect(
                    rows.map { $0.map { $0 ?? "" } } == cells,
                    "seed \(seed): \(text.debugDescription)"
                )
            } catch {
                #expect(!refused.isEmpty, "seed \(seed): \(text.debugDescription)")
            }
        }
    }

    @Test
    func `come back as they were written, with either escape and packing`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("ab,\"\\\r é|").map(String.init)
        for round in 0..<60 {
            let escape: CSVRows.Escape = round % 2 == 0 ? .doubled : .backslash
            let packing: Packing = [.none, .gzip, .zstd][round % 3]
            var rows: [[String?]] = []
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                rows.append(
                    (0..<3).map { _ in
                        if Int.random(in: 0..<4, using: &random) == 0 { return nil }
                        return (0..<Int.random(in: 0..<6, using: &random)).map { _ in
                            alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                        }.joined()
                    }
                )
            }
            // What one escape can't say is refused when it is read.
            let isAmbiguous = rows.joined().contains { cell in
                escape == .doubled && cell?.contains("\\\"") == true
                    || escape == .doubled && cell?.hasSuffix("\\") == true
            }
            if isAmbiguous { continue }
            var bytes: [UInt8] = []
            let writer = CSVWriter(escape: escape)
            writer.start(["A", "B", "C"], into: &bytes)
            for row in rows {
                writer.write(
                    ["A", "B", "C"],
                    row.map { $0.map { .text($0) } ?? .null },
                    into: &bytes
                )
            }
            let packer = Packer(packing)
            let packed = packer.pack(bytes, isEnd: false) + packer.pack([], isEnd: true)
            let plain = try unpack(packed, piece: 5)
            #expect(plain == bytes, "seed \(seed)")
            let again = read(String(decoding: plain, as: UTF8.self), escape)
            #expect(again.refused == [], "seed \(seed)")
            #expect(again.rows == rows, "seed \(seed)")
        }
    }

    @Test
    func `of any bytes at all end nothing but themselves`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet: [UInt8] = [0x22, 0x2C, 0x0A, 0x0D, 0x5C, 0x61, 0x00, 0xC3, 0xA9, 0xFF]
        for round in 0..<3_000 {
            let reader = CSVRows(escape: round % 2 == 0 ? .doubled : .backslash)
            var lines: UInt64 = 0
            for _ in 0..<3 {
                let bytes = (0..<Int.random(in: 0..<30, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                }
                lines += UInt64(bytes.count { $0 == 0x0A })
                reader.add(bytes)
                while true {
                    let block = reader.next(rowsMax: 2, isEnd: false)
                    #expect(block.endLine <= lines, "seed \(seed)")
                    if block.rows.isEmpty && block.refused.isEmpty { break }
                }
            }
            while true {
                let block = reader.next(rowsMax: 2, isEnd: true)
                for row in block.rows { #expect(row.cellCount > 0, "seed \(seed)") }
                if block.rows.isEmpty && block.refused.isEmpty { break }
            }
        }
    }
}

private func unpack(_ bytes: [UInt8], piece: Int) throws -> [UInt8] {
    let unpacker = Unpacker(Packing(firstBytes: bytes))
    var plain: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: piece) {
        unpacker.add(Array(bytes[start..<min(start + piece, bytes.count)]))
        while true {
            let made = try unpacker.next()
            if made.isEmpty { break }
            plain += made
        }
    }
    try unpacker.finish()
    return plain
}

@Suite
struct `Packed files` {
    private func pack(_ bytes: [UInt8], _ packing: Packing) -> [UInt8] {
        let packer = Packer(packing)
        return packer.pack(bytes, isEnd: true)
    }

    @Test(arguments: [Packing.gzip, .zstd])
    func `may be several, one behind the other`(packing: Packing) throws {
        let one = pack(Array("first\n".utf8), packing)
        let two = pack(Array("second\n".utf8), packing)
        #expect(try unpack(one + two, piece: 3) == Array("first\nsecond\n".utf8))
    }

    @Test(arguments: [Packing.gzip, .zstd])
    func `that are cut or damaged are refused`(packing: Packing) {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let packed = pack(bytes, packing)
        #expect(throws: PackingError.self) { try unpack(Array(packed.dropLast(9)), piece: 100) }
        var damaged = packed
        damaged[packed.count / 2] ^= 0x40
        // zstd's frames have no sum unless asked: a literal's damage may show in the text only.
        let result = try? unpack(damaged, piece: 100)
        #expect(result != bytes, "seed \(seed)")
    }

    @Test(arguments: [Packing.gzip, .zstd])
    func `that are bombs are stopped`(packing: Packing) throws {
        let packer = Packer(packing)
        let zeros = [UInt8](repeating: 0x61, count: 8 << 20)
        var packed: [UInt8] = []
        for _ in 0..<40 { packed += packer.pack(zeros, isEnd: false) }
        packed += packer.pack([], isEnd: true)
        let unpacker = Unpacker(packing)
        unpacker.add(packed)
        #expect(throws: PackingError.self) {
            while try !unpacker.next().isEmpty {}
        }
    }
}

@Suite
struct `JSON Lines` {
    private func read(_ text: String) -> (columns: [String], rows: [[String?]], refused: [String]) {
        let reader = JSONLines()
        reader.add(Array(text.utf8))
        let block = reader.next(rowsMax: 100, isEnd: true)
        let rows = block.rows.map { row in
            block.cells(of: row).map { $0.isNull ? nil : block.string($0) }
        }
        return (reader.columns, rows, block.refused.map { "\($0.line): \($0.reason)" })
    }

    @Test
    func `are objects whose keys are columns`() {
        let (columns, rows, refused) = read(
            """
            {"A": "x", "B": 12}

            {"B": 1.5, "C": ["k", "l"], "A": ""}
            {"A": null, "B": true}
            """
        )
        #expect(columns == ["A", "B", "C"])
        #expect(rows == [["x", "12"], ["", "1.5", "k|l"], [nil, "true", nil]])
        #expect(refused == [])
    }

    @Test(
        arguments: [
            ("[1]", "the line is JSON, but no object"),
            ("{\"A\": {\"B\": 1}}", "'A' is no value of a flat record"),
            ("{\"A\": 1, \"A\": 2}", "the key 'A' stands there twice"),
            ("{\"A\": ", "the line is no JSON document"),
        ]
    )
    func `that are no flat records are refused`(line: String, reason: String) {
        let (_, rows, refused) = read("{\"A\": 1}\n\(line)\n{\"A\": 3}")
        #expect(rows == [["1"], ["3"]])
        #expect(refused.count == 1 && refused[0].hasPrefix("2: \(reason)"), "\(refused)")
    }
}
