#include "image/archive.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "codec/compress/compress.h"
#include "codec/compress/sha256.h"
#include "store/unpack.h"

namespace hull::image {

namespace {

constexpr uint64_t max_document_bytes = uint64_t{4} << 20, max_documents_bytes = uint64_t{64} << 20;
constexpr size_t max_layers = 4096, max_links = 4096;
// manifest.json, <id>/layer.tar, blobs/sha256/<hex>: image archives are not deep.
constexpr ptrdiff_t max_slashes = 2;

// What is left of an entry, counted and hashed as it is read.
class EntrySource : public ByteSource {
public:
    explicit EntrySource(tar::Reader& reader) : reader_(reader) {}
    Result<size_t> read(std::span<char> into) override {
        if (piece_.empty()) piece_ = TRY(reader_.data());
        size_t n = piece_.copy(into.data(), into.size());
        piece_.remove_prefix(n);
        return n;
    }

private:
    tar::Reader& reader_;
    std::string_view piece_;
};

class Measured : public ByteSource {
public:
    Measured(ByteSource& source, bool hashed) : source_(source), hashed_(hashed) {}
    Result<size_t> read(std::span<char> into) override {
        size_t n = TRY(source_.read(into));
        if (hashed_) hash_.update({into.data(), n});
        bytes_ += n;
        return n;
    }
    Result<void> drain() {
        std::string rest(size_t{64} << 10, '\0');
        for (;;) {
            size_t n = TRY(read(rest));
            if (n == 0) return {};
        }
    }
    uint64_t bytes() const { return bytes_; }
    Digest digest() { return Digest::from_sha256_hex(hash_.hex_digest()); }

private:
    ByteSource& source_;
    bool hashed_;
    Sha256 hash_;
    std::atomic<uint64_t> bytes_ = 0; // read by the thread that tells the progress
};

std::optional<std::string> cleaned(std::string_view path) {
    auto clean = store::clean_path(path, {});
    if (!clean.ok() || clean->empty()) return std::nullopt;
    return std::move(clean).value();
}

bool is_tar(std::string_view head) {
    if (head.size() < tar::block_bytes) return false;
    std::string_view block = head.substr(0, tar::block_bytes);
    if (tar::is_zero(block)) return true; // an empty one
    auto sum = tar::parse_number(tar::field(block, tar::at::checksum));
    return sum && *sum == tar::checksums(block).unsigned_sum;
}

// The digits that the progress of a layer goes by: those in its name.
std::string progress_id(std::string_view path) {
    size_t best = 0, length = 0;
    for (size_t i = 0; i < path.size();) {
        size_t n = std::min(path.find_first_not_of("0123456789abcdef", i), path.size()) - i;
        if (n > length) {
            best = i;
            length = n;
        }
        i += n + 1;
    }
    return std::string(path.substr(best, std::min<size_t>(length, 12)));
}

} // namespace

Result<Archive> Archive::read(ByteSource& stream, store::LayerStore& layers, const LoadCallback& progress) {
    auto plain = TRY(decompress(stream));
    BufferedChunks chunks(*plain);
    tar::Reader reader(chunks);
    Archive archive;
    tar::Entry entry;
    for (;;) {
        bool more = TRY(reader.next(entry).context("read the archive"));
        if (!more) break;
        TRY(archive.take(entry, reader, layers, progress));
    }
    TRY(reader.drain());
    return archive;
}

Result<void> Archive::take(const tar::Entry& entry, tar::Reader& reader, store::LayerStore& layers,
                           const LoadCallback& progress) {
    auto path = cleaned(entry.path);
    if (!path || std::count(path->begin(), path->end(), '/') > max_slashes) return {};
    if (entry.type == tar::Type::symlink || entry.type == tar::Type::hard_link) {
        // Old `docker save` links a layer that it has written already.
        size_t slash = path->rfind('/');
        std::string from = entry.type == tar::Type::hard_link || slash == path->npos ? "" : path->substr(0, slash + 1);
        auto target = cleaned(from + entry.link_target);
        if (target && links_.size() < max_links) links_.insert_or_assign(*path, *target);
        return {};
    }
    if (entry.type != tar::Type::file || entry.sparse) return {};
    std::string head(tar::block_bytes, '\0');
    EntrySource source(reader);
    size_t have = TRY(read_full(source, head));
    head.resize(have);
    if (is_tar(head) || detect_compression(head) != Compression::none)
        return take_layer(*path, std::move(head), entry, source, layers, progress);
    if (entry.size <= max_document_bytes) return take_document(*path, std::move(head), source);
    return {};
}

Result<void> Archive::take_document(const std::string& path, std::string head, ByteSource& rest) {
    PrefixedSource source(std::move(head), rest);
    std::string text(max_document_bytes, '\0');
    size_t have = TRY(read_full(source, text));
    text.resize(have);
    document_bytes_ += text.size();
    if (document_bytes_ > max_documents_bytes)
        return Error(ErrorKind::too_large, "the archive holds too many documents");
    documents_.insert_or_assign(path, std::move(text));
    return {};
}

Result<void> Archive::take_layer(const std::string& path, std::string head, const tar::Entry& entry, ByteSource& rest,
                                 store::LayerStore& layers, const LoadCallback& progress) {
    if (layers_.size() >= max_layers) return Error(ErrorKind::too_large, "the archive holds too many layers");
    const bool compressed = !is_tar(head);
    PrefixedSource whole(std::move(head), rest);
    Measured measured(whole, compressed);
    auto plain = TRY(decompress(measured).context([&] { return path; }));

    LoadProgress state{progress_id(path), 0, entry.size};
    store::StageOptions options;
    options.budget = left_;
    std::optional<Error> stopped;
    options.progress = [&](uint64_t) -> Result<void> {
        state.current = measured.bytes();
        auto told = progress ? progress(state) : Result<void>();
        if (!told.ok()) stopped = told.error();
        return told;
    };
    auto staged = layers.stage(*plain, options);
    ArchivedLayer layer;
    if (!staged.ok()) {
        // It may be a file that no image of the archive names.
        if (stopped || staged.error().kind() != ErrorKind::invalid_argument) return std::move(staged).error();
        layer.broken = std::move(staged).error();
        layers_.insert_or_assign(path, std::move(layer));
        return {};
    }
    TRY(measured.drain());
    state.current = state.total;
    if (progress) TRY(progress(state));
    layer.staged = std::move(staged).value();
    layer.diff_id = layer.staged->diff_id();
    layer.content = compressed ? measured.digest() : layer.diff_id;
    layer.content_size = entry.size;
    left_.bytes -= std::min(left_.bytes, layer.staged->tar_size());
    left_.entries -= std::min(left_.entries, layer.staged->entries());
    layers_.insert_or_assign(path, std::move(layer));
    return {};
}

std::string Archive::followed(std::string_view path) const {
    std::string at = cleaned(path).value_or("");
    for (int i = 0; i < 8; ++i) {
        auto it = links_.find(at);
        if (it == links_.end()) break;
        at = it->second;
    }
    return at;
}

const std::string* Archive::document(std::string_view path) const {
    auto it = documents_.find(followed(path));
    return it == documents_.end() ? nullptr : &it->second;
}

ArchivedLayer* Archive::layer(std::string_view path) {
    auto it = layers_.find(followed(path));
    return it == layers_.end() ? nullptr : &it->second;
}

const ArchivedLayer* Archive::find_layer(std::string_view path) const {
    auto it = layers_.find(followed(path));
    return it == layers_.end() ? nullptr : &it->second;
}

} // namespace hull::image
