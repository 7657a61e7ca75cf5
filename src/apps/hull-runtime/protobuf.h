// The wire form of protocol buffers, as far as CRIU's few messages need it:
// varints and length-delimited fields. (docs/adr/0007: why no library.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hull::oci_runtime {

class ProtoWriter {
public:
    // Negative numbers of type int32 are sent as 64 bits, as the format wants it.
    ProtoWriter& number(uint32_t field, int64_t value);
    ProtoWriter& text(uint32_t field, std::string_view value);
    ProtoWriter& message(uint32_t field, const ProtoWriter& value) { return text(field, value.bytes_); }
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
    void varint(uint64_t value);
};

struct ProtoField {
    uint32_t number = 0;
    int64_t value = 0;     // of a varint or a fixed-size number
    std::string_view text; // of a string, bytes or message; in the reader's bytes
};

class ProtoReader {
public:
    explicit ProtoReader(std::string_view bytes) : rest_(bytes) {}
    // nullopt: at the end, or what follows is malformed (see complete()).
    std::optional<ProtoField> next();
    bool complete() const { return !broken_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool broken_ = false;
    std::optional<uint64_t> varint();
    std::optional<uint64_t> fixed(size_t size);
};

} // namespace hull::oci_runtime
