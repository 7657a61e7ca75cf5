#include "apps/hull-runtime/protobuf.h"

namespace hull::oci_runtime {

namespace {

enum Wire : uint32_t { varint_wire = 0, fixed64_wire = 1, bytes_wire = 2, fixed32_wire = 5 };

} // namespace

void ProtoWriter::varint(uint64_t value) {
    while (value >= 0x80) {
        bytes_.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    bytes_.push_back(static_cast<char>(value));
}

ProtoWriter& ProtoWriter::number(uint32_t field, int64_t value) {
    varint(uint64_t{field} << 3 | varint_wire);
    varint(static_cast<uint64_t>(value));
    return *this;
}

ProtoWriter& ProtoWriter::text(uint32_t field, std::string_view value) {
    varint(uint64_t{field} << 3 | bytes_wire);
    varint(value.size());
    bytes_.append(value);
    return *this;
}

std::optional<uint64_t> ProtoReader::varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (rest_.empty()) return std::nullopt;
        auto byte = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        value |= uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) return value;
    }
    return std::nullopt;
}

std::optional<uint64_t> ProtoReader::fixed(size_t size) {
    if (rest_.size() < size) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(size);
    return value;
}

std::optional<ProtoField> ProtoReader::next() {
    if (broken_ || rest_.empty()) return std::nullopt;
    broken_ = true; // until this field is read whole
    auto key = varint();
    if (!key || *key >> 3 == 0 || *key >> 3 > UINT32_MAX) return std::nullopt;
    ProtoField field;
    field.number = static_cast<uint32_t>(*key >> 3);
    std::optional<uint64_t> value;
    switch (*key & 7) {
    case varint_wire: value = varint(); break;
    case fixed64_wire: value = fixed(8); break;
    case fixed32_wire: value = fixed(4); break;
    case bytes_wire:
        value = varint();
        if (!value || *value > rest_.size()) return std::nullopt;
        field.text = rest_.substr(0, *value);
        rest_.remove_prefix(*value);
        break;
    default: return std::nullopt;
    }
    if (!value) return std::nullopt;
    field.value = static_cast<int64_t>(*value);
    broken_ = false;
    return field;
}

} // namespace hull::oci_runtime
