// All containers of the engine: by id, by unique id prefix, by name.
// Thread-safe; the lock is held for look-ups only.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/container.h"

namespace hull::engine {

class Registry {
public:
    // name: full id, name (with or without slash), or unique prefix of an id,
    // in this order. Errors: not_found "No such container: x",
    // invalid_argument "multiple IDs found with provided prefix: x".
    Result<ContainerPtr> find(std::string_view name) const;
    ContainerPtr by_id(const ContainerId& id) const; // null: unknown
    std::vector<ContainerPtr> all() const;           // unsorted

    // Reserves a name for id. Errors: conflict in Docker's words.
    Result<void> reserve(const std::string& name, const ContainerId& id);
    bool is_reserved(const ContainerId& id) const; // a name is
    void free_name(const std::string& name, const ContainerId& id);
    void add(ContainerPtr container);
    void remove(const ContainerId& id);

private:
    mutable std::shared_mutex mutex_;
    std::map<std::string, ContainerPtr, std::less<>> by_id_;
    std::map<std::string, ContainerId, std::less<>> names_;
};

Error no_such_container(std::string_view name);
// The image has no such user or group. Docker looks for those before it asks its runtime, and tells it as it is.
bool is_about_users(const Error& error);

} // namespace hull::engine
