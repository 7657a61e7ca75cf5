// What nghttp2 calls, under the mutex. Internal to rpc/.
#pragma once

#include <string_view>

#include "rpc/http2.h"

namespace hull::rpc {

inline std::string_view text_of(const uint8_t* bytes, size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

inline nghttp2_nv header(std::string_view name, std::string_view value) {
    auto bytes = [](std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); };
    return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

struct Callbacks {
    static StreamPtr find(Http2& http2, int32_t id);
    static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                         const uint8_t* value, size_t value_size, uint8_t flags, void* user);
    static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user);
    static int data(nghttp2_session*, uint8_t flags, int32_t id, const uint8_t* bytes, size_t size, void* user);
    static int closed(nghttp2_session*, int32_t id, uint32_t code, void* user);
    static ssize_t read_data(nghttp2_session* session, int32_t id, uint8_t* into, size_t room, uint32_t* flags,
                             nghttp2_data_source* source, void* user);
};

} // namespace hull::rpc
