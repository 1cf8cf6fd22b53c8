// simdjson behind a C interface: a document as a flat list of nodes in document order.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bowerbird_json_kind {
    BOWERBIRD_JSON_NULL = 0,
    BOWERBIRD_JSON_BOOL = 1,
    BOWERBIRD_JSON_INTEGER = 2,
    BOWERBIRD_JSON_DOUBLE = 3,
    BOWERBIRD_JSON_STRING = 4,
    /// Followed by `children` values.
    BOWERBIRD_JSON_ARRAY = 5,
    /// Followed by `children` pairs of a string and a value.
    BOWERBIRD_JSON_OBJECT = 6,
};

struct bowerbird_json_node {
    uint32_t kind;
    uint32_t children;
    int64_t integer;
    double number;
    /// Valid until the next parse with the same parser.
    const char *text;
    size_t length;
};

struct bowerbird_json_parser;

struct bowerbird_json_parser *bowerbird_json_parser_new(void);
void bowerbird_json_parser_free(struct bowerbird_json_parser *parser);

/// Parses one document; returns NULL and sets `nodes` and `count`, or returns what is wrong with
/// it.
const char *bowerbird_json_parse(
    struct bowerbird_json_parser *parser, const uint8_t *bytes, size_t byte_count,
    size_t depth_max, const struct bowerbird_json_node **nodes, size_t *count);

/// Whether the bytes are UTF-8.
int bowerbird_is_utf8(const uint8_t *bytes, size_t byte_count);

#ifdef __cplusplus
}
#endif
