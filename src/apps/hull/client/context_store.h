// Contexts: names for engines, in <config folder>/contexts/meta/<sha-256 of the
// name>/meta.json, shared with docker's own client.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::cli {

struct ContextEntry {
    std::string name, description, host;
};

// "default" is always there: what is spoken to without a context.
Result<std::vector<ContextEntry>> all_contexts(const std::string& config_folder); // by name, default first
// Errors: not_found, as docker words it.
Result<ContextEntry> find_context(const std::string& config_folder, const std::string& name);
Result<void> check_context_name(const std::string& name);
// What else is in a meta.json that is there stays.
Result<void> save_context(const std::string& config_folder, const ContextEntry& context);
Result<void> remove_context(const std::string& config_folder, const std::string& name);
std::string context_hash(const std::string& name);

} // namespace hull::cli
