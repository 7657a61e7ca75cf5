#include "engine/registry.h"

#include <utility>

namespace hull::engine {

Error no_such_container(std::string_view name) {
    return {ErrorKind::not_found, "No such container: " + std::string(name)};
}

bool is_about_users(const Error& error) {
    const std::string text = error.message();
    return text.starts_with("unable to find user ") || text.starts_with("unable to find group ") ||
           text.starts_with("uids and gids must be in range ");
}

Result<ContainerPtr> Registry::find(std::string_view given) const {
    std::shared_lock lock(mutex_);
    if (given.empty()) return Error(ErrorKind::invalid_argument, "container name or id is empty");
    if (auto exact = by_id_.find(given); exact != by_id_.end()) return exact->second;
    std::string_view name = given.starts_with('/') ? given.substr(1) : given;
    if (auto named = names_.find(name); named != names_.end()) {
        // A name without a container is one that is still being created.
        auto found = by_id_.find(named->second.str());
        if (found != by_id_.end()) return found->second;
        return no_such_container(given);
    }
    auto first = by_id_.lower_bound(given);
    if (first == by_id_.end() || !first->first.starts_with(given)) return no_such_container(given);
    auto second = std::next(first);
    if (second != by_id_.end() && second->first.starts_with(given))
        return Error(ErrorKind::invalid_argument, "multiple IDs found with provided prefix: " + std::string(given));
    return first->second;
}

ContainerPtr Registry::by_id(const ContainerId& id) const {
    std::shared_lock lock(mutex_);
    auto found = by_id_.find(id.str());
    return found == by_id_.end() ? nullptr : found->second;
}

std::vector<ContainerPtr> Registry::all() const {
    std::shared_lock lock(mutex_);
    std::vector<ContainerPtr> list;
    list.reserve(by_id_.size());
    for (const auto& [id, container] : by_id_) list.push_back(container);
    return list;
}

Result<void> Registry::reserve(const std::string& name, const ContainerId& id) {
    std::unique_lock lock(mutex_);
    auto [place, made] = names_.emplace(name, id);
    if (!made && place->second != id)
        return Error(ErrorKind::conflict, "Conflict. The container name \"/" + name +
                                              "\" is already in use by container \"" + place->second.str() +
                                              "\". You have to remove (or rename) that container to be able to "
                                              "reuse that name.");
    return {};
}

bool Registry::is_reserved(const ContainerId& id) const {
    std::shared_lock lock(mutex_);
    for (const auto& [name, owner] : names_)
        if (owner == id) return true;
    return false;
}

void Registry::free_name(const std::string& name, const ContainerId& id) {
    std::unique_lock lock(mutex_);
    auto found = names_.find(name);
    if (found != names_.end() && found->second == id) names_.erase(found);
}

void Registry::add(ContainerPtr container) {
    std::unique_lock lock(mutex_);
    std::string id = container->id.str();
    by_id_.insert_or_assign(std::move(id), std::move(container));
}

void Registry::remove(const ContainerId& id) {
    std::unique_lock lock(mutex_);
    by_id_.erase(id.str());
}

} // namespace hull::engine
