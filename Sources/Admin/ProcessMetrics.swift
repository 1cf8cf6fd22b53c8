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
        registry.reading("process_max_fds", "File descriptors that the process may open.") {
            var limit = rlimit()
            // 7 is RLIMIT_NOFILE, which is imported with another type.
            unsafe getrlimit(__rlimit_resource_t(7), &limit)
            return Double(limit.rlim_cur)
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

    /// What is left of the disk that a folder is on.
    package static func registerDisk(of folder: String, in registry: Registry) {
        registry.reading(
            "bowerbird_disk_free_bytes",
            "Bytes that the server may still write on the disk of its data directory."
        ) { Self.disk(folder).free }
        registry.reading(
            "bowerbird_disk_size_bytes",
            "The size of the disk of the data directory."
        ) { Self.disk(folder).size }
    }

    private static func disk(_ folder: String) -> (free: Double, size: Double) {
        var state = statvfs()
        guard unsafe statvfs(folder, &state) == 0 else { return (0, 0) }
        let block = Double(state.f_frsize)
        return (Double(state.f_bavail) * block, Double(state.f_blocks) * block)
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
