// build: a folder, or what comes on stdin, to the engine's builder.
#include <algorithm>
#include <cstdlib>

#include <fcntl.h>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/pull.h"
#include "apps/hull/options/values.h"
#include "base/random.h"
#include "build/files/pattern.h"
#include "build/files/tree.h"
#include "codec/json.h"
#include "codec/tar_writer.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

constexpr size_t max_file_bytes = size_t{16} << 20; // of a Dockerfile, a .dockerignore

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

// "A=b": the value; "A": the environment's, or only a name that may be used.
json::Object pairs_of(const std::vector<std::string>& list, bool from_environment) {
    json::Object out;
    for (const std::string& entry : list) {
        size_t equals = entry.find('=');
        if (equals != entry.npos) {
            out[entry.substr(0, equals)] = entry.substr(equals + 1);
        } else if (const char* value = from_environment ? std::getenv(entry.c_str()) : nullptr) {
            out[entry] = value;
        } else {
            out[entry] = from_environment ? json::Value(nullptr) : json::Value("");
        }
    }
    return out;
}

Result<Query> query_of(const Flags& flags, const std::string& dockerfile) {
    Query query;
    for (const std::string& tag : flags.list("tag")) query.add("t", tag);
    query.add("dockerfile", dockerfile)
        .add_unless_empty("target", flags.text("target"))
        .add_unless_empty("platform", flags.text("platform"))
        .add_unless_empty("networkmode", flags.text("network"))
        .add_unless_empty("cgroupparent", flags.text("cgroup-parent"))
        .add_unless_empty("cpusetcpus", flags.text("cpuset-cpus"))
        .add_unless_empty("cpusetmems", flags.text("cpuset-mems"))
        .add_if(flags.on("no-cache"), "nocache", "1")
        .add_if(flags.on("pull"), "pull", "1")
        .add_if(flags.on("squash"), "squash", "1")
        .add("rm", flags.on("rm") ? "1" : "0")
        .add_if(flags.on("force-rm"), "forcerm", "1");
    for (auto [flag, name] : {std::pair{"memory", "memory"},
                              {"memory-swap", "memswap"},
                              {"shm-size", "shmsize"},
                              {"cpu-shares", "cpushares"},
                              {"cpu-period", "cpuperiod"},
                              {"cpu-quota", "cpuquota"}})
        if (flags.given(flag)) query.add(name, std::to_string(flags.number(flag)));
    for (const std::string& host : flags.list("add-host")) query.add("extrahosts", host);
    query.add("buildargs", json::print(pairs_of(flags.list("build-arg"), true)));
    query.add("labels", json::print(pairs_of(flags.list("label"), false)));
    if (auto list = flags.list("security-opt"); !list.empty())
        query.add("securityopt", json::print(json::encode(list)));
    if (auto list = flags.list("cache-from"); !list.empty()) query.add("cachefrom", json::print(json::encode(list)));
    if (auto list = flags.list("ulimit"); !list.empty()) {
        json::Array limits;
        for (const std::string& text : list) {
            auto limit = TRY(parse_ulimit(text));
            limits.push_back(json::Object{{"Name", limit.name}, {"Hard", limit.hard}, {"Soft", limit.soft}});
        }
        query.add("ulimits", json::print(limits));
    }
    return query;
}

// Output goes on, quietly or not; the id is the last aux.
Result<std::string> follow(Exchange& exchange, bool quiet) {
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

Result<std::string> real_path(const std::string& path) {
    UniqueFd file = TRY(sys::open(path, O_PATH));
    return sys::readlink("/proc/self/fd/" + std::to_string(file.get()));
}

Result<void> send_folder(Session& session, const std::string& folder, std::string& id) {
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
        auto real = TRY(real_path(name).context("unable to evaluate the path of the Dockerfile"));
        auto top = TRY(real_path(folder));
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
    Query query = TRY(query_of(flags, in_context));
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->upload({.method = http::Method::post,
                                            .path = "/build",
                                            .query = query.str(),
                                            .body = {},
                                            .headers = {{"Content-Type", "application/x-tar"}}},
                                           [&](std::span<char> into) { return tar.read(into); }));
    id = TRY(follow(exchange, flags.on("quiet")));
    return {};
}

Result<void> send_standard_input(Session& session, std::string& id) {
    Query query = TRY(
        query_of(session.flags(), session.flags().text("file").empty() ? "Dockerfile" : session.flags().text("file")));
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->upload({.method = http::Method::post,
                                            .path = "/build",
                                            .query = query.str(),
                                            .body = {},
                                            .headers = {{"Content-Type", "application/x-tar"}}},
                                           [](std::span<char> into) { return sys::read(BorrowedFd(0), into); }));
    id = TRY(follow(exchange, session.flags().on("quiet")));
    return {};
}

} // namespace

Result<int> build_image(Session& session) {
    const Flags& flags = session.flags();
    const std::string& context = session.operands()[0];
    for (const char* name : {"secret", "ssh", "output", "cache-to", "build-context"})
        if (flags.given(name)) return Error(ErrorKind::unsupported, std::string("--") + name + " is not supported yet");
    if (context.starts_with("http://") || context.starts_with("https://") || context.starts_with("git@"))
        return Error(ErrorKind::unsupported, "building from " + context + " is not supported: fetch it first");
    std::string id;
    if (context == "-")
        TRY(send_standard_input(session, id));
    else
        TRY(send_folder(session, context, id));
    if (flags.on("quiet")) print(id + "\n");
    if (std::string file = flags.text("iidfile"); !file.empty())
        TRY(sys::replace_file(file, id, 0644).context("--iidfile"));
    return 0;
}

} // namespace hull::cli
