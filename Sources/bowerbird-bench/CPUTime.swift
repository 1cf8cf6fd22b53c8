import Glibc

/// CPU time of this process, which other programs on the machine don't change.
enum CPUTime {
    static func seconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
