#include "build/copy.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "build/archive_tree.h"
#include "codec/compress/sha256.h"
#include "codec/tar_writer.h"

namespace hull::build {

namespace {

std::string joined(const std::string& folder, const std::string& name) {
    if (folder.empty()) return name;
    return name.empty() ? folder : folder + "/" + name;
}
std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string folder_name(const std::string& path) {
    size_t slash = path.rfind('/');
    return slash == path.npos ? "" : path.substr(0, slash);
}

// Where things go in the stage, by the links that are there already.
class Destination {
public:
    Destination(const Tree& base, bool alone) : base_(base), alone_(alone) {}

    // path with the links on its way followed.
    Result<std::string> real(const std::string& path) {
        if (alone_) return path;
        auto known = real_.find(path);
        if (known != real_.end()) return known->second;
        std::string found = TRY(resolve(base_, path, FinalLink::followed));
        real_.emplace(path, found);
        return found;
    }
    Result<std::optional<Node>> look(const std::string& path) const {
        if (alone_) return std::optional<Node>();
        return base_.look(path);
    }

private:
    const Tree& base_;
    bool alone_;
    std::map<std::string, std::string> real_;
};

class Copier {
public:
    Copier(const Tree& base, const CopyOptions& options, const std::string& folder)
        : options_(options), destination_(base, options.link), base_(base), folder_(folder) {}

    Result<std::vector<LayerItem>> run(const std::vector<CopySource>& sources) {
        if (!options_.chown.empty()) owner_ = TRY(find_owner(base_, options_.chown));
        exclude_ = TRY(IgnoreList::of(options_.exclude).context("--exclude"));
        TRY(find_target());
        std::vector<CopySource> found = TRY(matched(sources));
        if (found.size() > 1 && !to_folder_)
            return invalid("When using " + options_.instruction +
                           " with more than one source file, the destination must be a directory and end with a /");
        for (const CopySource& source : found) TRY(add(source));
        return std::move(items_);
    }

private:
    // The destination as a clean path, and whether it surely is a folder.
    Result<void> find_target() {
        const std::string& text = options_.destination;
        if (text.empty()) return invalid(options_.instruction + " requires a destination");
        std::string whole = text.starts_with('/') ? text : options_.workdir + "/" + text;
        to_folder_ =
            text.ends_with('/') || text == "." || text == ".." || text.ends_with("/.") || text.ends_with("/..");
        target_ = TRY(destination_.real(clean_relative(whole)));
        auto there = TRY(destination_.look(target_));
        if (there && there->is_folder()) to_folder_ = true;
        if (there && !there->is_folder() && to_folder_) return invalid("cannot copy to non-directory: /" + target_);
        return {};
    }

    // Patterns replaced by what they match, name by name.
    Result<std::vector<CopySource>> matched(const std::vector<CopySource>& sources) {
        std::vector<CopySource> out;
        for (const CopySource& source : sources) {
            if (source.text) {
                out.push_back(source);
                continue;
            }
            std::string path = clean_relative(source.path);
            if (!has_wildcards(path)) {
                out.push_back({source.tree, path, std::nullopt});
                pivots_.push_back(pivot(source.path));
                continue;
            }
            std::vector<std::string> at{""};
            for (size_t begin = 0; begin <= path.size() && !at.empty();) {
                size_t end = std::min(path.find('/', begin), path.size());
                at = TRY(step(*source.tree, at, path.substr(begin, end - begin)));
                begin = end + 1;
            }
            for (std::string& hit : at) {
                out.push_back({source.tree, std::move(hit), std::nullopt});
                pivots_.push_back(pivot(source.path));
            }
        }
        if (out.empty())
            return Error(ErrorKind::not_found, options_.instruction + " failed: no source files were specified");
        return out;
    }
    Result<std::vector<std::string>> step(const Tree& tree, const std::vector<std::string>& at,
                                          const std::string& name) {
        std::vector<std::string> next;
        if (name == "**") {
            for (const std::string& folder : at)
                TRY(walk(tree, folder, [&](const std::string& path, const Node& node) -> Result<bool> {
                    if (node.is_folder()) next.push_back(path);
                    return true;
                }));
            return next;
        }
        Pattern pattern = TRY(Pattern::parse(name, Stars::within_name));
        for (const std::string& folder : at) {
            std::string real = TRY(resolve(tree, folder, FinalLink::followed));
            auto node = TRY(tree.look(real));
            if (!node || !node->is_folder()) continue;
            for (std::string& child : TRY(tree.children(real)))
                if (pattern.matches(child)) next.push_back(joined(folder, child));
        }
        return next;
    }
    // With --parents: what of the path stays away, up to a "/./".
    static std::string pivot(const std::string& path) {
        size_t dot = path.find("/./");
        return dot == path.npos ? "" : clean_relative(path.substr(0, dot));
    }

