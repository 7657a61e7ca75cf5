#include "apps/hull/contents/layer_files.h"

#include <algorithm>

#include "codec/tar_reader.h"

namespace hull::cli {

namespace {

class ArchiveBytes : public ByteSource {
public:
    explicit ArchiveBytes(Exchange& exchange) : exchange_(exchange) {}
    Result<size_t> read(std::span<char> into) override { return exchange_.read(into); }

private:
    Exchange& exchange_;
};

// The data of an entry, of which the first bytes were read.
class MemberChunks : public ChunkSource {
public:
    MemberChunks(std::string first, tar::Reader& reader) : first_(std::move(first)), reader_(reader) {}
    Result<std::string_view> next() override {
        if (!begun_) {
            begun_ = true;
            return std::string_view(first_);
        }
        return reader_.data();
    }

private:
    std::string first_;
    tar::Reader& reader_;
    bool begun_ = false;
};

// As a layer is: the magic of ustar, or two blocks of zeros.
bool is_plain_tar(std::string_view first) {
    constexpr size_t magic_at = 257;
    if (first.size() < tar::block_bytes) return false;
    return first.substr(magic_at, 5) == "ustar" ||
           first.substr(0, tar::block_bytes).find_first_not_of('\0') == first.npos;
}

Result<LayerFiles> files_of(MemberChunks& chunks, size_t most) {
    LayerFiles out;
    tar::Reader reader(chunks);
    tar::Entry entry;
    while (TRY(reader.next(entry))) {
        if (entry.type != tar::Type::file || entry.size == 0) continue;
        out.bytes += entry.size;
        out.biggest.push_back({entry.path, entry.size});
        std::ranges::sort(out.biggest, [](const LayerFile& a, const LayerFile& b) {
            return a.size != b.size ? a.size > b.size : a.path < b.path;
        });
        if (out.biggest.size() > most) out.biggest.pop_back();
    }
    TRY(reader.drain());
    return out;
}

} // namespace

Result<std::map<std::string, LayerFiles>> read_layer_files(ByteSource& archive, size_t most) {
    std::map<std::string, LayerFiles> out;
    BufferedChunks chunks(archive);
    tar::Reader reader(chunks);
    tar::Entry entry;
    while (TRY(reader.next(entry))) {
        constexpr std::string_view blobs = "blobs/sha256/";
        if (entry.type != tar::Type::file || !entry.path.starts_with(blobs)) continue;
        std::string first;
        while (first.size() < tar::block_bytes) {
            std::string_view piece = TRY(reader.data());
            if (piece.empty()) break;
            first += piece;
        }
        if (!is_plain_tar(first)) continue; // a document, or packed
        MemberChunks member(std::move(first), reader);
        out.emplace("sha256:" + entry.path.substr(blobs.size()), TRY(files_of(member, most)));
    }
    TRY(reader.drain());
    return out;
}

Result<std::map<std::string, LayerFiles>> layer_files(Engine& engine, const std::string& image, size_t most) {
    if (most == 0) return std::map<std::string, LayerFiles>();
    Exchange exchange = TRY(engine.begin({.method = http::Method::get,
                                          .path = "/images/" + path_part(image) + "/get",
                                          .query = {},
                                          .body = {},
                                          .headers = {}}));
    TRY(exchange.head());
    ArchiveBytes bytes(exchange);
    return read_layer_files(bytes, most).context("read the layers of " + image);
}

} // namespace hull::cli
