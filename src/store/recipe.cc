#include "store/recipe.h"

#include <array>
#include <bit>
#include <cstring>

#include <fcntl.h>

#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr std::string_view magic = "HULLRCP1";
constexpr char raw_mark = 'R', contents_mark = 'F', end_mark = 'E';
constexpr size_t raw_flush_bytes = size_t{64} << 10, max_raw_bytes = size_t{1} << 20, max_path_bytes = size_t{64} << 10;

template <class N>
void append_number(std::string& out, N value) {
    for (size_t i = 0; i < sizeof(N); ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

Error damaged() { return {ErrorKind::corrupt, "the layer's recipe is damaged"}; }

class RecipeReader {
public:
    explicit RecipeReader(ByteSource& in) : in_(in) {}
    Result<void> text(size_t bytes, std::string& out) {
        out.resize(bytes);
        size_t have = TRY(read_full(in_, out));
        if (have != bytes) return damaged();
        return {};
    }
    template <class N>
    Result<N> number() {
        std::array<char, sizeof(N)> bytes{};
        size_t have = TRY(read_full(in_, bytes));
        if (have != bytes.size()) return damaged();
        N value = 0;
        for (size_t i = 0; i < sizeof(N); ++i)
            value |= static_cast<N>(static_cast<N>(static_cast<unsigned char>(bytes[i])) << (8 * i));
        return value;
    }

private:
    ByteSource& in_;
};

Result<void> copy_contents(BorrowedFd tree, const std::string& path, uint64_t offset, uint64_t length,
                           std::string& buffer, ByteSink& sink) {
    auto opened = sys::open_beneath(tree, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, sys::Links::in_root);
    if (!opened.ok()) return std::move(opened).error().with_kind(ErrorKind::corrupt);
    while (length > 0) {
        size_t want = static_cast<size_t>(std::min<uint64_t>(length, buffer.size()));
        size_t n = TRY(sys::read_at(*opened, offset, {buffer.data(), want}).context([&] { return path; }));
        if (n == 0) return Error(ErrorKind::corrupt, path + " is shorter than it was");
        TRY(sink.write(std::string_view(buffer).substr(0, n)));
        offset += n;
        length -= n;
    }
    return {};
}

} // namespace

Result<std::unique_ptr<RecipeWriter>> RecipeWriter::create(std::string path, BorrowedFd tree) {
    std::unique_ptr<RecipeWriter> writer(new RecipeWriter(std::move(path), tree));
    TRY(writer->begin());
    return writer;
}

Result<void> RecipeWriter::begin() {
    fd_ = TRY(sys::open(path_, O_WRONLY | O_CREAT | O_EXCL, 0600));
    file_ = std::make_unique<FdSink>(fd_);
    out_ = zstd_sink(*file_, 1);
    return out_->write(magic);
}

Result<void> RecipeWriter::flush_raw() {
    if (raw_.empty()) return {};
    std::string head(1, raw_mark);
    append_number(head, static_cast<uint32_t>(raw_.size()));
    TRY(out_->write(head));
    TRY(out_->write(raw_));
    raw_.clear();
    return {};
}

Result<void> RecipeWriter::flush_contents() {
    if (length_ == 0) return {};
    std::string record(1, contents_mark);
    append_number(record, static_cast<uint32_t>(file_path_.size()));
    record += file_path_;
    append_number(record, offset_);
    append_number(record, length_);
    length_ = 0;
    return out_->write(record);
}

Result<void> RecipeWriter::write(std::string_view raw) {
    TRY(flush_contents());
    while (!raw.empty()) {
        std::string_view piece = raw.substr(0, max_raw_bytes - raw_.size());
        raw_ += piece;
        raw.remove_prefix(piece.size());
        if (raw_.size() >= raw_flush_bytes) TRY(flush_raw());
    }
    return {};
}

Result<void> RecipeWriter::contents(std::string_view path, uint64_t offset, std::string_view bytes) {
    if (keeping_) return write(bytes);
    if (length_ > 0 && offset == offset_ + length_ && path == file_path_) {
        length_ += bytes.size();
        return {};
    }
    TRY(flush_contents());
    TRY(flush_raw());
    file_path_ = path;
    offset_ = offset;
    length_ = bytes.size();
    return {};
}

Result<void> RecipeWriter::keep_contents() {
    if (keeping_) return {};
    // What the recipe stands for up to here becomes the start of a new one that
    // doesn't refer to the tree.
    TRY(end());
    std::string old = path_ + ".old";
    TRY(sys::rename(path_, old));
    TRY(begin());
    keeping_ = true;
    TRY(replay_recipe(old, tree_, *this));
    return sys::unlink(old);
}

Result<void> RecipeWriter::end() {
    TRY(flush_contents());
    TRY(flush_raw());
    TRY(out_->write(std::string_view(&end_mark, 1)));
    return out_->finish();
}

Result<void> RecipeWriter::finish() { return end(); }

Result<void> replay_recipe(const std::string& path, BorrowedFd tree, ByteSink& sink) {
    UniqueFd fd = TRY(sys::open(path, O_RDONLY));
    FdSource file(fd);
    auto plain = unzstd(file);
    RecipeReader in(*plain);
    std::string text, buffer(size_t{256} << 10, '\0');
    TRY(in.text(magic.size(), text));
    if (text != magic) return damaged();
    for (;;) {
        auto mark = TRY(in.number<uint8_t>());
        if (mark == end_mark) return {};
        auto bytes = TRY(in.number<uint32_t>());
        if (mark == raw_mark && bytes <= max_raw_bytes) {
            TRY(in.text(bytes, text));
            TRY(sink.write(text));
        } else if (mark == contents_mark && bytes <= max_path_bytes) {
            TRY(in.text(bytes, text));
            auto offset = TRY(in.number<uint64_t>());
            auto length = TRY(in.number<uint64_t>());
            TRY(copy_contents(tree, text, offset, length, buffer, sink));
        } else {
            return damaged();
        }
    }
}

} // namespace hull::store
