// A setting of RocksDB that its C interface lacks.
#pragma once
#include <rocksdb/c.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Has a memtable remember where it inserted the last key of `key_bytes` bytes, for each distinct
/// first `prefix_bytes` of them, and begin its next search there. About 280 bytes for each.
///
/// No range of keys may be deleted that begins with a key of that length: RocksDB 7.8 keeps such
/// ranges in a list of their own, and would look there for what it remembers of the other one.
///
/// Returns 0 and changes nothing when RocksDB's options are not as its headers say.
int bowerbird_rocksdb_hint_inserts(
    rocksdb_options_t *options, size_t key_bytes, size_t prefix_bytes);

#ifdef __cplusplus
}
#endif
