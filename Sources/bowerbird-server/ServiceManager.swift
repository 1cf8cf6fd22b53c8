import Foundation
import Glibc

/// Tells whoever started the server that it serves, or stops: systemd's notification protocol.
///
/// A datagram to the socket that `NOTIFY_SOCKET` names; nothing when there is none. Who can't be
/// told does not keep the server from serving.
enum ServiceManager {
    enum State: String {
        case ready = "READY=1"
        case stopping = "STOPPING=1"
    }

    static func tell(_ state: State) {
        guard let path = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"],
            path.hasPrefix("/") || path.hasPrefix("@")
        else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard name.count < room else { return }
        // A name in the abstract namespace begins with a zero byte.
        if path.hasPrefix("@") { name[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            unsafe bytes.copyBytes(from: name)
        }
        let offset = MemoryLayout<sockaddr_un>.size - room
        let length = socklen_t(offset + name.count)
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0
        )
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array(state.rawValue.utf8)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe sendto(
                    descriptor,
                    text,
                    text.count,
                    Int32(MSG_NOSIGNAL),
                    rebound,
                    length
                )
            }
        }
    }
}
