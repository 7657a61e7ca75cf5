// build as Docker's classic builder does it: the whole context at once, each
// instruction an image (DOCKER_BUILDKIT=0).
#include <algorithm>
#include <functional>

#include <fcntl.h>

#include "apps/hull/building/request.h"
#include "apps/hull/commands/pull.h"
#include "base/random.h"
#include "build/files/pattern.h"
#include "build/files/tree.h"
#include "codec/tar_writer.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

// A folder as a tar, made as it is read.
class FolderTar {
public:
    explicit FolderTar(const build::Tree& tree) : tree_(tree), writer_(out_) {}
    // In the order of a walk, so that a hidden folder is never opened.
    Result<void> list(const build::IgnoreList& ignored, const std::vector<std::string>& always) {
        return build::walk(tree_, "", [&](const std::string& path, const build::Node& node) -> Result<bool> {
            if (path.empty()) return true;
            bool needed = std::find(always.begin(), always.end(), path) != always.end();
            if (!needed && ignored.ignores(path)) return node.is_folder() && ignored.may_take_back_below(path);
            paths_.push_back(path);
            return true;
        });
    }
    void add_text(std::string path, std::string text) { texts_.emplace_back(std::move(path), std::move(text)); }

    Result<size_t> read(std::span<char> into) {
        while (used_ == ready_.size()) {
            if (ended_) return size_t{0};
            TRY(more());
            ready_ = out_.take();
            out_ = TextSink();
            used_ = 0;
        }
        size_t n = ready_.copy(into.data(), into.size(), used_);
        used_ += n;
        return n;
    }

private:
    Result<void> more() {
        if (file_) return more_of_file();
        if (at_ < paths_.size()) return begin(paths_[at_++]);
        if (text_ < texts_.size()) {
            const auto& [path, text] = texts_[text_++];
            tar::Entry entry;
            entry.path = path;
            entry.mode = 0644;
            entry.size = text.size();
            TRY(writer_.add(entry));
            return writer_.data(text);
        }
        ended_ = true;
        return writer_.finish();
    }
    Result<void> begin(const std::string& path) {
        auto node = TRY(tree_.look(path));
        if (!node) return {}; // went away meanwhile
        tar::Entry entry;
        entry.path = node->is_folder() ? path + "/" : path;
        entry.type = node->type;
        entry.mode = node->mode;
        entry.mtime = node->mtime;
        entry.link_target = node->target;
        entry.size = node->size;
        entry.device_major = node->device_major;
        entry.device_minor = node->device_minor;
        if (node->type == tar::Type::file && node->size > 0)
            file_ = TRY(tree_.open(path).context("read the build context"));
        left_ = node->size;
        path_ = path;
        return writer_.add(entry);
    }
    Result<void> more_of_file() {
        size_t n = TRY(file_->read(std::span(buffer_).first(std::min<uint64_t>(buffer_.size(), left_))));
        if (n == 0) return Error(ErrorKind::conflict, path_ + " became shorter while it was sent");
        TRY(writer_.data({buffer_.data(), n}));
        left_ -= n;
        if (left_ == 0) file_.reset();
        return {};
    }

    const build::Tree& tree_;
    TextSink out_;
    tar::Writer writer_;
    std::vector<std::string> paths_;
    std::vector<std::pair<std::string, std::string>> texts_;
    size_t at_ = 0, text_ = 0, used_ = 0;
    std::unique_ptr<ByteSource> file_;
    uint64_t left_ = 0;
    std::string path_, ready_;
    std::vector<char> buffer_ = std::vector<char>(size_t{256} << 10);
    bool ended_ = false;
};

// Output goes on, quietly or not; the id is the last aux.
Result<std::string> follow_classic(Exchange& exchange, bool quiet) {
    TRY(exchange.head());
    std::string id;
    std::string log;
    auto read = read_progress(exchange, [&](const Json& message) {
        if (std::string found = text(message, "aux.ID"); !found.empty()) id = found;
        std::string line = text(message, "stream");
        if (quiet)
            log += line;
        else
            print(line);
    });
    // What a quiet build said is wanted when it failed.
    if (!read.ok() && quiet) print_error(log);
    TRY(std::move(read));
    return id;
}

Result<std::vector<std::string>> cache_images(const Flags& flags) {
    std::vector<std::string> out;
    for (const std::string& text : flags.list("cache-from"))
        out.push_back(TRY(cache_image(TRY(parse_cache(text, "cache-from")), text)));
    return out;
}

// A context, as a tar that read() gives piece by piece.
Result<void> send(Session& session, const std::string& dockerfile,
                  const std::function<Result<size_t>(std::span<char>)>& read, std::string& id) {
    const auto& flags = session.flags();
    Query query = TRY(build_query(flags, dockerfile, TRY(cache_images(flags))));
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->upload({.method = http::Method::post,
                                            .path = "/build",
                                            .query = query.str(),
                                            .body = {},
                                            .headers = {{"Content-Type", "application/x-tar"}}},
                                           read));
    id = TRY(follow_classic(exchange, flags.on("quiet")));
    return {};
}

Result<void> send_whole_folder(Session& session, const std::string& folder, std::string& id) {
    const Flags& flags = session.flags();
    auto opened = sys::open(folder, O_PATH | O_DIRECTORY);
    if (!opened.ok()) {
        if (opened.error().kind() == ErrorKind::not_found)
            return invalid("unable to prepare context: path \"" + folder + "\" not found");
        return std::move(opened).error().context("unable to prepare context");
    }
    build::FolderTree tree(std::move(*opened));
    std::string name = flags.text("file").empty() ? "Dockerfile" : flags.text("file");
    std::string in_context, outside;
    // By -f a path from here; without it one in the context.
    if (flags.text("file").empty()) {
        in_context = name;
    } else if (name == "-") {
        outside = TRY(sys::read_file("/proc/self/fd/0", max_file_bytes));
    } else {
        auto real = TRY(real_path_of(name).context("unable to evaluate the path of the Dockerfile"));
        auto top = TRY(real_path_of(folder));
        if (real.starts_with(top + "/"))
            in_context = real.substr(top.size() + 1);
        else
            outside = TRY(sys::read_file(name, max_file_bytes));
    }
    build::IgnoreList ignored;
    for (const std::string& path : {in_context + ".dockerignore", std::string(".dockerignore")}) {
        auto node = TRY(tree.look(path));
        if (!node || node->type != tar::Type::file || node->size > max_file_bytes) continue;
        auto source = TRY(tree.open(path));
        std::string text(node->size, '\0');
        text.resize(TRY(read_full(*source, text)));
        ignored = TRY(build::IgnoreList::parse(text).context(path));
        break;
    }
    FolderTar tar(tree);
    TRY(tar.list(ignored, {in_context, ".dockerignore"}).context("read the build context"));
    if (in_context.empty()) {
        in_context = ".dockerfile." + random_hex(10);
        tar.add_text(in_context, outside);
    }
    return send(session, in_context, [&](std::span<char> into) { return tar.read(into); }, id);
}

Result<void> send_standard_input(Session& session, std::string& id) {
    const std::string file = session.flags().text("file");
    return send(
        session, file.empty() ? "Dockerfile" : file,
        [](std::span<char> into) { return sys::read(BorrowedFd(0), into); }, id);
}

} // namespace

Result<std::string> build_classic(Session& session, const std::string& context) {
    std::string id;
    if (context == "-")
        TRY(send_standard_input(session, id));
    else
        TRY(send_whole_folder(session, context, id));
    return id;
}

} // namespace hull::cli
