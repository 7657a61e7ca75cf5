// --link on the default bridge: another container's name in /etc/hosts, and what
// it offers in the environment. (On users' networks links are names of the name
// server: network_names.h.) Source: Docker's "Legacy container links".
#pragma once

#include <string>
#include <vector>

#include "engine/core.h"
#include "engine/net_files.h"

namespace hull::engine {

struct LinkText {
    std::string target, alias; // "/db" or an id; "db"
};
LinkText parse_link(const std::string& text); // "db", "db:alias", "/db:/web/alias"

// At create. Errors: invalid_argument in Docker's words (bad format, no such container).
Result<void> check_links(const Core& core, const model::HostConfig& host);

// At the start; empty elsewhere than on the default bridge. Errors: invalid_argument
// "Cannot link to a non running container: ...".
Result<std::vector<HostEntry>> linked_hosts(const Core& core, const Container& container);
// "DB_PORT=tcp://172.17.0.2:5432" and the like. Containers that don't run are left out.
std::vector<std::string> linked_environment(const Core& core, const Container& container);

// As inspect shows them: "/db:/web/alias".
std::vector<std::string> view_links(const Core& core, const Container& container);
// Names that links give this container: "web/alias".
std::vector<std::string> names_by_links(const Core& core, const Container& container);
// Takes a link away, by its name "web/alias". Errors: invalid_argument, not_found.
Result<void> remove_link(Core& core, const std::string& name);

} // namespace hull::engine
