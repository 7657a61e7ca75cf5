// Contexts: names for engines, in <config folder>/contexts/meta/<sha-256 of the
// name>/meta.json, shared with docker's own client.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hull::cli {

struct ContextEntry {
    std::string name, description, host;
    bool skip_verify = false; // any server's certificate will do
    // PEM files that save_context() copies to contexts/tls; empty: what is there stays.
    std::string authority{}, certificate{}, key{};
};
// The names of the files that it has for TLS: "ca.pem" ...
std::vector<std::string> context_tls_files(const std::string& config_folder, const std::string& name);

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
