// build: the command, and what it asks of the engine whichever way it goes.
#include <cstdlib>
#include <string_view>

#include <fcntl.h>

#include "apps/hull/building/request.h"
#include "apps/hull/building/values.h"
#include "apps/hull/commands/commands.h"
#include "apps/hull/options/values.h"
#include "codec/json.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

// "A=b": the value; "A": the environment's, or only a name that may be used.
json::Object pairs_of(const std::vector<std::string>& list, bool from_environment) {
    json::Object out;
    for (const std::string& entry : list) {
        size_t equals = entry.find('=');
        if (equals != entry.npos) {
            out[entry.substr(0, equals)] = entry.substr(equals + 1);
        } else if (const char* value = from_environment ? std::getenv(entry.c_str()) : nullptr) {
            out[entry] = value;
        } else {
            out[entry] = from_environment ? json::Value(nullptr) : json::Value("");
        }
    }
    return out;
}

} // namespace

Result<Query> build_query(const Flags& flags, const std::string& dockerfile, const std::vector<std::string>& images,
                          bool named) {
    Query query;
    if (named)
        for (const std::string& tag : flags.list("tag")) query.add("t", tag);
    query.add("dockerfile", dockerfile)
        .add_unless_empty("target", flags.text("target"))
        .add_unless_empty("platform", flags.text("platform"))
        .add_unless_empty("networkmode", flags.text("network"))
        .add_unless_empty("cgroupparent", flags.text("cgroup-parent"))
        .add_unless_empty("cpusetcpus", flags.text("cpuset-cpus"))
        .add_unless_empty("cpusetmems", flags.text("cpuset-mems"))
        .add_if(flags.on("no-cache"), "nocache", "1")
        .add_if(flags.on("pull"), "pull", "1")
        .add_if(flags.on("squash"), "squash", "1")
        .add("rm", flags.on("rm") ? "1" : "0")
        .add_if(flags.on("force-rm"), "forcerm", "1");
    for (auto [flag, name] : {std::pair{"memory", "memory"},
                              {"memory-swap", "memswap"},
                              {"shm-size", "shmsize"},
                              {"cpu-shares", "cpushares"},
                              {"cpu-period", "cpuperiod"},
                              {"cpu-quota", "cpuquota"}})
        if (flags.given(flag)) query.add(name, std::to_string(flags.number(flag)));
    for (const std::string& host : flags.list("add-host")) query.add("extrahosts", host);
    query.add("buildargs", json::print(pairs_of(flags.list("build-arg"), true)));
    query.add("labels", json::print(pairs_of(flags.list("label"), false)));
    if (auto list = flags.list("security-opt"); !list.empty()) query.add("securityopt", json_text(list));
    if (!images.empty()) query.add("cachefrom", json_text(images));
    if (auto list = flags.list("ulimit"); !list.empty()) {
        json::Array limits;
        for (const std::string& text : list) {
            auto limit = TRY(parse_ulimit(text));
            limits.push_back(json::Object{{"Name", limit.name}, {"Hard", limit.hard}, {"Soft", limit.soft}});
        }
        query.add("ulimits", json::print(limits));
    }
    return query;
}

Result<std::string> cache_image(const BuildCache& cache, const std::string& text) {
    auto ref = cache.attributes.find("ref");
    if (cache.type != "registry" || ref == cache.attributes.end())
        return Error(ErrorKind::unsupported, "--cache-from " + text + ": a cache of type " + cache.type +
                                                 " is not supported: name an image (type=registry,ref=IMAGE)");
    for (const auto& [name, value] : cache.attributes)
        if (name != "ref") return Error(ErrorKind::unsupported, "--cache-from: unknown attribute " + name);
    return ref->second;
}

std::string json_text(const std::vector<std::string>& list) { return json::print(json::encode(list)); }

Result<std::string> real_path_of(const std::string& path) {
    UniqueFd file = TRY(sys::open(path, O_PATH));
    return sys::readlink("/proc/self/fd/" + std::to_string(file.get()));
}

Result<void> write_id_file(Session& session, const std::string& id) {
    const std::string file = session.flags().text("iidfile");
    if (file.empty()) return {};
    return sys::replace_file(file, id, 0644).context("--iidfile");
}

Result<int> build_image(Session& session) {
    const Flags& flags = session.flags();
    const std::string& context = session.operands()[0];
    const char* buildkit = std::getenv("DOCKER_BUILDKIT");
    const std::string_view wanted = buildkit ? buildkit : "";
    if (wanted != "0" && wanted != "false") return build_with_steps(session, context);
    for (const char* name : {"secret", "ssh", "output", "cache-to", "build-context", "push", "load", "metadata-file",
                             "no-cache-filter", "check", "call", "allow", "on-failure"})
        if (flags.given(name))
            return Error(ErrorKind::unsupported,
                         std::string("the --") + name + " option requires BuildKit's way to build (DOCKER_BUILDKIT=1)");
    if (context.find("://") != context.npos || context.starts_with("git@"))
        return Error(ErrorKind::unsupported, "building from " + context + " requires DOCKER_BUILDKIT=1");
    const std::string id = TRY(build_classic(session, context));
    if (flags.on("quiet")) print(id + "\n");
    TRY(write_id_file(session, id));
    return 0;
}

} // namespace hull::cli
