// links: hull_codec
// Messages of BuildKit's protocol, as fields: what is read is written again as
// it was, but for what has more than one way to be said.
#include <cstdint>

#include "codec/protobuf.h"

namespace {

void walk(std::string_view bytes, int depth) {
    hull::protobuf::Reader reader(bytes);
    hull::protobuf::Field field;
    hull::protobuf::Writer out;
    for (;;) {
        auto more = reader.next(field);
        if (!more.ok() || !*more) break;
        if (field.kind == hull::protobuf::Field::Kind::text) {
            if (field.text.data() < bytes.data() || field.text.data() + field.text.size() > bytes.data() + bytes.size())
                __builtin_trap();
            if (depth < 8) walk(field.text, depth + 1);
            (void)hull::protobuf::read_entry(field.text);
            out.element(field.number, field.text);
        } else {
            out.number(field.number, field.value);
        }
    }
    hull::protobuf::Reader again(out.bytes());
    for (;;) {
        auto more = again.next(field);
        if (!more.ok()) __builtin_trap();
        if (!*more) break;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    walk({reinterpret_cast<const char*>(data), size}, 0);
    return 0;
}
