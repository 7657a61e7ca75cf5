#include "apps/hull/client/context_store.h"

#include <algorithm>
#include <cstdlib>

#include <boost/json.hpp>

#include "apps/hull/client/config_file.h"
#include "apps/hull/client/json_access.h"
#include "apps/hull/client/sha256.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

std::string meta_folder(const std::string& config_folder) { return config_folder + "/contexts/meta"; }

ContextEntry default_context() {
    const char* host = std::getenv("DOCKER_HOST");
    return {.name = "default",
            .description = "Current DOCKER_HOST based configuration",
            .host = host && *host ? host : default_host};
}

} // namespace

std::string context_hash(const std::string& name) { return sha256_hex(name); }

std::vector<std::string> context_tls_files(const std::string& config_folder, const std::string& name) {
    std::vector<std::string> files;
    for (const char* file : {"ca.pem", "cert.pem", "key.pem"})
        if (sys::exists(config_folder + "/contexts/tls/" + context_hash(name) + "/docker/" + file))
            files.emplace_back(file);
    return files;
}

Result<std::vector<ContextEntry>> all_contexts(const std::string& config_folder) {
    std::vector<ContextEntry> all;
    auto folders = sys::list_dir(meta_folder(config_folder));
    if (!folders.ok() && folders.error().kind() != ErrorKind::not_found) return std::move(folders).error();
    if (folders.ok())
        for (const std::string& one : *folders) {
            const std::string path = meta_folder(config_folder) + "/" + one + "/meta.json";
            auto file = sys::read_file(path);
            if (!file.ok()) continue;
            const Json meta = TRY(read_json(*file, path));
            all.push_back({.name = text(meta, "Name"),
                           .description = text(meta, "Metadata.Description"),
                           .host = text(meta, "Endpoints.docker.Host"),
                           .skip_verify = boolean(meta, "Endpoints.docker.SkipTLSVerify")});
        }
    std::ranges::sort(all, {}, &ContextEntry::name);
    all.insert(all.begin(), default_context());
    return all;
}

Result<ContextEntry> find_context(const std::string& config_folder, const std::string& name) {
    for (ContextEntry& one : TRY(all_contexts(config_folder)))
        if (one.name == name) return std::move(one);
    return Error(ErrorKind::not_found, "context \"" + name + "\": context not found");
}

Result<void> check_context_name(const std::string& name) {
    auto plain = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    auto good = [&](unsigned char c) { return plain(c) || c == '_' || c == '.' || c == '+' || c == '-'; };
    if (name.size() < 2 || !plain(static_cast<unsigned char>(name[0])) || !std::ranges::all_of(name, good))
        return Error(ErrorKind::invalid_argument, "context name \"" + name +
                                                      "\" is invalid, names are validated against regexp "
                                                      "\"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\"");
    return {};
}

Result<void> save_context(const std::string& config_folder, const ContextEntry& context) {
    const std::string folder = meta_folder(config_folder) + "/" + context_hash(context.name);
    boost::json::object meta;
    if (auto file = sys::read_file(folder + "/meta.json"); file.ok()) {
        Json read = TRY(read_json(*file, folder + "/meta.json"));
        if (read.is_object()) meta = read.as_object();
    }
    auto object_at = [](boost::json::object& parent, const char* key) -> boost::json::object& {
        Json& value = parent[key];
        if (!value.is_object()) value = boost::json::object();
        return value.as_object();
    };
    meta["Name"] = context.name;
    if (context.description.empty())
        object_at(meta, "Metadata").erase("Description");
    else
        object_at(meta, "Metadata")["Description"] = context.description;
    boost::json::object& docker = object_at(object_at(meta, "Endpoints"), "docker");
    docker["Host"] = context.host;
    docker["SkipTLSVerify"] = context.skip_verify;
    TRY(sys::mkdir_parents(folder, 0755));
    const std::string tls = config_folder + "/contexts/tls/" + context_hash(context.name) + "/docker";
    for (const auto& [from, name] : {std::pair(&context.authority, "ca.pem"),
                                     std::pair(&context.certificate, "cert.pem"), std::pair(&context.key, "key.pem")}) {
        if (from->empty()) continue;
        TRY(sys::mkdir_parents(tls, 0700));
        constexpr size_t longest = size_t{1} << 20;
        TRY(sys::replace_file(tls + "/" + name, TRY(sys::read_file(*from, longest)), 0600));
    }
    return sys::replace_file(folder + "/meta.json", boost::json::serialize(meta), 0644, sys::Durability::power_loss);
}

Result<void> remove_context(const std::string& config_folder, const std::string& name) {
    TRY(sys::remove_tree(config_folder + "/contexts/tls/" + context_hash(name)));
    return sys::remove_tree(meta_folder(config_folder) + "/" + context_hash(name));
}

} // namespace hull::cli
