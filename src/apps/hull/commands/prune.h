// Removing what nothing uses, of one kind.
#pragma once

#include <string>

#include "apps/hull/client/engine.h"

namespace hull::cli {

enum class Prunable : unsigned char { containers, networks, volumes, images, build_cache };

struct Pruned {
    std::string text; // "Deleted Volumes:\nname\n\n", or nothing
    double bytes = 0;
};
// filters: as filters_json() makes them; empty: none.
Result<Pruned> prune_kind(Engine& engine, Prunable kind, const std::string& filters, const Query& more = {});

} // namespace hull::cli
