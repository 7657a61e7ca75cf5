// Removing references, images and layers, by Docker's rules: what is in use
// stays, a last reference takes its image with it, untagged parents follow.
#include <algorithm>
#include <map>
#include <utility>

#include "image/origins.h"
#include "image/state.h"

namespace hull::image {

namespace {

struct Conflict {
    bool hard = false; // force doesn't help
    bool used = false; // by a container
    std::string message;
};

Error error_of(const Conflict& conflict, const Digest& id) {
    return {ErrorKind::conflict, "conflict: unable to delete " + truncated(id.str()) +
                                     (conflict.hard ? " (cannot be forced) - " : " (must be forced) - ") +
                                     conflict.message};
}

struct Check { // what a conflict may come from
    static constexpr unsigned children = 1, running = 2, references = 4, stopped = 8;
    static constexpr unsigned hard = children | running, soft = references | stopped;
};
using Users = std::map<Digest, std::vector<ImageUser>>;

// Of the image, those of its names' other platforms, and all that it was made
// from. Asked before a lock is taken.
Users users_of_line(const ImageState& state, ImagePtr image) {
    Users users;
    while (state.users && !users.contains(image->id)) {
        std::vector<Digest> group;
        {
            std::lock_guard held(state.mutex);
            group = state.group(image->id);
        }
        for (const Digest& id : group) users.emplace(id, state.users(id));
        if (!image->parent) break;
        auto parent = state.get(*image->parent);
        if (!parent.ok()) break;
        image = std::move(parent).value();
    }
    return users;
}

bool names_an_id(const Digest& id, std::string_view name) {
    return id.str().starts_with(name) || id.hex().starts_with(name);
}

class Removal {
public:
    Removal(ImageState& state, const RemoveOptions& options, Users users)
        : state_(state), options_(options), users_(std::move(users)) {}

    // These with change_mutex held.
    Result<void> by_name(const ImagePtr& image, std::string_view name);
    // One platform of its names.
    Result<void> platform(const ImagePtr& image);
    Result<void> image(const ImagePtr& image, bool force, bool quiet);
    // Removes the layers that nobody needs any more; without a lock, for a tree
    // may be large.
    Result<std::vector<Removed>> finish();

private:
    std::vector<model::Reference> references_of(const Digest& id) const;
    // Also of the platforms that would go with it.
    std::vector<ImageUser> users_of(const Digest& id) const {
        std::vector<Digest> group;
        {
            std::lock_guard held(state_.mutex);
            group = state_.group(id);
        }
        std::vector<ImageUser> out;
        for (const Digest& one : group)
            if (auto it = users_.find(one); it != users_.end())
                out.insert(out.end(), it->second.begin(), it->second.end());
        return out;
    }
    Result<void> leftovers(bool force);
    std::optional<Conflict> conflict(const Digest& id, unsigned checks) const;
    bool dangling(const Digest& id) const;
    Result<void> untag(const model::Reference& reference, const Digest& id);
    Result<bool> untag_given(const ImagePtr& image, std::string_view name);

