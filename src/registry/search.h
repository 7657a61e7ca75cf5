// The search of Docker Hub and of registries that have the like: GET /v1/search.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "registry/session.h"

namespace hull::registry {

struct Found {
    std::string name, description;
    int64_t stars = 0;
    bool official = false, automated = false;
};

// term: words, or a registry's name, a slash and words. limit: 1 to 100, 0: the
// index's own. Errors: invalid_argument; as Session.
Result<std::vector<Found>> search(Client& client, const std::string& term, int limit, const Credentials& credentials,
                                  const std::stop_token& stop);

} // namespace hull::registry
