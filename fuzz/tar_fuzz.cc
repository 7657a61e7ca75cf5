// links: hull_store
// Input: a byte that says how the archive is cut into chunks, then the archive.
// No entry reaches beyond its file or the archive, no byte is lost, a cleaned
// path stays inside, and what was read can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/tar_reader.h"
#include "codec/tar_writer.h"
#include "store/unpack.h"

using namespace hull;

namespace {

class Pieces : public ChunkSource {
public:
    Pieces(std::string_view text, size_t size) : rest_(text), size_(size) {}
    Result<std::string_view> next() override {
        std::string_view piece = rest_.substr(0, size_);
        rest_.remove_prefix(piece.size());
        return piece;
    }

private:
    std::string_view rest_;
    size_t size_;
};

class Counter : public ByteSink {
public:
    Result<void> write(std::string_view data) override {
        bytes += data.size();
        return {};
    }
    size_t bytes = 0;
};

void check(bool holds) {
    if (!holds) __builtin_trap();
}

void check_path(std::string_view path) {
    auto clean = store::clean_path(path, {});
    if (!clean.ok()) return;
    check(!clean->starts_with('/') && !clean->ends_with('/'));
    std::string parts = "/" + *clean + "/";
    check(parts.find("/../") == std::string::npos && parts.find("/./") == std::string::npos);
    check(*store::clean_path(*clean, {}) == *clean);
}

void check_entry(const tar::Entry& entry, size_t data) {
    check(!entry.path.empty() && data == entry.stored_size);
    uint64_t end = 0;
    for (const tar::Segment& s : entry.segments) {
        check(s.offset >= end && s.length <= entry.size - s.offset);
        end = s.offset + s.length;
    }
    check_path(entry.path);
    check_path(entry.link_target);
}

// write(entry) reads as entry.
void check_copy(const tar::Entry& entry, const std::string& data) {
    TextSink text;
    tar::Writer writer(text);
    if (!writer.add(entry).ok()) return;
    check(writer.data(data).ok() && writer.finish().ok());
    Pieces pieces(text.text(), 4096);
    tar::Reader reader(pieces);
    tar::Entry copy;
    auto read = reader.next(copy);
    if (!read.ok() || !*read) return; // a name with a NUL, a name too long for pax
    check(copy.path == entry.path && copy.size == entry.size && copy.segments == entry.segments);
    check(copy.mtime == entry.mtime && copy.mtime_ns == entry.mtime_ns && copy.uid == entry.uid);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0) return 0;
    std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    Pieces pieces(text, size_t{1} + bytes[0] * 7);
    Counter raw;
    tar::Reader reader(pieces, &raw, {.name_bytes = 4096, .extension_bytes = 65536, .segments = 1000});
    tar::Entry entry;
    size_t contents = 0;
    for (;;) {
        auto more = reader.next(entry);
        if (!more.ok()) return 0;
        if (!*more) break;
        std::string data;
        for (;;) {
            auto piece = reader.data();
            if (!piece.ok()) return 0;
            if (piece->empty()) break;
            data += *piece;
        }
        check_entry(entry, data.size());
        check_copy(entry, data);
        contents += data.size();
    }
    if (reader.drain().ok()) check(raw.bytes + contents == text.size());
    return 0;
}
