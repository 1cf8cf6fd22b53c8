#include "CRocksDBHints.h"

#include <memory>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>

namespace {

/// The first bytes of keys of one length.
class KeyStart final : public rocksdb::SliceTransform {
  public:
    KeyStart(size_t key_bytes, size_t prefix_bytes)
        : key_bytes_(key_bytes), prefix_bytes_(prefix_bytes) {}

    const char *Name() const override { return "bowerbird.KeyStart"; }

    rocksdb::Slice Transform(const rocksdb::Slice &key) const override {
        return rocksdb::Slice(key.data(), prefix_bytes_);
    }

    bool InDomain(const rocksdb::Slice &key) const override { return key.size() == key_bytes_; }

  private:
    const size_t key_bytes_;
    const size_t prefix_bytes_;
};

}  // namespace

// RocksDB's C interface keeps its options as the only member of an opaque struct.
int bowerbird_rocksdb_hint_inserts(
    rocksdb_options_t *options, size_t key_bytes, size_t prefix_bytes) {
    auto *known = reinterpret_cast<rocksdb::Options *>(options);
    if (known->write_buffer_size != rocksdb_options_get_write_buffer_size(options)) return 0;
    known->memtable_insert_with_hint_prefix_extractor =
        std::make_shared<KeyStart>(key_bytes, prefix_bytes);
    return 1;
}
