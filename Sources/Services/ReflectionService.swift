import Primitives
package import RPC
import Wire

/// `grpc.reflection.v1` and `v1alpha`: tells what is served, from the embedded descriptors.
package struct ReflectionService: Sendable {
    private let services: [String]

    /// - Parameter services: The full names to list.
    package init(services: [String]) {
        self.services = services
    }

    package func add(to router: inout Router) {
        for version in ["v1", "v1alpha"] {
            let path = "/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo"
            router.bidirectional(path) { call in
                ReflectionCall(call, services: services)
            }
        }
    }
}

/// One reflection call: an answer to each request, in order.
///
/// A question of a few bytes has an answer of many kilobytes, so questions wait while answers do;
/// what waits is bounded by the stream's window.
private final class ReflectionCall: StreamingCallHandler {
    private let call: ServerCall
    private let services: [String]
    private let arenas = ArenaPool()
    /// Questions that wait, each with its length before it, and how far they are answered.
    private let waiting = ByteWriter(capacity: 16)
    private var answeredBytes = 0
    private var hasHalfClosed = false

    init(_ call: ServerCall, services: [String]) {
        self.call = call
        self.services = services
    }

    func halfClosed() {
        hasHalfClosed = true
        goOn()
    }

    func received(message: RawSpan) {
        if waiting.count == 0, call.canWrite { return answer(message) }
        waiting.append(bigEndian: UInt32(message.byteCount))
        waiting.append(message)
        call.pauseReading()
    }

    func writable() { goOn() }

    private func goOn() {
        let waiting = waiting
        let questions = waiting.bytes
        while answeredBytes < waiting.count, call.canWrite, !call.isCancelled {
            let start = answeredBytes + 4
            // SAFETY: each question was appended with its four bytes of length, any bits of which
            // are a UInt32.
            let count = unsafe questions.unsafeLoadUnaligned(
                fromByteOffset: answeredBytes,
                as: UInt32.self
            )
            answeredBytes = start + Int(UInt32(bigEndian: count))
            answer(questions.extracting(start..<answeredBytes))
        }
        guard answeredBytes == waiting.count, !call.isCancelled else { return }
        waiting.removeAll()
        answeredBytes = 0
        call.resumeReading()
        if hasHalfClosed { call.finish() }
    }

    private func answer(_ message: RawSpan) {
        do throws(WireError) {
            try arenas.withArena { (arena) throws(WireError) in
                let request = try ServerReflectionRequestView(unpacking: message, into: arena)
                call.respond { writer in
                    let response = ServerReflectionResponseBuilder(into: writer)
                    response.validHost(request.host.string)
                    response.originalRequest { $0.copy(request) }
                    answer(request, response)
                }
            }
        } catch {
            call.fail(StatusMapping.status(error))
        }
    }

    private func answer(
        _ request: borrowing ServerReflectionRequestView,
        _ response: ServerReflectionResponseBuilder
    ) {
        let descriptors = Descriptors.embedded
        if request.hasFileByFilename {
            let name = request.fileByFilename.string
            files(descriptors.closure(ofFile: name), "file '\(name)'", response)
        } else if request.hasFileContainingSymbol {
            let name = request.fileContainingSymbol.string
            files(descriptors.closure(ofSymbol: name), "symbol '\(name)'", response)
        } else if request.hasListServices {
            response.listServicesResponse { list in
                for name in services { list.service { $0.name(name) } }
            }
        } else if request.hasAllExtensionNumbersOfType {
            let name = request.allExtensionNumbersOfType.string
            if descriptors.closure(ofSymbol: name) != nil {
                response.allExtensionNumbersResponse { $0.baseTypeName(name) }
            } else {
                refuse(.notFound, "there is no message '\(name)'", response)
            }
        } else if request.hasFileContainingExtension {
            refuse(.notFound, "no message of this server has extensions", response)
        } else {
            refuse(.invalidArgument, "message_request is required", response)
        }
    }

    private func files(
        _ files: [Descriptors.File]?,
        _ asked: String,
        _ response: ServerReflectionResponseBuilder
    ) {
        guard let files else { return refuse(.notFound, "there is no \(asked)", response) }
        response.fileDescriptorResponse { list in
            for file in files { unsafe list.fileDescriptorProto(file.bytes.span.bytes) }
        }
    }

    private func refuse(
        _ code: StatusCode,
        _ message: String,
        _ response: ServerReflectionResponseBuilder
    ) {
        response.errorResponse { error in
            error.errorCode(Int32(code.rawValue))
            error.errorMessage(message)
        }
    }
}

extension ServerReflectionRequestBuilder {
    /// Says again what was asked, as the protocol wants it.
    fileprivate func copy(_ request: borrowing ServerReflectionRequestView) {
        host(request.host.bytes)
        if request.hasFileByFilename { fileByFilename(request.fileByFilename.bytes) }
        if request.hasFileContainingSymbol {
            fileContainingSymbol(request.fileContainingSymbol.bytes)
        }
        if request.hasAllExtensionNumbersOfType {
            allExtensionNumbersOfType(request.allExtensionNumbersOfType.bytes)
        }
        if request.hasListServices { listServices(request.listServices.bytes) }
        if request.hasFileContainingExtension {
            let asked = request.fileContainingExtension
            let type = asked.containingType.string
            let number = asked.extensionNumber
            fileContainingExtension {
                $0.containingType(type)
                $0.extensionNumber(number)
            }
        }
    }
}
