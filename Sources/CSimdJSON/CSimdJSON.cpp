#include "CSimdJSON.h"

#include <simdjson.h>

#include <vector>

struct bowerbird_json_parser {
    simdjson::dom::parser parser;
    std::vector<bowerbird_json_node> nodes;
};

namespace {

void add(std::vector<bowerbird_json_node> &nodes, uint32_t kind) {
    nodes.push_back(bowerbird_json_node{kind, 0, 0, 0, nullptr, 0});
}

void add_text(std::vector<bowerbird_json_node> &nodes, std::string_view text) {
    add(nodes, BOWERBIRD_JSON_STRING);
    nodes.back().text = text.data();
    nodes.back().length = text.size();
}

// The depth of the document was bounded by the parser.
void walk(std::vector<bowerbird_json_node> &nodes, simdjson::dom::element element) {
    using simdjson::dom::element_type;
    switch (element.type()) {
    case element_type::ARRAY: {
        size_t at = nodes.size();
        add(nodes, BOWERBIRD_JSON_ARRAY);
        uint32_t children = 0;
        for (auto child : simdjson::dom::array(element)) {
            walk(nodes, child);
            children++;
        }
        nodes[at].children = children;
        break;
    }
    case element_type::OBJECT: {
        size_t at = nodes.size();
        add(nodes, BOWERBIRD_JSON_OBJECT);
        uint32_t children = 0;
        for (auto field : simdjson::dom::object(element)) {
            add_text(nodes, field.key);
            walk(nodes, field.value);
            children++;
        }
        nodes[at].children = children;
        break;
    }
    case element_type::INT64:
        add(nodes, BOWERBIRD_JSON_INTEGER);
        nodes.back().integer = int64_t(element);
        break;
    case element_type::UINT64:
        // Beyond a signed 64-bit number: as near as a double comes.
        add(nodes, BOWERBIRD_JSON_DOUBLE);
        nodes.back().number = double(uint64_t(element));
        break;
    case element_type::DOUBLE:
        add(nodes, BOWERBIRD_JSON_DOUBLE);
        nodes.back().number = double(element);
        break;
    case element_type::STRING:
        add_text(nodes, std::string_view(element));
        break;
    case element_type::BOOL:
        add(nodes, BOWERBIRD_JSON_BOOL);
        nodes.back().integer = bool(element);
        break;
    case element_type::NULL_VALUE:
        add(nodes, BOWERBIRD_JSON_NULL);
        break;
    }
}

}  // namespace

bowerbird_json_parser *bowerbird_json_parser_new(void) { return new bowerbird_json_parser; }

void bowerbird_json_parser_free(bowerbird_json_parser *parser) { delete parser; }

const char *bowerbird_json_parse(
    bowerbird_json_parser *parser, const uint8_t *bytes, size_t byte_count, size_t depth_max,
    const bowerbird_json_node **nodes, size_t *count) {
    auto allocated = parser->parser.allocate(byte_count > 0 ? byte_count : 1, depth_max);
    if (allocated) return simdjson::error_message(allocated);
    auto result = parser->parser.parse(bytes, byte_count, true);
    if (result.error()) return simdjson::error_message(result.error());
    parser->nodes.clear();
    walk(parser->nodes, result.value_unsafe());
    *nodes = parser->nodes.data();
    *count = parser->nodes.size();
    return nullptr;
}

int bowerbird_is_utf8(const uint8_t *bytes, size_t byte_count) {
    return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), byte_count) ? 1 : 0;
}