    ImageState& state_;
    const RemoveOptions& options_;
    Users users_;
    std::vector<Removed> removed_;
    std::vector<ImagePtr> gone_; // their layers are still there
    std::set<Digest> platforms_; // whose names went
};

std::vector<model::Reference> Removal::references_of(const Digest& id) const {
    std::lock_guard held(state_.mutex);
    std::vector<model::Reference> out;
    if (auto it = state_.images.find(id); it != state_.images.end())
        for (const std::string& full : it->second.references) out.push_back(reference_of(full));
    return out;
}

// At most one tag, and digests only of the same repository.
bool is_single(const std::vector<model::Reference>& all) {
    if (all.size() <= 1) return true;
    const model::Reference* tag = nullptr;
    std::set<std::string> digest_names;
    for (const model::Reference& reference : all) {
        if (reference.digest) {
            digest_names.insert(reference.familiar_name());
        } else {
            if (tag) return false;
            tag = &reference;
        }
    }
    if (!tag) tag = &all.front();
    return digest_names.size() == 1 && digest_names.contains(tag->familiar_name());
}

std::optional<Conflict> Removal::conflict(const Digest& id, unsigned checks) const {
    if (checks & Check::children) {
        std::lock_guard held(state_.mutex);
        if (state_.has_children(id)) return Conflict{true, false, "image has dependent child images"};
    }
    std::vector<ImageUser> users = users_of(id);
    auto user = [&](bool wanted) {
        return std::find_if(users.begin(), users.end(), [&](const ImageUser& u) { return u.running == wanted; });
    };
    if (auto it = user(true); (checks & Check::running) && it != users.end())
        return Conflict{true, true, "image is being used by running container " + truncated(it->container_id)};
    if ((checks & Check::references) && !references_of(id).empty())
        return Conflict{false, false, "image is referenced in multiple repositories"};
    if (auto it = user(false); (checks & Check::stopped) && it != users.end())
        return Conflict{false, true, "image is being used by stopped container " + truncated(it->container_id)};
    return std::nullopt;
}

bool Removal::dangling(const Digest& id) const {
    std::lock_guard held(state_.mutex);
    auto it = state_.images.find(id);
    return (it == state_.images.end() || !it->second.named()) && !state_.has_children(id);
}

Result<void> Removal::untag(const model::Reference& reference, const Digest& id) {
    {
        std::lock_guard held(state_.mutex);
        if (auto it = state_.references.find(reference.full()); it != state_.references.end())
            for (const Digest& other : it->second.images)
                if (other != id) platforms_.insert(other);
    }
    TRY(state_.erase_reference(reference.full()));
    removed_.push_back({reference.familiar(), "", id});
    return {};
}

// Removes the reference that was named; true when nothing refers to the image then.
Result<bool> Removal::untag_given(const ImagePtr& image, std::string_view name) {
    std::vector<model::Reference> all = references_of(image->id);
    if (!options_.force && is_single(all)) {
        // The image would go with its last reference, and a container needs it.
        std::vector<ImageUser> users = users_of(image->id);
        if (!users.empty())
            return Error(ErrorKind::conflict, "conflict: unable to remove repository reference \"" + std::string(name) +
                                                  "\" (must force) - container " +
                                                  truncated(users.front().container_id) +
                                                  " is using its referenced image " + truncated(image->id.str()));
    }
    model::Reference given = TRY(model::Reference::parse(name));
    TRY(untag(given, image->id));
    std::erase_if(all, [&](const model::Reference& r) { return r.full() == given.full(); });
    // Digests of a repository whose last tag went mean nothing to anybody.
    const bool other_tag = std::any_of(all.begin(), all.end(), [&](const model::Reference& r) {
        return !r.digest && r.familiar_name() == given.familiar_name();
    });
    if (!given.digest && !other_tag) {
        for (const model::Reference& reference : all)
            if (reference.digest && reference.familiar_name() == given.familiar_name())
                TRY(untag(reference, image->id));
    }
    return references_of(image->id).empty();
}

Result<void> Removal::by_name(const ImagePtr& image, std::string_view name) {
    bool removed_reference = false;
    if (!names_an_id(image->id, name)) {
        removed_reference = TRY(untag_given(image, name));
        if (!removed_reference) return leftovers(options_.force);
    } else if (std::vector<model::Reference> all = references_of(image->id); is_single(all)) {
        unsigned checks = Check::hard | (options_.force ? 0 : Check::stopped);
        if (auto found = conflict(image->id, checks)) return error_of(*found, image->id);
        for (const model::Reference& reference : all) TRY(untag(reference, image->id));
    }
    return this->image(image, options_.force, removed_reference);
}

// quiet: a conflict is no error when the image stays useful.
Result<void> Removal::image(const ImagePtr& image, bool force, bool quiet) {
    unsigned checks = Check::hard | (force ? 0 : Check::soft);
    if (auto found = conflict(image->id, checks)) {
        if (quiet && (!dangling(image->id) || found->used)) return {};
        return error_of(*found, image->id);
    }
    for (const model::Reference& reference : references_of(image->id)) TRY(untag(reference, image->id));
    TRY(state_.detach(image->id)); // from names that have it for another platform
    TRY(state_.erase_image(image));
    removed_.push_back({"", image->id.str(), image->id});
    gone_.push_back(image);
    TRY(leftovers(force));

    if (!options_.prune_parents || !image->parent) return {};
    auto parent = state_.get(*image->parent);
    if (!parent.ok()) return {};
    return this->image(*parent, false, true);
}

// Other platforms' images of names that went go with them, unless they are used.
Result<void> Removal::leftovers(bool force) {
    for (const Digest& id : std::exchange(platforms_, {})) {
        auto image = state_.get(id);
        if (image.ok() && dangling(id)) TRY(this->image(*image, force, true));
    }
    return {};
}

Result<void> Removal::platform(const ImagePtr& image) {
    std::vector<ImageUser> users;
    if (auto it = users_.find(image->id); it != users_.end()) users = it->second;
    for (const ImageUser& user : users)
        if (user.running || !options_.force)
            return error_of({user.running, true,
                             std::string("image is being used by ") + (user.running ? "running" : "stopped") +
                                 " container " + truncated(user.container_id)},
                            image->id);
    TRY(state_.detach(image->id));
    TRY(state_.erase_image(image));
    removed_.push_back({"", image->id.str(), image->id});
    gone_.push_back(image);
    return {};
}

Result<std::vector<Removed>> Removal::finish() {
    for (const ImagePtr& image : gone_) {
        std::vector<Digest> layers = TRY(state_.collect_chain(image->chain_id));
        for (const Digest& chain_id : layers) removed_.push_back({"", chain_id.str(), image->id});
    }
    if (!gone_.empty()) TRY(state_.collect_blobs());
    return std::move(removed_);
}

} // namespace

Result<std::vector<Removed>> Images::remove(std::string_view name, const RemoveOptions& options) {
    ImagePtr image = TRY(resolve(name));
    Removal removal(*state_, options, users_of_line(*state_, image));
    {
        std::lock_guard changing(state_->change_mutex);
        ImagePtr now = TRY(resolve(name));
        if (now->id != image->id) // it was moved in this moment
            return Error(ErrorKind::conflict, "conflict: " + std::string(name) + " was changed meanwhile");
        std::vector<ImagePtr> chosen;
        for (const model::Platform& one : options.platforms) {
            ImagePtr found = TRY(resolve(name, one));
            if (std::find(chosen.begin(), chosen.end(), found) == chosen.end()) chosen.push_back(std::move(found));
        }
        size_t all = 1;
        {
            std::lock_guard held(state_->mutex);
            auto reference = model::Reference::parse(name);
            auto target = reference.ok() ? lookup_target(*state_, *reference) : std::nullopt;
            all = target ? target->images.size() : state_->group(image->id).size();
        }
        if (chosen.empty() || chosen.size() == all)
            TRY(removal.by_name(image, name));
        else
            for (const ImagePtr& one : chosen) TRY(removal.platform(one));
    }
    return removal.finish();
}

Result<Pruned> Images::prune(const PruneOptions& options) {
    ListOptions wanted;
    wanted.all = !options.dangling_only;
    if (options.dangling_only) wanted.dangling = true;
    wanted.labels = options.labels;
    wanted.until = options.until;
    std::vector<Summary> candidates = TRY(list(wanted));

    auto size_of_layers = [&] {
        uint64_t bytes = 0;
        for (const store::Layer& layer : state_->layers.list()) bytes += layer.size;
        for (const auto& [of, kept] : state_->origins->kept_bytes()) bytes += kept;
        return bytes;
    };
    const uint64_t before = size_of_layers();
    Pruned pruned;
    // A child before its parent: newest first does that.
    for (const Summary& candidate : candidates) {
        Users users = users_of_line(*state_, candidate.image);
        if (std::any_of(candidate.group.begin(), candidate.group.end(),
                        [&](const Digest& id) { return !users[id].empty(); }))
            continue;
        RemoveOptions options_of_prune;
        Removal removal(*state_, options_of_prune, std::move(users));
        {
            std::lock_guard changing(state_->change_mutex);
            if (!state_->get(candidate.image->id).ok()) continue; // went as a parent of another
            auto removed = removal.image(candidate.image, true, false);
            if (!removed.ok() && removed.error().kind() != ErrorKind::conflict) return std::move(removed).error();
        }
        std::vector<Removed> removed = TRY(removal.finish());
        for (Removed& one : removed) pruned.removed.push_back(std::move(one));
    }
    TRY(collect());
    const uint64_t after = size_of_layers();
    pruned.space_reclaimed = before > after ? before - after : 0;
    return pruned;
}

} // namespace hull::image