    Result<void> add(const CopySource& source) {
        if (source.text) {
            Node node;
            node.mode = 0644;
            node.mtime = options_.now;
            LayerItem item = TRY(new_item(node));
            item.text = *source.text;
            item.entry.size = item.text.size();
            return put(to_folder_ ? joined(target_, source.path) : target_, std::move(item));
        }
        // A link that is named is followed; one in a folder that is copied is not.
        std::string path = TRY(resolve(*source.tree, source.path, FinalLink::followed));
        auto node = TRY(source.tree->look(path));
        if (!node && options_.steps)
            return Error(ErrorKind::not_found,
                         "failed to compute cache key: \"/" + clean_relative(source.path) + "\": not found");
        if (!node)
            return Error(ErrorKind::not_found,
                         options_.instruction +
                             " failed: file not found in build context or excluded by .dockerignore: stat " +
                             source.path + ": file does not exist");
        std::string to = target_;
        if (options_.parents) {
            const std::string& away = pivots_.at(used_++);
            std::string kept = source.path;
            if (!away.empty() && kept.starts_with(away + "/")) kept = kept.substr(away.size() + 1);
            to = joined(target_, node->is_folder() ? kept : folder_name(kept));
        }
        if (node->is_folder()) return add_folder(source.tree, path, to);
        if (options_.unpack && node->type == tar::Type::file) {
            auto archive = TRY(archive_tree(*source.tree, path, folder_));
            if (archive) return add_folder(std::move(archive), "", to);
        }
        if (exclude_.ignores(path)) return {};
        bool into = to_folder_ || options_.parents;
        return add_node(source.tree, path, *node,
                        into ? joined(to, base_name(source.path.empty() ? path : source.path)) : to);
    }

    Result<void> add_folder(std::shared_ptr<const Tree> tree, const std::string& path, const std::string& to) {
        TRY(make_folders(to, nullptr));
        return walk(*tree, path, [&](const std::string& at, const Node& node) -> Result<bool> {
            if (at == path) return true;
            std::string relative = path.empty() ? at : at.substr(path.size() + 1);
            if (exclude_.ignores(relative)) return node.is_folder() && exclude_.may_take_back_below(relative);
            TRY(add_node(tree, at, node, joined(to, relative)));
            return true;
        });
    }

    Result<void> add_node(const std::shared_ptr<const Tree>& tree, const std::string& path, const Node& node,
                          const std::string& to) {
        if (node.is_folder()) return make_folders(to, &node);
        LayerItem item = TRY(new_item(node));
        if (node.type == tar::Type::file) {
            item.tree = tree;
            item.source = path;
        }
        return put(to, std::move(item));
    }

    Result<LayerItem> new_item(const Node& node) const {
        LayerItem item;
        tar::Entry& e = item.entry;
        e.type = node.type;
        e.mode = node.mode;
        e.size = node.type == tar::Type::file ? node.size : 0;
        e.link_target = node.target;
        e.device_major = node.device_major;
        e.device_minor = node.device_minor;
        e.mtime = node.mtime;
        if (options_.epoch && e.mtime > *options_.epoch) e.mtime = *options_.epoch;
        e.xattrs = node.xattrs;
        if (!options_.chmod.empty() && node.type != tar::Type::symlink)
            e.mode = TRY(changed_mode(options_.chmod, e.mode, node.is_folder()));
        if (owner_) {
            e.uid = owner_->uid;
            e.gid = owner_->gid;
        } else if (options_.keep_owner) {
            e.uid = node.uid;
            e.gid = node.gid;
        }
        return item;
    }

    // What is missing of the folders of path; settings: of the last one.
    Result<void> make_folders(const std::string& path, const Node* settings) {
        for (size_t end = 0; end != path.npos && !path.empty();) {
            end = path.find('/', end == 0 ? 0 : end + 1);
            std::string part = path.substr(0, end);
            std::string real = TRY(destination_.real(part));
            if (made_.contains(real)) continue;
            auto there = TRY(destination_.look(real));
            if (there && !there->is_folder()) return invalid("cannot copy to non-directory: /" + real);
            made_.emplace(real, items_.size());
            if (there) continue;
            fresh_.insert(real);
            Node fresh = Node::folder();
            fresh.mtime = options_.now;
            bool last = end == path.npos && settings;
            LayerItem item = TRY(new_item(last ? *settings : fresh));
            if (!last) item.entry.mode = 0755;
            item.entry.path = real + "/";
            TRY(check_name(real));
            items_.push_back(std::move(item));
        }
        return {};
    }

