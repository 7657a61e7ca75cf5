// As much of MessagePack (github.com/msgpack/msgpack, spec.md) as the forward
// protocol needs: writing, and finding one text in an answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hull::logs {

class MessagePack {
public:
    void array(uint32_t count) { container(count, 0x90, 0xdc); }
    void map(uint32_t count) { container(count, 0x80, 0xde); }
    void text(std::string_view value) {
        size_t size = value.size();
        if (size < 32) {
            byte(0xa0 | size);
        } else if (size < 256) {
            byte(0xd9);
            byte(size);
        } else if (size < 65536) {
            byte(0xda);
            big_endian(size, 2);
        } else {
            byte(0xdb);
            big_endian(size, 4);
        }
        bytes_ += value;
    }
    void number(uint64_t value) {
        byte(0xcf);
        big_endian(value, 8);
    }
    // Seconds and nanoseconds as the forward protocol's EventTime.
    void event_time(uint32_t seconds, uint32_t nanoseconds) {
        byte(0xd7);
        byte(0);
        big_endian(seconds, 4);
        big_endian(nanoseconds, 4);
    }
    const std::string& bytes() const { return bytes_; }

private:
    void byte(uint64_t value) { bytes_ += static_cast<char>(value & 0xff); }
    void big_endian(uint64_t value, int size) {
        for (int i = size - 1; i >= 0; --i) byte(value >> (8 * i));
    }
    void container(uint32_t count, uint8_t small, uint8_t large) {
        if (count < 16) {
            byte(small | count);
        } else {
            byte(large);
            big_endian(count, 2);
        }
    }
    std::string bytes_;
};

} // namespace hull::logs
