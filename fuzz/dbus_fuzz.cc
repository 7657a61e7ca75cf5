// links: hull_kernel
// Messages from a D-Bus peer, and annotations that become properties.
#include <cstddef>
#include <cstdint>
#include <string>

#include "kernel/cgroup/systemd/message.h"
#include "kernel/cgroup/systemd/properties.h"

using namespace hull::kernel::cgroup::systemd;

namespace {

void read_message(std::string_view bytes) {
    auto size = message_size(bytes);
    auto message = parse_message(bytes);
    if (!message.ok()) return;
    if (*size != bytes.size() || message->body.size() > bytes.size()) __builtin_trap();
    Reader body(message->body);
    for (char type : message->signature) {
        body.skip(type);
        if (body.position() > message->body.size()) __builtin_trap();
    }
    // What was read can be said again.
    std::string again = method_call(
        message->serial, {"", message->path, message->interface, message->member, message->signature, message->body});
    auto second = parse_message(again);
    if (!second.ok() || second->member != message->member || second->body != message->body) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    read_message(text);
    auto properties = annotation_properties({{"org.systemd.property.Abc", std::string(text)}});
    if (properties.ok() && to_elements(*properties).empty()) __builtin_trap();
    std::string bits = bits_of_list(text);
    if (bits.size() > 1024) __builtin_trap();
    return 0;
}
