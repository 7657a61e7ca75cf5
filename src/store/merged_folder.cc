#include "store/merged_folder.h"

#include <deque>
#include <filesystem>
#include <map>

#include <fcntl.h>

#include "store/whiteout.h"
#include "sys/file.h"
#include "sys/own_proc.h"
#include "sys/tree.h"

namespace hull::store {

Result<bool> is_opaque(BorrowedFd dir) {
    auto value = TRY(sys::get_xattr_at(dir, ".", "trusted.overlay.opaque"));
    return value && *value == "y";
}

Result<MergedFolder> MergedFolder::open(const std::vector<std::string>& layers) {
    MergedFolder folder;
    for (const std::string& layer : layers)
        folder.layers_.push_back(TRY(sys::open(layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)));
    return folder;
}

Result<std::vector<std::string>> MergedFolder::paths() const {
    std::vector<std::string> paths;
    for (const UniqueFd& layer : layers_) paths.push_back(TRY(sys::path_of(layer)));
    return paths;
}

Result<std::vector<MergedEntry>> MergedFolder::entries() const {
    auto shown = TRY(entries_and_whiteouts());
    std::erase_if(shown, [](const MergedEntry& entry) { return is_whiteout(entry.st); });
    return shown;
}

Result<std::vector<MergedEntry>> MergedFolder::entries_and_whiteouts() const {
    std::map<std::string, MergedEntry> seen; // whiteouts too: they hide what is below
    for (size_t i = 0; i < layers_.size(); ++i) {
        for (std::string& name : TRY(sys::names_in(layers_[i]))) {
            if (seen.contains(name)) continue;
            auto st = sys::stat_at(layers_[i], name);
            if (!st.ok()) {
                if (st.error().code() == ENOENT) continue; // it went since
                return std::move(st).error();
            }
            MergedEntry entry{name, i, *st};
            seen.emplace(std::move(name), std::move(entry));
        }
    }
    std::vector<MergedEntry> all;
    all.reserve(seen.size());
    for (auto& [name, entry] : seen) all.push_back(std::move(entry));
    return all;
}

Result<std::optional<MergedEntry>> MergedFolder::find(const std::string& name) const {
    for (size_t i = 0; i < layers_.size(); ++i) {
        auto st = sys::stat_at(layers_[i], name);
        if (!st.ok()) {
            if (st.error().code() == ENOENT) continue;
            return std::move(st).error();
        }
        if (is_whiteout(*st)) break;
        return std::optional(MergedEntry{name, i, *st});
    }
    return std::optional<MergedEntry>();
}

Result<MergedFolder> MergedFolder::enter(const MergedEntry& entry) const {
    MergedFolder inner;
    for (size_t i = entry.layer; i < layers_.size(); ++i) {
        auto one = sys::openat(layers_[i], entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!one.ok()) {
            if (one.error().code() == ENOENT && i > entry.layer) continue;
            if (i == entry.layer) return std::move(one).error().with_kind(ErrorKind::not_found);
            inner.hides_ = true; // a file or a whiteout
            break;
        }
        inner.hides_ = TRY(is_opaque(*one));
        inner.layers_.push_back(std::move(*one));
        if (inner.hides_) break;
    }
    inner.hides_ |= hides_;
    return inner;
}

namespace {

void put_in_front(std::deque<std::string>& parts, const std::string& path) {
    std::vector<std::string> added;
    for (const auto& part : std::filesystem::path(path))
        if (!part.empty() && part != "." && part != "/") added.push_back(part.string());
    parts.insert(parts.begin(), added.begin(), added.end());
}

} // namespace

Result<std::vector<std::string>> find_merged(const std::vector<std::string>& layers, const std::string& path) {
    constexpr int max_links = 40; // as the kernel's
    const Error missing(ErrorKind::not_found, "it has no \"" + path + "\"");
    std::vector<MergedFolder> way;
    way.push_back(TRY(MergedFolder::open(layers)));
    std::deque<std::string> parts;
    put_in_front(parts, path);
    for (int links = 0; !parts.empty();) {
        const std::string part = std::move(parts.front());
        parts.pop_front();
        if (part == "..") {
            if (way.size() > 1) way.pop_back();
            continue;
        }
        auto entry = TRY(way.back().find(part));
        if (!entry) return missing;
        BorrowedFd folder = way.back().dir_of(*entry);
        if (S_ISLNK(entry->st.st_mode)) {
            const std::string target = TRY(sys::read_link_at(folder, part));
            if (++links > max_links)
                return Error(ErrorKind::invalid_argument, "too many links on the way to \"" + path + "\"");
            if (target.starts_with('/')) way.resize(1);
            put_in_front(parts, target);
        } else if (S_ISDIR(entry->st.st_mode)) {
            way.push_back(TRY(way.back().enter(*entry)));
        } else if (S_ISREG(entry->st.st_mode) && parts.empty()) {
            return std::vector{TRY(sys::path_of(folder)) + "/" + part};
        } else {
            return missing;
        }
    }
    return way.back().paths();
}

} // namespace hull::store
