// swift-tools-version: 6.2
import PackageDescription

/// One set of language rules for every Swift target.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]

/// Libraries and programs also mark every unsafe operation.
///
/// Test macros trip over this one.
let strict: [SwiftSetting] = house + [.strictMemorySafety()]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(
    _ name: String,
    _ dependencies: [Target.Dependency],
    exclude: [String] = []
) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        exclude: exclude,
        swiftSettings: strict
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

func kernel(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        cSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Wno-unused-parameter"])]
    )
}

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "bowerbird",
    products: [
        .library(name: "BowerbirdClient", targets: ["BowerbirdClient"]),
        .executable(name: "bowerbird", targets: ["bowerbird"]),
        .executable(name: "bowerbird-server", targets: ["bowerbird-server"]),
        .executable(name: "bowerbird-bench", targets: ["bowerbird-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        // C without logic.
        .systemLibrary(name: "CProtobufC", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CNghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        .systemLibrary(
            name: "COpenBLAS",
            providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]
        ),
        .systemLibrary(name: "CCSV", providers: [.apt(["libcsv-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "CLinux"),
        .target(
            name: "CSimdJSON",
            cxxSettings: [.unsafeFlags(["-std=c++17", "-O2"])],
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]
        ),
        .target(
            name: "CRocksDBHints",
            dependencies: ["CRocksDB"],
            cxxSettings: [.unsafeFlags(["-std=c++17", "-O2"])],
            linkerSettings: [.linkedLibrary("stdc++")]
        ),
        kernel("CKernels"),
        // Acts before `main`; nobody imports it.
        kernel("CBLASCores"),
        .target(
            name: "CBowerbirdProtos",
            dependencies: ["CProtobufC"],
            cSettings: [.headerSearchPath(".")]
        ),

        // Values and pure libraries.
        library("Primitives", ["CKernels", "CLinux"]),
        library("Metrics", ["Primitives"]),
        library("Settings", ["CYAML"]),
        library("Formats", ["CCSV", "CSimdJSON", "CZlib", "CZstd", "Primitives"]),
        library("Resources", ["Primitives"]),
        library("Wire", ["CBowerbirdProtos", "CProtobufC", "Primitives"]),
        library("Engine", ["Resources", "CKernels", "Primitives"]),
        library("Recipes", ["CKernels", "COpenBLAS", "CBLASCores", "Primitives"]),

        // Network.
        library("Transport", ["CNghttp2", "COpenSSL", "CLinux", "Metrics", "Primitives", logging]),
        library("RPC", ["CZlib", "Transport", "Metrics", "Primitives", logging]),
        library("Admin", ["Transport", "Metrics", "Primitives"]),

        // Durable and planes.
        library(
            "Journal",
            [
                "CRocksDB", "CRocksDBHints", "Engine", "Resources", "Metrics", "Primitives",
                logging,
            ]
        ),
        library(
            "Serving",
            ["Formats", "Engine", "Resources", "Journal", "Recipes", "Primitives", logging]
        ),
        library(
            "Control",
            [
                "Formats", "Serving", "Engine", "Resources", "Journal", "Recipes", "Primitives",
                logging,
            ]
        ),
        library(
            "Services",
            [
                "Control", "Engine", "Journal", "Recipes", "Serving", "Resources", "RPC", "Wire",
                "Primitives", logging,
            ]
        ),
        library("BowerbirdClient", ["Wire", "RPC", "Transport", "Primitives"]),

        // Programs.
        program(
            "bowerbird-server",
            [
                "Services", "Admin", "Control", "Serving", "Journal", "RPC", "Transport", "Engine",
                "Metrics", "Settings",
                "Resources", "Recipes", "Wire", "Primitives", argumentParser, logging,
            ]
        ),
        program("bowerbird", ["BowerbirdClient", "RPC", "Transport", "Formats", argumentParser]),
        program(
            "bowerbird-bench",
            [
                "Formats", "Serving", "Journal", "Engine", "Resources", "Recipes", "Primitives",
                "TestSupport", argumentParser,
            ],
            exclude: ["Budgets.json"]
        ),
        program(
            "bowerbird-interop",
            ["RPC", "Transport", "Wire", "Primitives", argumentParser, logging]
        ),
        program("wire-codegen", ["CBowerbirdProtos", "CProtobufC"]),
        // The client's documentation is a program, as it is for the other languages.
        .executableTarget(
            name: "bowerbird-quick-start",
            dependencies: ["BowerbirdClient"],
            path: "Documentation/Clients/swift",
            swiftSettings: house
        ),

        // Tests.
        library(
            "TestSupport",
            ["Transport", "RPC", "Engine", "Resources", "Journal", "Recipes", "Primitives"]
        ),
        tests("PrimitivesTests", ["Primitives", "CKernels", "TestSupport"]),
        tests("MetricsTests", ["Metrics", "Primitives"]),
        tests("SettingsTests", ["Settings"]),
        tests("AdminTests", ["Admin", "Transport", "Metrics", "Primitives"]),
        tests("WireTests", ["Wire", "CBowerbirdProtos", "CProtobufC", "Primitives"]),
        tests("TransportTests", ["Transport", "Primitives", "TestSupport"]),
        tests("RPCTests", ["RPC", "Transport", "Primitives", "TestSupport"]),
        tests("EngineTests", ["Engine", "Resources", "Primitives", "TestSupport"]),
        tests("JournalTests", ["Journal", "Engine", "Resources", "Primitives", "TestSupport"]),
        tests("RecipesTests", ["Recipes", "Primitives", "TestSupport"]),
        tests(
            "ServingTests",
            [
                "Serving", "Formats", "Journal", "Engine", "Resources", "Recipes", "Primitives",
                "TestSupport",
            ]
        ),
        tests(
            "ControlTests",
            [
                "Control", "Serving", "Journal", "Engine", "Resources", "Recipes", "Primitives",
                "TestSupport",
            ]
        ),
        tests("ServicesTests", ["Services", "RPC", "Wire", "Primitives"]),
        tests("FormatsTests", ["Formats", "Primitives", "TestSupport"]),
        tests("TidyTests", []),
    ]
)
