#include "store/tree_lookup.h"

#include <algorithm>
#include <deque>
#include <vector>

#include <fcntl.h>

#include "sys/file.h"
#include "sys/resolve.h"
#include "sys/tree.h"

namespace hull::store {

namespace {

constexpr int most_links = 255;

void append_parts(std::string_view path, std::vector<std::string>& parts) {
    while (!path.empty()) {
        size_t end = std::min(path.find('/'), path.size());
        if (end != 0) parts.emplace_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
}

void drop_last(std::string& path) {
    size_t slash = path.rfind('/');
    path.resize(slash == path.npos ? 0 : slash);
}

bool wants_folder(std::string_view path) { return path.ends_with('/') || path.ends_with("/.") || path == "."; }

} // namespace

std::string clean_absolute(std::string_view path) {
    std::vector<std::string> parts;
    append_parts(path, parts);
    std::string clean;
    for (const std::string& part : parts) {
        if (part == ".") continue;
        if (part == "..")
            drop_last(clean);
        else
            clean.append("/").append(part);
    }
    return clean.empty() ? "/" : clean;
}

Result<std::string> follow_links(BorrowedFd root, const std::string& path) {
    std::vector<std::string> parts;
    append_parts(path, parts);
    std::deque<std::string> left(parts.begin(), parts.end());
    std::string done; // holds no links
    for (int links = 0; !left.empty();) {
        std::string part = std::move(left.front());
        left.pop_front();
        if (part == ".") continue;
        if (part == "..") {
            drop_last(done);
            continue;
        }
        std::string here = done + "/" + part;
        auto opened = sys::open_beneath(root, here, O_PATH | O_NOFOLLOW, sys::Links::in_root);
        if (opened.ok() && S_ISLNK(TRY(sys::stat_fd(*opened)).st_mode)) {
            if (++links > most_links) return Error::from_errno("follow links of", path, ELOOP);
            std::string target = TRY(sys::read_link_at(*opened, ""));
            if (target.starts_with('/')) done.clear();
            parts.clear();
            append_parts(target, parts);
            left.insert(left.begin(), parts.begin(), parts.end());
            if (left.size() > 4096) return Error::from_errno("follow links of", path, ENAMETOOLONG);
            continue;
        }
        done = std::move(here);
    }
    return done.empty() ? "/" : done;
}

Result<FoundPath> find_path(BorrowedFd root, const std::string& path) {
    const std::string clean = clean_absolute(path);
    FoundPath found;
    if (wants_folder(path) || clean == "/") {
        auto opened = sys::open_beneath(root, clean, O_PATH | O_DIRECTORY, sys::Links::in_root);
        if (!opened.ok() && opened.error().code() == ENOTDIR)
            return Error(ErrorKind::invalid_argument, "lstat " + path + ": not a directory");
        found.dir = TRY(std::move(opened));
        found.name = ".";
        found.st = TRY(sys::stat_fd(found.dir));
        return found;
    }
    size_t slash = clean.rfind('/');
    auto above =
        sys::open_beneath(root, slash == 0 ? "/" : clean.substr(0, slash), O_PATH | O_DIRECTORY, sys::Links::in_root);
    if (!above.ok() && above.error().code() == ENOTDIR) return std::move(above).error().with_kind(ErrorKind::not_found);
    found.dir = TRY(std::move(above));
    found.name = clean.substr(slash + 1);
    found.st = TRY(sys::stat_at(found.dir, found.name));
    if (S_ISLNK(found.st.st_mode)) found.link_target = TRY(follow_links(root, clean));
    if (!S_ISDIR(found.st.st_mode)) return found;
    // From now on this very folder, whatever gets its name.
    found.dir = TRY(sys::openat(found.dir, found.name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    found.name = ".";
    return found;
}

Result<std::string> read_small_file(BorrowedFd root, const std::string& path, size_t limit) {
    UniqueFd file = TRY(sys::open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, sys::Links::in_root));
    if (!S_ISREG(TRY(sys::stat_fd(file)).st_mode)) return invalid(path + " is not a file");
    std::string text(limit + 1, '\0');
    size_t have = 0;
    while (have < text.size()) {
        size_t got = TRY(sys::read(file, std::span(text).subspan(have)));
        if (got == 0) break;
        have += got;
    }
    if (have > limit) return Error(ErrorKind::too_large, path + " is larger than " + std::to_string(limit) + " bytes");
    text.resize(have);
    return text;
}

} // namespace hull::store
