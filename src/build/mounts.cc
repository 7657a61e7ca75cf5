// RUN --mount: files, caches and secrets that a step sees while it runs.
#include <algorithm>
#include <charconv>
#include <functional>

#include <fcntl.h>

#include "base/random.h"
#include "build/build_state.h"
#include "codec/compress/sha256.h"
#include "store/tree_copy.h"
#include "sys/file.h"
#include "sys/file_copy.h"
#include "sys/tree.h"

namespace hull::build {

namespace {

Result<uint32_t> mount_number(const std::string& name, const std::string& text, int base) {
    uint32_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return invalid("invalid value " + text + " for " + name + " of --mount");
    return value;
}

bool is_true(const std::string& text) { return text.empty() || text == "true" || text == "1"; }

} // namespace

Result<Mount> Build::parse_mount(const std::string& text, const StageState& state) const {
    Mount mount;
    bool access_said = false; // ro or rw
    for (size_t begin = 0; begin <= text.size();) {
        size_t end = std::min(text.find(',', begin), text.size());
        std::string part = text.substr(begin, end - begin);
        begin = end + 1;
        if (part.empty()) continue;
        size_t equals = part.find('=');
        std::string key = part.substr(0, equals);
        access_said |= key == "rw" || key == "readwrite" || key == "ro" || key == "readonly";
        std::string value = equals == part.npos ? "" : TRY(expanded(part.substr(equals + 1), state));
        if (key == "type")
            mount.type = value;
        else if (key == "target" || key == "dst" || key == "destination")
            mount.target = value;
        else if (key == "source" || key == "src")
            mount.source = value;
        else if (key == "from")
            mount.from = value;
        else if (key == "id")
            mount.id = value;
        else if (key == "sharing")
            mount.sharing = value;
        else if (key == "env")
            mount.env = value;
        else if (key == "size")
            mount.size = value;
        else if (key == "rw" || key == "readwrite")
            mount.writable = is_true(value);
        else if (key == "ro" || key == "readonly")
            mount.writable = !is_true(value);
        else if (key == "required")
            mount.required = is_true(value);
        else if (key == "mode")
            mount.mode = TRY(mount_number(key, value, 8));
        else if (key == "uid")
            mount.uid = TRY(mount_number(key, value, 10));
        else if (key == "gid")
            mount.gid = TRY(mount_number(key, value, 10));
        else {
            static constexpr std::string_view keys[] = {
                "type", "target",   "source",   "from", "id",  "sharing", "env", "size",        "rw", "readwrite",
                "ro",   "readonly", "required", "mode", "uid", "gid",     "dst", "destination", "src"};
            std::string what = "unexpected key '" + key + "' in '" + part + "'";
            if (auto word = did_you_mean(key, keys)) what += " (did you mean " + *word + "?)";
            return invalid(what);
        }
    }
    static constexpr std::string_view types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
    if (std::ranges::find(types, mount.type) == std::end(types))
        return invalid("unsupported mount type \"" + mount.type + "\"");
    if (mount.type == "cache" && !access_said) mount.writable = true;
    if (mount.type == "cache" && mount.sharing != "shared" && mount.sharing != "private" && mount.sharing != "locked")
        return invalid("unsupported sharing value \"" + mount.sharing + "\"");
    if (mount.target.empty() && mount.type != "secret" && mount.type != "ssh")
        return invalid("--mount of type " + mount.type + " needs a target");
    if (!mount.target.empty() && !mount.target.starts_with('/')) {
        const std::string& dir = state.config.config.working_dir;
        mount.target = (dir.empty() ? "" : dir) + "/" + mount.target;
    }
    return mount;
}

// Files of the context, a stage or an image as a folder of this machine: an
// image of just them, found again by what is in it.
Result<std::string> Build::folder_of(const Mount& mount, StageState& state, std::string& digest) {
    std::shared_ptr<const Tree> tree = mount.from.empty() ? TRY(context_tree()) : TRY(tree_from(mount.from, state));
    std::string path = TRY(resolve(*tree, mount.source, FinalLink::followed));
    auto node = TRY(tree->look(path));
    if (!node)
        return Error(ErrorKind::not_found, "--mount: failed to find " + mount.source + ": no such file or directory");
    CopyOptions options;
    options.destination = node->is_folder() ? "/files/" : "/file";
    options.keep_owner = !mount.from.empty();
    auto nothing = TRY(tree_of(std::nullopt));
    auto items = TRY(plan_copy({{tree, path, std::nullopt}}, *nothing, options, builder_.ports().folder));
    if (node->is_folder()) {
        // The folder itself as it is there.
        std::erase_if(items, [](const LayerItem& item) { return item.entry.path == "files/"; });
        LayerItem top;
        top.entry.type = tar::Type::directory;
        top.entry.path = "files/";
        top.entry.mode = node->mode;
        if (options.keep_owner) top.entry.uid = node->uid, top.entry.gid = node->gid;
        items.insert(items.begin(), std::move(top));
    }
    digest = TRY(digest_of(items));
    CacheKey key = make_key("", {"mount", digest});
    std::optional<Digest> made;
    if (auto found = TRY(builder_.find_cached(key))) made = found->id;
    if (!made) {
        auto kept = builder_.keep_cache();
        model::ImageConfig config;
        config.os = state.config.os;
        config.architecture = state.config.architecture;
        config.history.push_back({config.created, "files for RUN --mount", "", "", false});
        auto layer = layer_tar(items);
        made = TRY(builder_.ports().images.commit(config, std::nullopt, layer.get(), std::nullopt,
                                                  image::Making::build_cache));
        TRY(builder_.cache().add(key, *made, "files for RUN --mount"));
        builder_.pin(*made);
    }
    keep(*made);
    image::Lease lease = TRY(builder_.ports().images.images().rootfs(*made));
    std::string folder = lease.lower().front();
    keep(std::move(lease));
    return folder + (node->is_folder() ? "/files" : "/file");
}

namespace {

std::string cache_name(const Mount& mount, unsigned copy) {
    std::string name = mount.id.empty() ? mount.target : mount.id;
    return copy == 0 ? name : name + "\n" + std::to_string(copy);
}

} // namespace

// Only one step at a time uses a locked cache; of a private one each gets a copy
// of its own when there are several.
Result<void> Build::claim_caches(std::vector<Mount> mounts, StageState& state, model::CreateRequest& request) {
    // In one order, so that two steps don't wait for one another.
    std::ranges::sort(mounts, {}, [](const Mount& mount) { return cache_name(mount, 0); });
    std::string last;
    for (const Mount& mount : mounts) {
        if (mount.type != "cache" || mount.sharing == "shared") continue;
        std::string name = cache_name(mount, 0);
        if (mount.sharing == "locked") {
            if (name == last) continue; // the same cache at two places
            state.mount_claims.push_back(TRY(builder_.claim(make_key("cache mount", {name}), stop_)));
            last = name;
            continue;
        }
        unsigned copy = 0;
        std::shared_ptr<void> claim;
        while (!(claim = builder_.try_claim(make_key("cache mount", {cache_name(mount, copy)})))) ++copy;
        state.mount_claims.push_back(std::move(claim));
        std::string source = TRY(cache_folder(mount, state, copy));
        for (model::MountRequest& asked : request.host_config.mounts)
            if (asked.target == mount.target) asked.source = source;
    }
    return {};
}

Result<std::string> Build::cache_folder(const Mount& mount, StageState& state, unsigned copy) {
    const std::string name = sha256_hex(cache_name(mount, copy));
    const std::string path = builder_.ports().folder + "/cache/" + name;
    state.mount_claims.push_back(builder_.use_mount(name));
    if (sys::exists(path)) return path;
    TRY(sys::mkdir_parents(builder_.ports().folder + "/cache", 0700));
    // There when it is whole. Another stage may want it in this moment.
    const std::string fresh = builder_.steps_folder() + "/" + random_hex(16);
    TRY(sys::mkdir(fresh, 0700));
    auto fill = [&]() -> Result<void> {
        if (!mount.from.empty()) {
            std::string digest;
            std::string base = TRY(folder_of(mount, state, digest));
            TRY(store::copy_folder(base, fresh).context("fill the cache mount " + cache_name(mount, copy)));
        }
        UniqueFd dir = TRY(sys::open(fresh, O_RDONLY | O_DIRECTORY));
        struct stat base = TRY(sys::stat_fd(dir));
        TRY(sys::change_owner(dir, mount.uid.value_or(base.st_uid), mount.gid.value_or(base.st_gid)));
        TRY(sys::change_mode(dir, mount.mode.value_or(mount.from.empty() ? 0755 : base.st_mode & 07777)));
        return sys::rename_new(fresh, path);
    };
    auto filled = fill();
    if (!filled.ok()) TRY(sys::remove_tree(fresh));
    if (!filled.ok() && filled.error().kind() != ErrorKind::conflict) return std::move(filled).error();
    return path;
}

Result<void> Build::add_mounts(const std::vector<Mount>& mounts, StageState& state, model::CreateRequest& request,
                               CacheKey& key) {
    for (const Mount& mount : mounts) {
        model::MountRequest asked;
        asked.type = "bind";
        asked.target = mount.target;
        asked.read_only = !mount.writable;
        std::string digest;
        if (mount.type == "tmpfs") {
            request.host_config.tmpfs[mount.target] = mount.size.empty() ? "" : "size=" + mount.size;
        } else if (mount.type == "cache") {
            asked.source = TRY(cache_folder(mount, state));
            request.host_config.mounts.push_back(asked);
        } else if (mount.type == "bind") {
            asked.source = TRY(folder_of(mount, state, digest));
            request.host_config.mounts.push_back(asked);
        }
        key = make_key(key, {mount.type, mount.target, digest, mount.id});
    }
    return {};
}

// What a step writes to files that it got is for itself alone.
Result<void> Build::copy_writable(const std::vector<Mount>& mounts, StepCopies& copies, model::CreateRequest& request) {
    for (const Mount& mount : mounts) {
        if (mount.type != "bind" || !mount.writable) continue;
        for (model::MountRequest& asked : request.host_config.mounts)
            if (asked.target == mount.target) asked.source = TRY(copies.copy(asked.source));
    }
    return {};
}

Result<void> Build::add_secrets(const std::vector<Mount>& mounts, StepSecrets& secrets, model::CreateRequest& request) {
    unsigned agents = 0;
    for (const Mount& mount : mounts) {
        bool secret = mount.type == "secret";
        if (!secret && mount.type != "ssh") continue;
        std::string id = mount.id;
        if (id.empty()) id = secret ? mount.target.substr(mount.target.rfind('/') + 1) : "default";
        std::string target = mount.target;
        StepSecrets::Settings settings{mount.mode.value_or(secret ? 0400 : 0600), mount.uid.value_or(0),
                                       mount.gid.value_or(0)};
        std::string source;
        if (secret) {
            if (id.empty()) return invalid("--mount of type secret needs an id or a target");
            std::optional<std::string> value;
            if (options_.client) value = TRY(options_.client->secret(id));
            if (!value && mount.required) return Error(ErrorKind::not_found, "secret " + id + ": not found");
            if (!value) continue;
            if (!mount.env.empty()) {
                std::erase_if(request.config.env,
                              [&](const std::string& entry) { return entry.starts_with(mount.env + "="); });
                request.config.env.push_back(mount.env + "=" + *value);
                if (target.empty()) continue;
            }
            if (target.empty()) target = "/run/secrets/" + id;
            source = TRY(secrets.file(*value, settings).context("secret " + id));
        } else {
            if (!options_.client || !TRY(options_.client->has_agent(id))) {
                if (mount.required) return Error(ErrorKind::not_found, "unset ssh forward key " + id);
                continue;
            }
            if (target.empty()) target = "/run/buildkit/ssh_agent." + std::to_string(agents);
            source = TRY(secrets.agent(id, settings).context("ssh agent " + id));
            if (agents++ == 0) request.config.env.push_back("SSH_AUTH_SOCK=" + target);
        }
        model::MountRequest asked;
        asked.type = "bind";
        asked.source = std::move(source);
        asked.target = std::move(target);
        asked.read_only = secret;
        request.host_config.mounts.push_back(std::move(asked));
    }
    return {};
}

// What isn't in the image and is made only to be mounted on.
Result<std::vector<std::string>> Build::stubs_of(const model::CreateRequest& request, const StageState& state) {
    std::vector<std::string> targets, stubs;
    for (const model::MountRequest& mount : request.host_config.mounts) targets.push_back(mount.target);
    for (const auto& [target, options] : request.host_config.tmpfs) targets.push_back(target);
    auto tree = TRY(tree_of(state.image));
    for (const std::string& target : targets) {
        std::string path = TRY(resolve(*tree, target, FinalLink::followed));
        while (!path.empty() && !TRY(tree->look(path))) {
            stubs.push_back(path);
            size_t slash = path.rfind('/');
            path = slash == path.npos ? "" : path.substr(0, slash);
        }
    }
    std::ranges::sort(stubs, std::greater<>()); // what is in a folder before the folder
    stubs.erase(std::unique(stubs.begin(), stubs.end()), stubs.end());
    return stubs;
}

} // namespace hull::build
