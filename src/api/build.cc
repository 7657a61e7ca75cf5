// POST /build: the classic builder's request, and its stream of JSON lines.
#include <algorithm>
#include <charconv>

#include "api/body_streams.h"
#include "api/handlers.h"
#include "api/image_progress.h"
#include "build/builder.h"
#include "codec/json.h"
#include "codec/utf8.h"

namespace hull::api {

namespace {

// JSON lines; quiet: all but the last are kept back.
class BuildOutput : public build::Output {
public:
    BuildOutput(ProgressStream& stream, bool quiet) : stream_(stream), quiet_(quiet) {}
    Result<void> text(std::string_view text) override {
        // A program may write anything, and split a character between two pieces.
        pending_ += text;
        size_t whole = quiet_ ? pending_.size() : whole_characters(pending_);
        std::string out = valid_utf8(std::string_view(pending_).substr(0, whole));
        pending_.erase(0, whole);
        if (quiet_ || out.empty()) return {};
        return stream_.send({{"stream", out}});
    }
    Result<void> image(const model::Digest& id) override {
        if (quiet_) return {};
        return stream_.send({{"aux", json::Object{{"ID", id.str()}}}});
    }
    Result<void> pull(const image::TransferLine& line) override {
        return quiet_ ? Result<void>() : stream_.send(transfer_line(line));
    }
    void step_failed(int exit_code) override { exit_code_ = exit_code; }
    int exit_code() const { return exit_code_; }

private:
    ProgressStream& stream_;
    bool quiet_;
    int exit_code_ = 0;
    std::string pending_;
};

Result<int64_t> amount(const Call& call, const char* name) {
    const std::string& text = call.text(name);
    int64_t value = 0;
    if (text.empty()) return value;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return invalid(std::string(name) + " is in bytes and expects an integer, got " + text);
    return value;
}

template <class T>
Result<void> read_json(const Call& call, const char* name, T& into) {
    const std::string& text = call.text(name);
    if (text.empty() || text == "null") return {};
    auto value = TRY(json::parse(text).context([&] { return std::string("error reading ") + name; }));
    into = TRY(json::decode<T>(value).context(name));
    return {};
}

Result<void> read_args(const Call& call, build::GivenArgs& args) {
    const std::string& text = call.text("buildargs");
    if (text.empty() || text == "null") return {};
    auto value = TRY(json::parse(text).context("error reading buildargs"));
    if (!value.is_object()) return invalid("error reading buildargs: not an object");
    for (const auto& [name, arg] : value.get_object()) {
        if (arg.is_null())
            args.emplace_back(name, std::nullopt);
        else if (arg.is_string())
            args.emplace_back(name, std::string(arg.get_string()));
        else
            return invalid("error reading buildargs: " + std::string(name) + " is no text");
    }
    return {};
}

Result<build::BuildOptions> read_options(const Call& call) {
    build::BuildOptions o;
    o.tags = call.texts("t");
    std::erase(o.tags, "");
    if (!call.text("dockerfile").empty()) o.dockerfile = call.text("dockerfile");
    o.target = call.text("target");
    o.platform = call.text("platform");
    o.no_cache = call.flag("nocache");
    o.pull = call.flag("pull");
    o.remove = call.flag("rm", true);
    o.force_remove = call.flag("forcerm");
    o.squash = call.flag("squash");
    TRY(read_args(call, o.args));
    TRY(read_json(call, "labels", o.labels));
    o.auths = TRY(image::parse_registry_config(call.exchange().request().headers.get("X-Registry-Config")));
    model::HostConfig& host = o.host;
    host.memory = TRY(amount(call, "memory"));
    host.memory_swap = TRY(amount(call, "memswap"));
    host.cpu_shares = TRY(amount(call, "cpushares"));
    host.cpu_period = TRY(amount(call, "cpuperiod"));
    host.cpu_quota = TRY(amount(call, "cpuquota"));
    host.shm_size = TRY(amount(call, "shmsize"));
    host.cpuset_cpus = call.text("cpusetcpus");
    host.cpuset_mems = call.text("cpusetmems");
    host.cgroup_parent = call.text("cgroupparent");
    host.network_mode = call.text("networkmode");
    for (const std::string& entry : call.texts("extrahosts"))
        for (size_t begin = 0; begin <= entry.size();) {
            size_t end = std::min(entry.find(',', begin), entry.size());
            if (end > begin) host.extra_hosts.push_back(entry.substr(begin, end - begin));
            begin = end + 1;
        }
    TRY(read_json(call, "securityopt", host.security_opt));
    if (const std::string& text = call.text("ulimits"); !text.empty() && text != "null") {
        auto value = TRY(json::parse("{\"Ulimits\":" + text + "}").context("error reading ulimits"));
        host.ulimits = TRY(model::host_config_from_json(value).context("error reading ulimits")).ulimits;
    }
    return o;
}

} // namespace

Result<void> build_image(Call& call) {
    if (call.text("version") == "2")
        return Error(ErrorKind::unsupported,
                     "this engine does not speak BuildKit's protocol: build without it (DOCKER_BUILDKIT=0)");
    build::BuildOptions options = TRY(read_options(call));
    if (const std::string& remote = call.text("remote"); !remote.empty() && remote != "client-session")
        return Error(ErrorKind::unsupported,
                     "building from " + remote + " is not supported: fetch it and send it as the context");
    build::Builder* builder = TRY(call.builder());
    BodySource body(call.exchange());
    auto context = TRY(builder->read_context(body));
    ProgressStream progress(call);
    bool quiet = call.flag("q");
    BuildOutput output(progress, quiet);
    auto run = [&]() -> Result<void> {
        auto id = TRY(builder->build(options, std::move(context), output, call.client_gone()));
        if (quiet) TRY(progress.send({{"stream", id.str() + "\n"}}));
        return {};
    };
    return progress.finish(run(), output.exit_code());
}

Result<void> prune_build_cache(Call& call) {
    static constexpr std::string_view names[] = {"until", "id",     "parent",  "type",  "description",
                                                 "inuse", "shared", "private", "label", "label!"};
    auto filters = TRY(call.filters());
    TRY(filters.check_names(names).context("failed to prune build cache"));
    for (const char* number : {"keep-storage", "reserved-space", "max-used-space", "min-free-space"})
        TRY(amount(call, number));
    build::Builder* builder = TRY(call.builder());
    build::Pruned pruned = TRY(builder->prune_cache());
    json::Value deleted = pruned.deleted.empty() ? json::Value(nullptr) : json::encode(pruned.deleted);
    return call.reply(200, json::Object{{"CachesDeleted", deleted}, {"SpaceReclaimed", pruned.bytes}});
}

} // namespace hull::api
