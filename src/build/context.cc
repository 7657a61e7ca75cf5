#include "build/context.h"

#include <algorithm>

#include <fcntl.h>

#include "codec/compress/sha256.h"
#include "codec/tar_reader.h"
#include "sys/file.h"
#include "sys/file_at.h"

namespace hull::build {

namespace {

constexpr size_t spool_buffer = size_t{1} << 20;

// A part of the spool file.
class SpoolSource : public ByteSource {
public:
    SpoolSource(std::shared_ptr<Spool> spool, uint64_t offset, uint64_t size)
        : spool_(std::move(spool)), at_(offset), left_(size) {}
    Result<size_t> read(std::span<char> into) override {
        if (left_ == 0) return size_t{0};
        size_t n = TRY(sys::read_at(spool_->file, at_, into.first(std::min<uint64_t>(into.size(), left_))));
        if (n == 0) return Error(ErrorKind::corrupt, "the spool file of the build context is too short");
        at_ += n;
        left_ -= n;
        return n;
    }

private:
    std::shared_ptr<Spool> spool_;
    uint64_t at_, left_;
};

// Leading slashes and dots are the archiver's way; ".." that leads out is not.
Result<std::string> entry_path(const std::string& path, size_t most) {
    if (path.size() > most)
        return invalid("a name in the build context is longer than " + std::to_string(most) + " bytes");
    int depth = 0;
    for (size_t begin = 0; begin <= path.size();) {
        size_t end = std::min(path.find('/', begin), path.size());
        std::string_view part = std::string_view(path).substr(begin, end - begin);
        if (part == "..")
            --depth;
        else if (!part.empty() && part != ".")
            ++depth;
        if (depth < 0) return invalid("the build context holds a name that leads out of it: " + path);
        begin = end + 1;
    }
    return clean_relative(path);
}

} // namespace

Result<std::shared_ptr<Spool>> Spool::create(const std::string& folder) {
    auto spool = std::make_shared<Spool>();
    spool->file = TRY(sys::open(folder, O_TMPFILE | O_RDWR, 0600).context("make room for the build context"));
    return spool;
}

// Fills a context from a tar.
class ContextReader {
public:
    ContextReader(Context& context, const ContextLimits& limits) : context_(context), limits_(limits) {}

    Result<void> run(ByteSource& tar) {
        BufferedChunks chunks(tar);
        tar::Reader reader(chunks);
        tar::Entry entry;
        for (uint64_t entries = 0; TRY(reader.next(entry)); ++entries) {
            if (entries == limits_.entries)
                return Error(ErrorKind::too_large,
                             "the build context has more than " + std::to_string(entries) + " entries");
            TRY(take(entry, reader));
        }
        TRY(reader.drain());
        return context_.flush();
    }

private:
    Result<void> take(const tar::Entry& entry, tar::Reader& reader) {
        std::string path = TRY(entry_path(entry.path, limits_.path_bytes));
        if (path.empty()) return {}; // the root: its settings are nobody's
        TRY(context_.add_folders_of(path));
        Context::Item item;
        if (entry.type == tar::Type::hard_link) {
            std::string target = TRY(entry_path(entry.link_target, limits_.path_bytes));
            auto found = context_.items_.find(target);
            if (found == context_.items_.end() || found->second.node.is_folder())
                return invalid("the build context has a hard link to nothing: " + entry.path + " -> " +
                               entry.link_target);
            item = found->second;
        } else {
            item.node = Node{entry.type,     entry.mode, entry.uid,         entry.gid,          entry.mtime,
                             entry.mtime_ns, 0,          entry.link_target, entry.device_major, entry.device_minor,
                             entry.xattrs,   0};
            if (entry.type == tar::Type::file) TRY(take_contents(entry, reader, item));
        }
        auto [there, fresh] = context_.items_.try_emplace(path, item);
        if (!fresh) {
            if (there->second.node.is_folder() && !item.node.is_folder()) remove_below(path);
            there->second = std::move(item);
        }
        return {};
    }
    void remove_below(const std::string& path) {
        auto first = context_.items_.lower_bound(path + "/"), last = context_.items_.lower_bound(path + "0");
        context_.items_.erase(first, last);
    }
    Result<void> take_contents(const tar::Entry& entry, tar::Reader& reader, Context::Item& item) {
        if (entry.size > limits_.bytes || context_.spool_->end + context_.pending_.size() + entry.size > limits_.bytes)
            return Error(ErrorKind::too_large,
                         "the build context is larger than " + std::to_string(limits_.bytes) + " bytes");
        item.offset = context_.spool_->end + context_.pending_.size();
        item.node.size = entry.size;
        Sha256 hash;
        auto put = [&](std::string_view bytes) -> Result<void> {
            hash.update(bytes);
            return context_.write(bytes);
        };
        uint64_t at = 0;
        size_t segment = 0;
        uint64_t in_segment = 0;
        auto zeros_to = [&](uint64_t end) -> Result<void> {
            static const std::string zeros(65536, '\0');
            while (at < end) {
                auto n = std::min<uint64_t>(zeros.size(), end - at);
                TRY(put(std::string_view(zeros).substr(0, n)));
                at += n;
            }
            return {};
        };
        for (;;) {
            std::string_view data = TRY(reader.data());
            if (data.empty()) break;
            while (entry.sparse && !data.empty() && segment < entry.segments.size()) {
                const tar::Segment& s = entry.segments[segment];
                TRY(zeros_to(s.offset + in_segment));
                auto n = std::min<uint64_t>(data.size(), s.length - in_segment);
                TRY(put(data.substr(0, n)));
                at += n;
                in_segment += n;
                data.remove_prefix(n);
                if (in_segment == s.length) {
                    ++segment;
                    in_segment = 0;
                }
            }
            if (entry.sparse) continue;
            TRY(put(data));
            at += data.size();
        }
        TRY(zeros_to(entry.size));
        item.digest = hash.hex_digest();
        return {};
    }
    Context& context_;
    const ContextLimits& limits_;
};

Result<std::unique_ptr<Context>> Context::from_tar(ByteSource& tar, const std::string& folder,
                                                   const ContextLimits& limits) {
    auto spool = TRY(Spool::create(folder));
    std::unique_ptr<Context> context(new Context(std::move(spool)));
    TRY(ContextReader(*context, limits).run(tar));
    return context;
}

Result<std::unique_ptr<Context>> Context::from_file(const std::string& name, ByteSource& contents,
                                                    const std::string& folder, uint32_t mode) {
    auto spool = TRY(Spool::create(folder));
    std::unique_ptr<Context> context(new Context(std::move(spool)));
    Item item;
    item.node.mode = mode;
    Sha256 hash;
    std::string buffer(65536, '\0');
    for (;;) {
        size_t n = TRY(contents.read(buffer));
        if (n == 0) break;
        std::string_view piece = std::string_view(buffer).substr(0, n);
        hash.update(piece);
        TRY(context->write(piece));
        item.node.size += n;
    }
    item.digest = hash.hex_digest();
    TRY(context->flush());
    context->items_.emplace(name, std::move(item));
    return context;
}

Result<void> Context::write(std::string_view bytes) {
    pending_.append(bytes);
    return pending_.size() < spool_buffer ? Result<void>() : flush();
}

Result<void> Context::flush() {
    TRY(sys::write_all_at(spool_->file, spool_->end, pending_).context("keep the build context"));
    spool_->end += pending_.size();
    pending_ = {};
    return {};
}

// Folders that the tar left out; what stood there as something else gives way.
Result<void> Context::add_folders_of(const std::string& path) {
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
        auto [there, fresh] = items_.try_emplace(path.substr(0, slash));
        if (fresh || !there->second.node.is_folder()) {
            if (!fresh && there->second.node.type == tar::Type::symlink)
                return invalid("the build context has a name below a link: " + path);
            there->second = Item{.node = Node::folder()};
        }
    }
    return {};
}

