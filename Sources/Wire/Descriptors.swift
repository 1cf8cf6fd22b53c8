internal import CBowerbirdProtos

/// What the public protos declare, from the descriptor set that is embedded in the program.
///
/// Read once; serves reflection and the tests that hold the server against its protos.
package struct Descriptors: Sendable {
    /// One `.proto` file in its public form.
    package struct File: Sendable {
        package var name = ""
        package var package = ""
        package var dependencies: [String] = []
        /// Full names of its messages, enums, services and methods (`Service.Method`).
        package var symbols: [String] = []
        /// Those of fields, oneofs and enum values; the latter stand beside their enum, not in it.
        package var members: [String] = []
        package var services: [Service] = []
        /// The serialized `google.protobuf.FileDescriptorProto`.
        package var bytes: [UInt8] = []
    }

    /// A service with the names of its methods.
    package struct Service: Sendable {
        package var fullName: String
        package var methods: [String]
    }

    package let files: [File]
    private let fileByName: [String: Int]
    private let fileBySymbol: [String: Int]

    package static let embedded = Descriptors()

    private init() {
        let count = bowerbird_descriptor_set_bytes()
        let start = unsafe bowerbird_descriptor_set()
        // SAFETY: a constant of the program.
        let set = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: start, count: count))
        var files: [File] = []
        var reader = WireReader(set)
        while let field = reader.next() {
            if field.number == 1 { files.append(Self.file(field.bytes)) }
        }
        var byName: [String: Int] = [:]
        var bySymbol: [String: Int] = [:]
        for (index, file) in files.enumerated() {
            byName[file.name] = index
            for symbol in file.symbols + file.members { bySymbol[symbol] = index }
        }
        self.files = files
        fileByName = byName
        fileBySymbol = bySymbol
    }

    /// The file of this name with all that it imports, itself first; `nil` when there is none.
    package func closure(ofFile name: String) -> [File]? {
        guard let first = fileByName[name] else { return nil }
        var indices = [first]
        var next = 0
        while next < indices.count {
            for dependency in files[indices[next]].dependencies {
                if let index = fileByName[dependency], !indices.contains(index) {
                    indices.append(index)
                }
            }
            next += 1
        }
        return indices.map { files[$0] }
    }

    /// The file that declares a message, enum, service, method, field, oneof or enum value by its
    /// full name, with all that it imports.
    package func closure(ofSymbol symbol: String) -> [File]? {
        fileBySymbol[symbol].flatMap { closure(ofFile: files[$0].name) }
    }

    // Field numbers below are those of google/protobuf/descriptor.proto.

    private static func file(_ bytes: RawSpan) -> File {
        var file = File()
        file.bytes = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        var header = WireReader(bytes)
        while let field = header.next() {
            switch field.number {
            case 1: file.name = field.text
            case 2: file.package = field.text
            case 3: file.dependencies.append(field.text)
            default: break
            }
        }
        let prefix = file.package.isEmpty ? "" : file.package + "."
        var reader = WireReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 4: addMessage(field.bytes, prefix: prefix, to: &file)
            case 5: addEnum(field.bytes, prefix: prefix, to: &file)
            case 6: addService(field.bytes, prefix: prefix, to: &file)
            default: break
            }
        }
        return file
    }

    private static func addMessage(_ bytes: RawSpan, prefix: String, to file: inout File) {
        let fullName = prefix + name(bytes)
        file.symbols.append(fullName)
        var reader = WireReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 2, 8: file.members.append(fullName + "." + name(field.bytes))
            case 3: addMessage(field.bytes, prefix: fullName + ".", to: &file)
            case 4: addEnum(field.bytes, prefix: fullName + ".", to: &file)
            default: break
            }
        }
    }

    private static func addEnum(_ bytes: RawSpan, prefix: String, to file: inout File) {
        file.symbols.append(prefix + name(bytes))
        var reader = WireReader(bytes)
        while let field = reader.next() {
            if field.number == 2 { file.members.append(prefix + name(field.bytes)) }
        }
    }

    private static func addService(_ bytes: RawSpan, prefix: String, to file: inout File) {
        var service = Service(fullName: prefix + name(bytes), methods: [])
        file.symbols.append(service.fullName)
        var reader = WireReader(bytes)
        while let field = reader.next() {
            guard field.number == 2 else { continue }
            let method = name(field.bytes)
            service.methods.append(method)
            file.symbols.append(service.fullName + "." + method)
        }
        file.services.append(service)
    }

    private static func name(_ bytes: RawSpan) -> String {
        var reader = WireReader(bytes)
        while let field = reader.next() {
            if field.number == 1 { return field.text }
        }
        return ""
    }
}
