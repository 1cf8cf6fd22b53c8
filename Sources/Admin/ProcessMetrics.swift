import Glibc
package import Metrics

/// What the kernel says of this process, under Prometheus' usual names.
package enum ProcessMetrics {
    package static func register(in registry: Registry) {
        let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))
        registry.reading(
            "process_resident_memory_bytes",
            "Memory of the process that is in RAM."
        ) { Self.field(1, of: "/proc/self/statm") * pageBytes }
        registry.reading("process_open_fds", "Open file descriptors.") {
            Double(Self.descriptorCount())
        }
        registry.reading("process_cpu_seconds_total", "CPU time of the process.") {
            var usage = rusage()
            // 0 is RUSAGE_SELF, which is imported with another type.
            unsafe getrusage(0, &usage)
            func seconds(_ time: timeval) -> Double {
                Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
            }
            return seconds(usage.ru_utime) + seconds(usage.ru_stime)
        }
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let started = Double(now.tv_sec)
        registry.reading("process_start_time_seconds", "When the process began.") { started }
    }

    /// A number of a file of numbers; 0 when the kernel does not tell.
    private static func field(_ index: Int, of path: String) -> Double {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = unsafe read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return 0 }
        let words = String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ")
        return words.indices.contains(index) ? Double(words[index]) ?? 0 : 0
    }

    private static func descriptorCount() -> Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        // Not counted: `.`, `..` and the directory that is being read.
        var count = -3
        while unsafe readdir(directory) != nil { count += 1 }
        return max(count, 0)
    }
}
