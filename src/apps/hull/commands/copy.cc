// cp.
#include <climits>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/format/human.h"
#include "apps/hull/stream/local_tar.h"
#include "codec/base64.h"
#include "sys/file.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

struct Place {
    std::string container; // empty: here
    std::string path;
};

// "container:path"; an absolute path, or one that begins with a dot, is here.
Place place_of(const std::string& text) {
    const size_t colon = text.find(':');
    if (text.starts_with('/') || text.starts_with('.') || colon == text.npos) return {{}, text};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

bool ends_in_dot(const std::string& path) { return path == "." || path.ends_with("/."); }
bool asks_for_folder(const std::string& path) { return path.ends_with('/') || ends_in_dot(path); }

// The last name of a path; "" of "/" and ".".
std::string base_name(std::string path) {
    while (ends_in_dot(path) && path != ".") path.pop_back();
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    std::string name = path.substr(path.rfind('/') + 1);
    return name == "." ? "" : name;
}
std::string folder_of(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const size_t slash = path.rfind('/');
    return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

struct RemoteStat {
    bool folder = false, link = false;
    std::string target;
};

// os.FileMode of Go.
constexpr uint64_t go_folder = 1ULL << 31, go_link = 1ULL << 27;

Result<std::optional<RemoteStat>> stat_remote(Engine& engine, const Place& place) {
    Query query;
    query.add("path", place.path);
    auto reply = engine.call({.method = http::Method::head,
                              .path = container_path(place.container, "archive"),
                              .query = query.str(),
                              .body = {},
                              .headers = {}});
    if (!reply.ok()) {
        if (reply.error().kind() == ErrorKind::not_found) return std::optional<RemoteStat>();
        return std::move(reply).error();
    }
    auto decoded = base64_decode(reply->headers.get("X-Docker-Container-Path-Stat"));
    if (!decoded) return Error(ErrorKind::corrupt, "the engine's answer about " + place.path + " can't be read");
    Json info = TRY(read_json(*decoded, "the engine's answer about " + place.path));
    const auto mode = static_cast<uint64_t>(real(info, "mode"));
    return std::optional(RemoteStat{
        .folder = (mode & go_folder) != 0, .link = (mode & go_link) != 0, .target = text(info, "linkTarget")});
}

Result<std::string> absolute_here(const std::string& path) {
    if (path.starts_with('/')) return path;
    char here[PATH_MAX];
    if (!::getcwd(here, sizeof here)) return Error::from_errno("getcwd");
    return std::string(here) + "/" + path;
}

void tell_copied(Session& session, uint64_t bytes, const std::string& to) {
    if (session.flags().on("quiet") || !sys::is_terminal(BorrowedFd(2))) return;
    print_error("Successfully copied " + format::decimal_size(static_cast<double>(bytes)) + " to " + to + "\n");
}

class ExchangeBody : public ByteSource {
public:
    explicit ExchangeBody(Exchange& exchange) : exchange_(exchange) {}
    Result<size_t> read(std::span<char> into) override { return exchange_.read(into); }

private:
    Exchange& exchange_;
};

Result<Exchange> get_archive(Engine& engine, const Place& from) {
    Query query;
    query.add("path", from.path);
    Exchange exchange = TRY(engine.begin(
        {.path = container_path(from.container, "archive"), .query = query.str(), .body = {}, .headers = {}}));
    TRY(exchange.head());
    return exchange;
}

Result<int> copy_from_container(Session& session, Place from, const std::string& to) {
    Engine& engine = *TRY(session.engine());
    auto source = TRY(stat_remote(engine, from));
    if (source && source->link && session.flags().on("follow-link")) {
        from.path = source->target.starts_with('/') ? source->target : folder_of(from.path) + "/" + source->target;
        source = TRY(stat_remote(engine, from));
    }
    Exchange exchange = TRY(get_archive(engine, from)); // its error says what is missing
    const bool folder = source && source->folder;
    ExchangeBody body(exchange);
    if (to == "-") {
        std::vector<char> piece(size_t{256} << 10);
        while (size_t n = TRY(body.read(piece))) TRY(sys::write_all(BorrowedFd(1), {piece.data(), n}));
        return 0;
    }
    const std::string target = TRY(absolute_here(to));
    auto there = sys::stat(target);
    if (!there.ok() && there.error().kind() != ErrorKind::not_found) return std::move(there).error();
    const bool into = there.ok() && S_ISDIR(there->st_mode);
    std::string where, top;
    if (into) {
        where = target;
        top = folder && ends_in_dot(from.path) ? "." : base_name(from.path);
    } else if (there.ok()) {
        if (folder) return Error(ErrorKind::invalid_argument, "cannot copy a directory to a file: " + to);
        if (asks_for_folder(to)) return Error(ErrorKind::invalid_argument, "not a directory: " + to);
        where = folder_of(target);
        top = base_name(target);
    } else {
        if (!folder && asks_for_folder(to))
            return Error(ErrorKind::not_found, "destination directory \"" + to + "\" must exist: no such directory");
        where = folder_of(target);
        top = base_name(target);
    }
    auto dir = sys::open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!dir.ok())
        return Error(ErrorKind::not_found, "invalid output path: directory \"" + where + "\" does not exist");
    const uint64_t bytes =
        TRY(extract_tar(body, *dir, top, session.flags().on("archive") ? Owners::kept : Owners::ours));
    tell_copied(session, bytes, to);
    return 0;
}

Result<int> copy_to_container(Session& session, std::string from, Place to) {
    Engine& engine = *TRY(session.engine());
    auto target = TRY(stat_remote(engine, to));
    // A link as the destination is followed, as cp does.
    for (int links = 0; target && target->link && links < 10; ++links) {
        to.path = target->target.starts_with('/') ? target->target : folder_of(to.path) + "/" + target->target;
        target = TRY(stat_remote(engine, to));
    }
    Query query;
    std::function<Result<size_t>(std::span<char>)> source;
    std::optional<LocalTar> tar;
    if (from == "-") {
        if (!target) {
            TRY(engine.get(container_path(to.container, "json"))); // which of the two is missing
            return Error(ErrorKind::not_found, "Could not find the file " + to.path + " in container " + to.container);
        }
        if (!target->folder)
            return Error(ErrorKind::invalid_argument,
                         "destination \"" + to.container + ":" + to.path + "\" must be a directory");
        query.add("path", to.path);
        source = [](std::span<char> into) { return sys::read(BorrowedFd(0), into); };
    } else {
        std::string path = TRY(absolute_here(from));
        auto info = session.flags().on("follow-link") || asks_for_folder(from) ? sys::stat(path) : sys::lstat(path);
        if (!info.ok()) return std::move(info).error();
        if (session.flags().on("follow-link"))
            if (char* real = ::realpath(path.c_str(), nullptr)) {
                const bool contents = ends_in_dot(path);
                path = std::string(real) + (contents ? "/." : "");
                std::free(real);
            }
        const bool folder = S_ISDIR(info->st_mode);
        if (asks_for_folder(from) && !folder) return Error(ErrorKind::invalid_argument, "not a directory: " + from);
        std::string where, top;
        if (target && target->folder) {
            where = to.path;
            top = folder && ends_in_dot(from) ? "." : base_name(path);
        } else {
            if (target && folder)
                return Error(ErrorKind::invalid_argument,
                             "cannot copy directory \"" + from + "\" to a file: " + to.container + ":" + to.path);
            if (!folder && asks_for_folder(to.path))
                return Error(ErrorKind::not_found, "destination directory \"" + to.container + ":" + to.path +
                                                       "\" must exist: no such directory");
            where = folder_of(to.path);
            top = base_name(to.path);
        }
        if (top.empty()) top = ".";
        query.add("path", where).add("noOverwriteDirNonDir", "true");
        tar.emplace(std::move(path), top);
        source = [&tar](std::span<char> into) { return tar->read(into); };
    }
    query.add_if(session.flags().on("archive"), "copyUIDGID", "true");
    http::Headers headers{{"Content-Type", "application/x-tar"}};
    Exchange exchange = TRY(engine.upload({.method = http::Method::put,
                                           .path = container_path(to.container, "archive"),
                                           .query = query.str(),
                                           .body = {},
                                           .headers = std::move(headers)},
                                          source));
    TRY(exchange.head());
    if (tar) tell_copied(session, tar->bytes(), to.container + ":" + to.path);
    return 0;
}

} // namespace

Result<int> copy_files(Session& session) {
    const auto& operands = session.operands();
    for (const std::string& one : operands)
        if (one.empty())
            return Error(ErrorKind::invalid_argument,
                         &one == operands.data() ? "source can not be empty" : "destination can not be empty");
    Place from = place_of(operands[0]), to = place_of(operands[1]);
    if (!from.container.empty() && !to.container.empty())
        return Error(ErrorKind::invalid_argument, "copying between containers is not supported");
    if (from.container.empty() && to.container.empty())
        return Error(ErrorKind::invalid_argument, "must specify at least one container source");
    for (Place* place : {&from, &to})
        if (!place->container.empty() && !place->path.starts_with('/')) place->path.insert(0, "/");
    return from.container.empty() ? copy_to_container(session, from.path, to)
                                  : copy_from_container(session, from, to.path);
}

} // namespace hull::cli