    Result<void> put(const std::string& path, LayerItem item) {
        if (path.empty()) return invalid("cannot copy a file to /");
        std::string folder = folder_name(path);
        TRY(make_folders(folder, nullptr));
        const std::string real_folder = TRY(destination_.real(folder));
        std::string real = joined(real_folder, base_name(path));
        TRY(check_name(real));
        // In a folder that this makes there is nothing yet.
        auto there = fresh_.contains(real_folder) ? std::optional<Node>() : TRY(destination_.look(real));
        if (there && there->is_folder())
            return invalid("cannot copy to directory: /" + real +
                           " is a folder, and what would be copied there is not");
        item.entry.path = real;
        auto [at, fresh] = files_.try_emplace(real, items_.size());
        if (fresh)
            items_.push_back(std::move(item));
        else
            items_[at->second] = std::move(item); // the later one counts
        return {};
    }
    static Result<void> check_name(const std::string& path) {
        if (!base_name(path).starts_with(".wh.")) return {};
        return invalid("/" + path + ": names that begin with .wh. mark deletions in images and can't be copied");
    }

    const CopyOptions& options_;
    Destination destination_;
    const Tree& base_;
    const std::string& folder_;
    std::optional<Owner> owner_;
    IgnoreList exclude_;
    std::string target_;
    bool to_folder_ = false;
    std::vector<std::string> pivots_;
    size_t used_ = 0;
    std::vector<LayerItem> items_;
    std::map<std::string, size_t> made_, files_;
    std::set<std::string> fresh_; // of made_, those that the base doesn't have
};

// Entries made into bytes as they are asked for.
class LayerTar : public ByteSource {
public:
    explicit LayerTar(const std::vector<LayerItem>& items) : items_(items), writer_(out_) {}
    Result<size_t> read(std::span<char> into) override {
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
        if (file_) {
            size_t n = TRY(file_->read(std::span(buffer_).first(std::min<uint64_t>(buffer_.size(), left_))));
            if (n == 0)
                return Error(ErrorKind::conflict,
                             "a file became shorter while it was copied: " + items_[at_ - 1].source);
            TRY(writer_.data({buffer_.data(), n}));
            left_ -= n;
            if (left_ == 0) file_.reset();
            return {};
        }
        if (at_ == items_.size()) {
            ended_ = true;
            return writer_.finish();
        }
        const LayerItem& item = items_[at_++];
        TRY(writer_.add(item.entry));
        if (!item.tree) return writer_.data(item.text);
        left_ = item.entry.size;
        if (left_ > 0) file_ = TRY(item.tree->open(item.source));
        return {};
    }

    const std::vector<LayerItem>& items_;
    TextSink out_;
    tar::Writer writer_;
    std::string ready_;
    size_t used_ = 0, at_ = 0;
    std::unique_ptr<ByteSource> file_;
    uint64_t left_ = 0;
    std::vector<char> buffer_ = std::vector<char>(size_t{256} << 10);
    bool ended_ = false;
};

} // namespace

Result<std::vector<LayerItem>> plan_copy(const std::vector<CopySource>& sources, const Tree& base,
                                         const CopyOptions& options, const std::string& folder) {
    return Copier(base, options, folder).run(sources);
}

Result<std::string> contents_digest(const Tree& tree, const std::string& path) {
    if (auto known = tree.known_digest(path)) return *known;
    auto source = TRY(tree.open(path));
    Sha256 hash;
    std::vector<char> buffer(size_t{256} << 10);
    for (;;) {
        size_t n = TRY(source->read(buffer));
        if (n == 0) return hash.hex_digest();
        hash.update({buffer.data(), n});
    }
}

Result<std::string> digest_of(const std::vector<LayerItem>& items) {
    Sha256 hash;
    auto text = [&](const std::string& value) {
        hash.update(std::to_string(value.size()) + ":");
        hash.update(value);
    };
    for (const LayerItem& item : items) {
        const tar::Entry& e = item.entry;
        text(e.path);
        text(std::string(1, static_cast<char>(e.type)) + " " + std::to_string(e.mode) + " " + std::to_string(e.uid) +
             " " + std::to_string(e.gid));
        text(e.link_target);
        for (const auto& [name, value] : e.xattrs) {
            text(name);
            text(value);
        }
        if (e.type != tar::Type::file) continue;
        if (item.tree)
            text(TRY(contents_digest(*item.tree, item.source)));
        else
            text(sha256_hex(item.text));
    }
    return hash.hex_digest();
}

std::unique_ptr<ByteSource> layer_tar(const std::vector<LayerItem>& items) { return std::make_unique<LayerTar>(items); }

} // namespace hull::build