Result<std::optional<Node>> Context::look(const std::string& path) const {
    if (path.empty()) return std::optional(Node::folder());
    auto found = items_.find(path);
    if (found == items_.end()) return std::optional<Node>();
    return std::optional(found->second.node);
}

Result<std::vector<std::string>> Context::children(const std::string& path) const {
    std::vector<std::string> names;
    const std::string prefix = path.empty() ? "" : path + "/";
    for (auto at = items_.lower_bound(prefix); at != items_.end() && at->first.starts_with(prefix);) {
        size_t end = std::min(at->first.find('/', prefix.size()), at->first.size());
        names.push_back(at->first.substr(prefix.size(), end - prefix.size()));
        // Past everything below it: '0' comes after '/'.
        auto next = std::next(at);
        std::string below = prefix + names.back() + "/";
        at = next != items_.end() && next->first.starts_with(below) ? items_.lower_bound(prefix + names.back() + "0")
                                                                    : next;
    }
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

Result<std::unique_ptr<ByteSource>> Context::open(const std::string& path) const {
    auto found = items_.find(path);
    if (found == items_.end()) return Error(ErrorKind::not_found, path + " is not in the build context");
    return std::unique_ptr<ByteSource>(
        std::make_unique<SpoolSource>(spool_, found->second.offset, found->second.node.size));
}

std::optional<std::string> Context::known_digest(const std::string& path) const {
    auto found = items_.find(path);
    if (found == items_.end()) return std::nullopt;
    return found->second.digest;
}

Result<std::string> Context::read(const std::string& path, size_t limit) const {
    std::string real = TRY(resolve(*this, path, FinalLink::followed));
    auto found = items_.find(real);
    if (found == items_.end() || found->second.node.type != tar::Type::file)
        return Error(ErrorKind::not_found, path + " is not a file of the build context");
    if (found->second.node.size > limit)
        return Error(ErrorKind::too_large, path + " is longer than " + std::to_string(limit) + " bytes");
    std::string text(found->second.node.size, '\0');
    SpoolSource source(spool_, found->second.offset, found->second.node.size);
    TRY(read_full(source, text));
    return text;
}

bool is_web_address(const std::string& text) { return text.starts_with("http://") || text.starts_with("https://"); }

void Context::date(int64_t seconds) {
    for (auto& [path, item] : items_) {
        item.node.mtime = seconds;
        item.node.mtime_ns = 0;
    }
}

std::optional<std::string> Context::recall(const std::string& question) const {
    std::lock_guard lock(memory_mutex_);
    auto found = memory_.find(question);
    return found == memory_.end() ? std::nullopt : std::optional(found->second);
}

void Context::remember(const std::string& question, const std::string& answer) const {
    constexpr size_t most_answers = 512;
    std::lock_guard lock(memory_mutex_);
    if (memory_.size() == most_answers) memory_.clear();
    memory_[question] = answer;
}

uint64_t Context::bytes() const {
    uint64_t sum = 0;
    for (const auto& [path, item] : items_) sum += item.node.size;
    return sum;
}

void Context::leave_out(const IgnoreList& list) {
    if (list.empty()) return;
    std::erase_if(items_, [&](const auto& item) { return list.ignores(item.first); });
    // What was taken back needs its folders.
    std::vector<std::string> kept;
    for (const auto& [path, item] : items_) kept.push_back(path);
    for (const std::string& path : kept) (void)add_folders_of(path);
}

} // namespace hull::build
