import Foundation
import Testing

/// The rules that the compiler does not know, held against every file of the project.
@Suite
struct `The project` {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func files(_ folder: String, _ endings: [String]) -> [URL] {
        let start = root.appendingPathComponent(folder)
        let found = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil)
        return (found?.allObjects as? [URL] ?? []).filter { file in
            endings.contains(file.pathExtension) && !file.path.contains("/Generated/")
                && !file.path.contains("/CBowerbirdProtos/")
        }
    }

    static func check(_ files: [URL], _ rule: (String, String) -> [String]) throws {
        #expect(!files.isEmpty)
        for file in files {
            let path = String(file.path.dropFirst(root.path.count + 1))
            let text = try String(contentsOf: file, encoding: .utf8)
            for problem in rule(path, text) {
                Issue.record("\(problem)")
            }
        }
    }

    @Test
    func `imports only what the table of modules allows`() throws {
        try Self.check(Self.files("Sources", ["swift"]), TidyRules.imports)
    }

    @Test
    func `keeps files short and lines narrow`() throws {
        let files =
            Self.files("Sources", ["swift", "c", "cpp", "h"]) + Self.files("Tests", ["swift"])
            + Self.files("Protos", ["proto"])
        try Self.check(files, TidyRules.size)
    }

    @Test
    func `leaves no marker without an issue`() throws {
        let files =
            Self.files("Sources", ["swift", "c", "cpp", "h"]) + Self.files("Tests", ["swift"])
        try Self.check(files, TidyRules.markers)
    }

    @Test
    func `has nothing at the top level that is not on the list`() throws {
        let allowed: Set = [
            "Package.swift", "Sources", "Tests", "Protos", "Scripts", "README.md",
            "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Documentation",
            "Package.resolved",
        ]
        for name in try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
        where !name.hasPrefix(".") {
            #expect(allowed.contains(name), "move \(name) into one of the folders")
        }
    }

    @Test
    func `gives every script a help text`() throws {
        for name in try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("Scripts").path
        )
        where name != "lib" {
            let file = Self.root.appendingPathComponent("Scripts/\(name)")
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(text.contains("--help"), "Scripts/\(name) must know --help")
        }
    }

    @Test
    func `has generated code that is up to date`() {
        // Not by Foundation's `Process`: its wait needs a run loop, and hung here.
        let script = Self.root.appendingPathComponent("Scripts/generate").path
        #expect(system("'\(script)' --check >&2") == 0, "run Scripts/generate")
    }
}

/// A rule that cannot fail is a defect: each is shown a bad sample.
@Suite
struct `The rules of tidiness` {
    @Test(arguments: [
        ("Sources/Engine/A.swift", "import Foundation"),
        ("Sources/Recipes/A.swift", "import Glibc"),
        ("Sources/RPC/A.swift", "import Wire"),
        ("Sources/Transport/A.swift", "package import RPC"),
        ("Sources/Transport/Socket/A.swift", "import CNghttp2"),
        ("Sources/Journal/Sequencer.swift", "import CRocksDB"),
        ("Sources/Services/A.swift", "import CProtobufC"),
    ])
    func `refuse an import that climbs`(path: String, line: String) {
        #expect(!TidyRules.imports(path, line + "\n").isEmpty)
    }

    @Test
    func `take an import that the table has`() {
        #expect(TidyRules.imports("Sources/Engine/A.swift", "package import Primitives\n").isEmpty)
        #expect(TidyRules.imports("Sources/Recipes/Math/Elementary.swift", "import Glibc").isEmpty)
    }

    @Test
    func `refuse a long file, a wide line and a bare marker`() {
        let long = String(repeating: "\n", count: 501)
        let wide = String(repeating: "x", count: 101)
        #expect(!TidyRules.size("Sources/A.swift", long).isEmpty)
        #expect(!TidyRules.size("Sources/A.swift", wide).isEmpty)
        #expect(!TidyRules.markers("Sources/A.swift", "// TO" + "DO: later").isEmpty)
        #expect(TidyRules.markers("Sources/A.swift", "// TO" + "DO(#12): later").isEmpty)
    }
}
