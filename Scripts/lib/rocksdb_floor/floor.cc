// What durable rows cost RocksDB alone: one thread, synced batches of rows like those of events.
#include <rocksdb/c.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void put_big_endian(char *to, uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) to[i] = static_cast<char>(value);
}

uint64_t state = 88172645463325252;
uint64_t next_random() {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

// A fixed piece of work: how fast this machine is now.
double yardstick_nanoseconds() {
    const double before = cpu_seconds();
    uint64_t sum = 0;
    for (int i = 0; i < 100'000'000; i++) sum += next_random();
    const double used = cpu_seconds() - before;
    if (sum == 0) std::puts("never");
    return used / 1e8 * 1e9;
}

void check(char *error) {
    if (error == nullptr) return;
    std::fprintf(stderr, "floor: %s\n", error);
    std::exit(1);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: floor DIRECTORY ROWS ROWS_PER_OWNER ROWS_PER_BATCH\n");
        return 2;
    }
    const uint64_t rows = std::strtoull(argv[2], nullptr, 10);
    const uint64_t rows_per_owner = std::strtoull(argv[3], nullptr, 10);
    const uint64_t rows_per_batch = std::strtoull(argv[4], nullptr, 10);
    const double yardstick = yardstick_nanoseconds();

    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_options_set_db_write_buffer_size(options, 128 << 20);
    char *error = nullptr;
    rocksdb_t *database = rocksdb_open(options, argv[1], &error);
    check(error);
    rocksdb_writeoptions_t *writes = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(writes, 1);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();

    const double cpu_before = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    // Group, owner, time, position, ordinal; and about what an event's row takes.
    char key[26] = {};
    const char value[32] = "interaction item-0000000";
    for (uint64_t row = 0; row < rows; row++) {
        put_big_endian(key + 4, row / rows_per_owner, 4);
        put_big_endian(key + 8, next_random() >> 24, 8);
        put_big_endian(key + 16, row / 10, 8);
        put_big_endian(key + 24, row % 10, 2);
        rocksdb_writebatch_put(batch, key, sizeof key, value, sizeof value);
        if ((row + 1) % rows_per_batch == 0 || row + 1 == rows) {
            rocksdb_write(database, writes, batch, &error);
            check(error);
            rocksdb_writebatch_clear(batch);
        }
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const double cpu = cpu_seconds() - cpu_before;
    std::printf("{\"rows_per_second\": %.0f, \"cpu_micros_per_row\": %.3f, "
                "\"yardstick_nanoseconds\": %.3f}\n",
                static_cast<double>(rows) / seconds, cpu / static_cast<double>(rows) * 1e6, yardstick);
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(writes);
    rocksdb_close(database);
    rocksdb_options_destroy(options);
}
