/// The checks as pure functions: a path and a text in, what is wrong and what to do instead out.
enum TidyRules {
    /// What each module may import, its own libraries and the outside ones.
    static let allowed: [String: Set<String>] = [
        "Primitives": ["CKernels", "CLinux", "Dispatch", "Glibc", "Synchronization"],
        "Metrics": ["Primitives", "Synchronization"],
        "Admin": ["Transport", "Metrics", "Primitives", "Glibc"],
        "Settings": ["CYAML"],
        "Formats": ["CCSV", "CSimdJSON", "CZlib", "CZstd", "Primitives"],
        "Resources": ["Primitives"],
        "Wire": ["CBowerbirdProtos", "CProtobufC", "Primitives"],
        "Transport": [
            "CNghttp2", "COpenSSL", "CLinux", "Metrics", "Primitives", "Logging", "Glibc",
            "Synchronization",
        ],
        "RPC": ["CZlib", "Transport", "Metrics", "Primitives", "Logging", "Synchronization"],
        "Engine": ["Resources", "CKernels", "Primitives", "Synchronization"],
        "Journal": [
            "CRocksDB", "CRocksDBHints", "Engine", "Resources", "Metrics", "Primitives", "Logging",
            "Dispatch", "Glibc", "Synchronization",
        ],
        "Recipes": ["CKernels", "COpenBLAS", "Primitives", "Synchronization"],
        "Serving": [
            "Formats", "Engine", "Resources", "Journal", "Recipes", "Primitives", "Logging",
            "Dispatch", "Synchronization",
        ],
        "Control": [
            "Serving", "Engine", "Resources", "Journal", "Recipes", "Formats", "Primitives",
            "Logging", "Dispatch", "Glibc", "Synchronization",
        ],
        "Services": [
            "Control", "Serving", "Engine", "Journal", "Recipes", "Resources", "RPC", "Wire",
            "Primitives", "Logging", "Synchronization",
        ],
        "BowerbirdClient": ["Wire", "RPC", "Transport", "Primitives", "Synchronization"],
        "TestSupport": [
            "Transport", "RPC", "Engine", "Resources", "Journal", "Recipes", "Primitives",
            "Synchronization",
        ],
        "wire-codegen": ["CBowerbirdProtos", "CProtobufC", "Foundation"],
        "bowerbird": [
            "BowerbirdClient", "RPC", "Transport", "Formats", "ArgumentParser", "Foundation",
            "Glibc",
        ],
        "bowerbird-bench": [
            "Formats", "Serving", "Engine", "Resources", "Recipes", "Primitives", "TestSupport",
            "ArgumentParser", "Foundation", "Glibc",
        ],
        "bowerbird-interop": [
            "RPC", "Transport", "Wire", "Primitives", "ArgumentParser", "Logging", "Foundation",
        ],
        "bowerbird-server": [
            "Services", "Admin", "Control", "Serving", "Journal", "RPC", "Transport", "Metrics",
            "Settings", "Engine", "Resources", "Recipes", "Wire", "Primitives", "ArgumentParser",
            "Logging",
            "Foundation", "Glibc", "Synchronization",
        ],
    ]

    /// Modules that are imported in one place of their module only.
    static let homes: [String: [String]] = [
        "CNghttp2": ["Sources/Transport/HTTP2/"],
        "CRocksDB": ["Sources/Journal/Store/"],
        "CRocksDBHints": ["Sources/Journal/Store/"],
        "CKernels": ["Sources/Recipes/Math/", "Sources/Engine/Filters/", "Sources/Primitives/"],
        "COpenBLAS": ["Sources/Recipes/Math/"],
        "CLinux": [
            "Sources/Transport/", "Sources/Primitives/Threads.swift",
            "Sources/Primitives/MemoryGuard.swift",
        ],
        "CYAML": ["Sources/Settings/"],
        "CSimdJSON": ["Sources/Formats/JSON", "Sources/Formats/TextCheck"],
        "COpenSSL": ["Sources/Transport/TLS/"],
        "CZlib": ["Sources/RPC/Compression/", "Sources/Formats/Packing"],
        "CCSV": ["Sources/Formats/CSV"],
        "CZstd": ["Sources/Formats/Packing"],
    ]

    static func imports(_ path: String, _ text: String) -> [String] {
        let parts = path.split(separator: "/")
        guard parts.count > 1, let modules = allowed[String(parts[1])] else {
            return ["\(path): its module has no line in the table of TidyRules"]
        }
        var problems: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            let levels: Set<Substring> = [
                "package", "public", "internal", "private", "fileprivate",
            ]
            guard let first = words.first, first == "import" || levels.contains(first),
                let at = words.firstIndex(of: "import"), at <= 1, words.count > at + 1
            else { continue }
            let module = String(words[at + 1])
            let isElementary = path == "Sources/Recipes/Math/Elementary.swift" && module == "Glibc"
            if !modules.contains(module) && !isElementary {
                problems.append(
                    "\(path): may not import \(module); move the code to a module that may, "
                        + "or change "
                        + "the table with a decision record"
                )
            }
            if let home = homes[module], !home.contains(where: { path.hasPrefix($0) }) {
                problems.append(
                    "\(path): imports \(module), which is wrapped in "
                        + "\(home.joined(separator: ", "))"
                )
            }
        }
        return problems
    }

    static func size(_ path: String, _ text: String) -> [String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var problems: [String] = []
        if path.hasSuffix(".swift") && lines.count > 501 {
            problems.append("\(path): has \(lines.count) lines; split it by concept below 500")
        }
        // Its lines are the templates of generated lines, which have no bound.
        if path == "Sources/wire-codegen/MessageEmitter.swift" { return problems }
        for (index, line) in lines.enumerated() where line.count > 100 {
            problems.append("\(path):\(index + 1): has \(line.count) columns; wrap it at 100")
        }
        return problems
    }

    static func markers(_ path: String, _ text: String) -> [String] {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
        var problems: [String] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            for word in words where line.contains(word) && !line.contains("#") {
                problems.append(
                    "\(path):\(index + 1): \(word) needs the number of an issue, as in #12"
                )
            }
        }
        return problems
    }
}
