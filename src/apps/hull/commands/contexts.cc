// context create, inspect, ls, rm, show, update, use.
#include <algorithm>

#include <boost/json.hpp>

#include "apps/hull/client/context_store.h"
#include "apps/hull/client/settings_file.h"
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/indent.h"
#include "apps/hull/format/table.h"
#include "apps/hull/options/values.h"

namespace hull::cli {

namespace {

constexpr format::Column context_columns[] = {
    {"Name", "NAME"},   {"Description", "DESCRIPTION"}, {"DockerEndpoint", "DOCKER ENDPOINT"}, {"Current", "CURRENT"},
    {"Error", "ERROR"},
};

// What --docker says; "from=x" is another context's host.
Result<void> read_docker_flags(Session& session, ContextEntry& context) {
    const std::string& folder = session.globals().config_folder;
    std::string& host = context.host;
    std::vector<std::string> settings; // host=...,ca=...
    for (std::string_view text : session.flags().list("docker"))
        for (size_t comma = 0; comma != text.npos; text.remove_prefix(std::min(text.size(), comma + 1))) {
            comma = text.find(',');
            settings.emplace_back(text.substr(0, comma));
        }
    for (const std::string& text : settings) {
        auto [key, value] = split_pair(text);
        if (key == "host") {
            host = value;
        } else if (key == "from") {
            host = TRY(find_context(folder, value)).host;
        } else if (key == "ca") {
            context.authority = value;
        } else if (key == "cert") {
            context.certificate = value;
        } else if (key == "key") {
            context.key = value;
        } else if (key == "skip-tls-verify") {
            context.skip_verify = value == "true" || value == "1";
        } else {
            return Error(ErrorKind::invalid_argument, "unrecognized config key: " + key);
        }
    }
    if (host.find("://") == host.npos)
        return Error(ErrorKind::invalid_argument,
                     "unable to create context: unable to parse docker host `" + host + "`");
    return {};
}

boost::json::object inspect_context_json(const std::string& folder, const ContextEntry& one) {
    const std::string hash = context_hash(one.name);
    boost::json::object material;
    if (auto files = context_tls_files(folder, one.name); !files.empty())
        material["docker"] = boost::json::array(files.begin(), files.end());
    return {{"Name", one.name},
            {"Metadata",
             one.description.empty() ? boost::json::object() : boost::json::object{{"Description", one.description}}},
            {"Endpoints", {{"docker", {{"Host", one.host}, {"SkipTLSVerify", one.skip_verify}}}}},
            {"TLSMaterial", std::move(material)},
            {"Storage",
             {{"MetadataPath", one.name == "default" ? "<IN MEMORY>" : folder + "/contexts/meta/" + hash},
              {"TLSPath", one.name == "default" ? "<IN MEMORY>" : folder + "/contexts/tls/" + hash}}}};
}

} // namespace

Result<int> create_context(Session& session) {
    const std::string &name = session.operands()[0], &folder = session.globals().config_folder;
    TRY(check_context_name(name));
    if (name == "default") return Error(ErrorKind::invalid_argument, "\"default\" is a reserved context name");
    if (find_context(folder, name).ok()) return Error(ErrorKind::conflict, "context \"" + name + "\" already exists");
    ContextEntry made{.name = name, .description = session.flags().text("description"), .host = default_host};
    if (std::string from = session.flags().text("from"); !from.empty()) {
        ContextEntry other = TRY(find_context(folder, from));
        made.host = other.host;
        if (made.description.empty()) made.description = other.description;
    }
    TRY(read_docker_flags(session, made));
    TRY(save_context(folder, made));
    print(name + "\n");
    print_error("Successfully created context \"" + name + "\"\n");
    return 0;
}

Result<int> update_context(Session& session) {
    const std::string &name = session.operands()[0], &folder = session.globals().config_folder;
    TRY(check_context_name(name));
    if (name == "default") return Error(ErrorKind::invalid_argument, "\"default\" is a reserved context name");
    ContextEntry changed = TRY(find_context(folder, name));
    if (session.flags().given("description")) changed.description = session.flags().text("description");
    TRY(read_docker_flags(session, changed));
    TRY(save_context(folder, changed));
    print(name + "\n");
    print_error("Successfully updated context \"" + name + "\"\n");
    return 0;
}

Result<int> list_contexts(Session& session) {
    const Flags& flags = session.flags();
    const std::string current = TRY(session.address()).context_name;
    format::Listing listing{context_columns,
                            "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}"};
    for (const ContextEntry& one : TRY(all_contexts(session.globals().config_folder)))
        listing.rows.push_back({{"Name", one.name},
                                {"Description", one.description},
                                {"DockerEndpoint", one.host},
                                {"Current", one.name == current},
                                {"Error", ""}});
    std::string format = flags.text("format");
    if (flags.on("quiet") && format.empty()) format = "{{.Name}}";
    print(TRY(format::render(listing, format)));
    return 0;
}

Result<int> inspect_contexts(Session& session) {
    const std::string& folder = session.globals().config_folder;
    std::vector<std::string> names = session.operands();
    if (names.empty()) names.push_back(TRY(session.address()).context_name);
    boost::json::array found;
    for (const std::string& name : names)
        found.push_back(inspect_context_json(folder, TRY(find_context(folder, name))));
    const std::string format = session.flags().text("format");
    if (format.empty()) {
        print(indented(Json(found)) + "\n");
    } else if (format == "json") {
        print(boost::json::serialize(found) + "\n");
    } else {
        for (const Json& one : found) print(TRY(format::render_value(one, format)));
    }
    return 0;
}

Result<int> remove_contexts(Session& session) {
    const std::string& folder = session.globals().config_folder;
    const std::string current = text(TRY(read_settings(folder)), "currentContext");
    int code = 0;
    for (const std::string& name : session.operands()) {
        auto removed = [&]() -> Result<void> {
            if (name == "default") return Error(ErrorKind::forbidden, "context \"default\" cannot be removed");
            TRY(find_context(folder, name));
            if (name == current && !session.flags().on("force"))
                return Error(ErrorKind::conflict, "context \"" + name + "\" is in use, set -f flag to force remove");
            if (name == current)
                TRY(change_settings(folder, [](boost::json::object& settings) { settings.erase("currentContext"); }));
            return remove_context(folder, name);
        }();
        if (removed.ok()) {
            print(name + "\n");
            continue;
        }
        print_error(removed.error().message() + "\n");
        code = 1;
    }
    return code;
}

Result<int> show_context(Session& session) {
    print(TRY(session.address()).context_name + "\n");
    return 0;
}

Result<int> use_context(Session& session) {
    const std::string &name = session.operands()[0], &folder = session.globals().config_folder;
    TRY(find_context(folder, name));
    TRY(change_settings(folder, [&](boost::json::object& settings) {
        if (name == "default")
            settings.erase("currentContext");
        else
            settings["currentContext"] = name;
    }));
    print(name + "\n");
    print_error("Current context is now \"" + name + "\"\n");
    if (const char* host = std::getenv("DOCKER_HOST"); host && *host)
        print_error("Warning: DOCKER_HOST environment variable overrides the active context. To use \"" + name +
                    "\", either set the global --context flag, or unset DOCKER_HOST environment variable.\n");
    return 0;
}

} // namespace hull::cli
