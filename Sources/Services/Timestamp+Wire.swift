import Primitives
import Wire

extension TimestampBuilder {
    func set(_ time: Timestamp) {
        let remainder = ((time.milliseconds % 1_000) + 1_000) % 1_000
        seconds((time.milliseconds - remainder) / 1_000)
        nanos(Int32(remainder) * 1_000_000)
    }
}
