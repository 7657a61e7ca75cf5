// RUN: a container on the stage's image, whose changes are the layer.
#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "base/log.h"
#include "build/build_state.h"
#include "codec/compress/sha256.h"
#include "codec/json.h"
#include "image/words.h"
#include <fcntl.h>

#include "sys/file.h"
#include "sys/socket.h"
#include "sys/tree.h"

namespace hull::build {

namespace {

const model::StringList default_shell = {"/bin/sh", "-c"};

std::string shown(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

// What comes in frames (Engine API, "Stream format") to its end.
Result<void> read_frames(BorrowedFd socket, const std::function<Result<void>(std::string_view)>& take) {
    constexpr size_t head_bytes = 8;
    std::string pending;
    std::array<char, 65536> buffer{};
    size_t left = 0; // of the frame
    for (;;) {
        size_t n = TRY(sys::read(socket, buffer));
        if (n == 0) return {};
        std::string_view piece(buffer.data(), n);
        while (!piece.empty()) {
            if (left > 0) {
                std::string_view text = piece.substr(0, left);
                TRY(take(text));
                left -= text.size();
                piece.remove_prefix(text.size());
                continue;
            }
            size_t take_bytes = std::min(head_bytes - pending.size(), piece.size());
            pending += piece.substr(0, take_bytes);
            piece.remove_prefix(take_bytes);
            if (pending.size() < head_bytes) continue;
            for (size_t i = 4; i < head_bytes; ++i) left = left << 8 | static_cast<unsigned char>(pending[i]);
            pending.clear();
        }
    }
}

Result<uint32_t> mount_number(const std::string& name, const std::string& text, int base) {
    uint32_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return invalid("invalid value " + text + " for " + name + " of --mount");
    return value;
}

bool is_true(const std::string& text) { return text.empty() || text == "true" || text == "1"; }

} // namespace

Result<std::vector<std::string>> Build::run_command(const Instruction& instruction, const StageState& state) const {
    if (auto list = exec_form(instruction.rest)) {
        if (list->empty()) return at_line(invalid("RUN requires at least one argument"), file_, instruction);
        return *list;
    }
    if (instruction.rest.empty()) return at_line(invalid("RUN requires at least one argument"), file_, instruction);
    std::vector<std::string> words = state.config.config.shell.value_or(default_shell);
    std::string text = instruction.rest;
    if (!instruction.heredocs.empty()) {
        bool alone = text.starts_with("<<") && text.find_first_of(" \t") == text.npos;
        const Heredoc& doc = instruction.heredocs.front();
        if (alone && !doc.content.starts_with("#!")) {
            text = doc.content;
        } else {
            // The shell reads them itself. A script with an interpreter of its own is fed to that one.
            if (alone) text = doc.content.substr(2, doc.content.find('\n') - 2) + " /dev/stdin <<'" + doc.name + "'";
            for (const Heredoc& here : instruction.heredocs) text += "\n" + here.content + here.name;
        }
    }
    words.push_back(std::move(text));
    return words;
}

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
Result<std::string> Build::folder_of(const Mount& mount, const StageState& state, std::string& digest) {
    std::shared_ptr<const Tree> tree = context_;
    if (!mount.from.empty()) tree = TRY(tree_from(mount.from, state));
    std::string path = TRY(resolve(*tree, mount.source, FinalLink::followed));
    auto node = TRY(tree->look(path));
    if (!node)
        return Error(ErrorKind::not_found, "--mount: failed to find " + mount.source + ": no such file or directory");
    CopyOptions options;
    options.destination = node->is_folder() ? "/" : "/file";
    options.keep_owner = !mount.from.empty();
    auto nothing = TRY(tree_of(std::nullopt));
    auto items = TRY(plan_copy({{tree, path, std::nullopt}}, *nothing, options, builder_.ports().folder));
    digest = TRY(digest_of(items));
    CacheKey key = make_key("", {"mount", digest});
    std::optional<Digest> made = TRY(builder_.cache().find(key));
    if (made && !builder_.ports().images.images().resolve(made->str()).ok()) made.reset();
    if (!made) {
        model::ImageConfig config;
        config.os = state.config.os;
        config.architecture = state.config.architecture;
        config.history.push_back({config.created, "files for RUN --mount", "", "", false});
        auto layer = layer_tar(items);
        made = TRY(builder_.ports().images.commit(config, std::nullopt, layer.get(), std::nullopt));
        TRY(builder_.cache().add(key, *made));
    }
    leases_.push_back(TRY(builder_.ports().images.images().rootfs(*made)));
    std::string folder = leases_.back().lower().front();
    return node->is_folder() ? folder : folder + "/file";
}

Result<std::string> Build::cache_folder(const Mount& mount) {
    std::string id = mount.id.empty() ? mount.target : mount.id;
    std::string path = builder_.ports().folder + "/cache/" + sha256_hex(id);
    if (sys::exists(path)) return path;
    TRY(sys::mkdir_parents(builder_.ports().folder + "/cache", 0700));
    TRY(sys::mkdir(path, 0700));
    UniqueFd dir = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
    TRY(sys::change_owner(dir, mount.uid.value_or(0), mount.gid.value_or(0)));
    TRY(sys::change_mode(dir, mount.mode.value_or(0755)));
    return path;
}

Result<void> Build::add_mounts(const std::vector<Mount>& mounts, const StageState& state, model::CreateRequest& request,
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
            asked.source = TRY(cache_folder(mount));
            request.host_config.mounts.push_back(asked);
        } else if (mount.type == "bind") {
            if (mount.writable)
                return Error(
                    ErrorKind::unsupported,
                    "RUN --mount=type=bind,rw is not supported: mount it read-only and copy what is to be changed");
            asked.source = TRY(folder_of(mount, state, digest));
            request.host_config.mounts.push_back(asked);
        } else if (mount.required) {
            return Error(ErrorKind::not_found, mount.type + " " + (mount.id.empty() ? mount.target : mount.id) +
                                                   ": not found: this build was given none");
        }
        key = make_key(key, {mount.type, mount.target, digest});
    }
    return {};
}

// Until its end; what it writes goes to the output.
Result<int> Build::run_container(const ContainerId& id) {
    engine::Containers& containers = builder_.ports().containers;
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketType::stream));
    engine::AttachInfo info = TRY(containers.check_attach(id.str()));
    engine::Streams streams;
    streams.client = std::move(theirs);
    streams.stdout_ = streams.stderr_ = true;
    TRY(containers.attach(id, std::move(streams)));
    info.expected.reset();
    auto waiter = TRY(containers.wait(id.str(), engine::WaitCondition::next_exit));
    TRY(containers.start(id.str()));
    std::stop_callback on_stop(stop_, [&] { (void)containers.kill(id.str(), "KILL"); });
    auto read = read_frames(ours, [&](std::string_view text) { return output_.text(text); });
    if (!read.ok()) (void)containers.kill(id.str(), "KILL");
    auto result = waiter->get({});
    if (stop_.stop_requested()) return Error(ErrorKind::cancelled, "the build was cancelled");
    TRY(std::move(read));
    if (!result) return Error(ErrorKind::unavailable, "the engine is stopping");
    if (!result->error.empty()) return Error(ErrorKind::system, result->error);
    return result->exit_code;
}

Result<void> Build::do_run(const Instruction& instruction, StageState& state) {
    static constexpr std::string_view flags[] = {"mount", "network", "security", "device"};
    auto flags_fit = check_flags(instruction, flags);
    if (!flags_fit.ok()) return at_line(std::move(flags_fit).error(), file_, instruction);
    auto command = TRY(run_command(instruction, state));
    if (!state.image)
        return at_line(invalid("RUN needs a base image: this stage is FROM scratch and empty so far"), file_,
                       instruction);

    model::CreateRequest request;
    request.host_config = options_.host;
    request.config.image = state.image->str();
    request.config.cmd = command;
    request.config.entrypoint = model::StringList();
    request.config.healthcheck = model::Healthcheck{.test = {"NONE"}};
    request.config.attach_stdout = request.config.attach_stderr = true;
    CacheKey key = make_key(state.key, {"RUN", json::print(json::encode(command))});
    // Arguments are variables of the program, unless ENV has the name.
    model::StringList args = state.args;
    for (const auto& [name, value] : options_.args)
        if (is_predefined_arg(name) && value) {
            if (state.declared.contains(name)) continue;
            request.config.env.push_back(name + "=" + *value);
        }
    std::ranges::sort(args);
    for (const std::string& arg : args) {
        std::string name = arg.substr(0, arg.find('=') + 1);
        bool hidden = std::ranges::any_of(state.config.config.env,
                                          [&](const std::string& entry) { return entry.starts_with(name); });
        if (hidden) continue;
        request.config.env.push_back(arg);
        key = make_key(key, {"ARG", arg});
    }
    std::vector<Mount> mounts;
    for (const Flag& flag : instruction.flags) {
        if (flag.name == "mount") {
            auto mount = parse_mount(flag.value, state);
            if (!mount.ok()) return at_line(std::move(mount).error(), file_, instruction);
            mounts.push_back(std::move(*mount));
        } else if (flag.name == "network") {
            if (flag.value != "default" && flag.value != "none" && flag.value != "host")
                return at_line(invalid("network " + flag.value + " is not supported: default, none or host"), file_,
                               instruction);
            if (flag.value != "default") request.host_config.network_mode = flag.value;
            key = make_key(key, {"network", flag.value});
        } else if (flag.name == "security") {
            if (flag.value == "insecure")
                return at_line(Error(ErrorKind::forbidden, "security.insecure is not allowed"), file_, instruction);
            if (flag.value != "sandbox")
                return at_line(invalid("security " + flag.value + " is not valid: sandbox or insecure"), file_,
                               instruction);
        } else {
            model::DeviceRequest device;
            device.driver = "cdi";
            device.device_ids = {flag.value.substr(0, flag.value.find(','))};
            request.host_config.device_requests.push_back(std::move(device));
            key = make_key(key, {"device", flag.value});
        }
    }
    auto mounted = add_mounts(mounts, state, request, key);
    if (!mounted.ok()) return at_line(std::move(mounted).error(), file_, instruction);
    if (TRY(take_cached(state, key))) return {};

    auto created = TRY(builder_.ports().containers.create(std::move(request), {}));
    const std::string& id = created.id.str();
    TRY(output_.text(" ---> Running in " + id.substr(0, 12) + "\n"));
    auto remove = [&] {
        auto gone = builder_.ports().containers.remove(id, {.force = true, .volumes = true});
        if (!gone.ok() && gone.error().kind() != ErrorKind::not_found)
            log::error("remove the container of a build's step", gone.error());
    };
    auto ran = run_container(created.id);
    if (!ran.ok() || *ran != 0) {
        if (options_.force_remove || options_.remove || !ran.ok()) remove();
        if (!ran.ok()) return std::move(ran).error();
        output_.step_failed(*ran);
        return invalid("The command '" + shown(command) + "' returned a non-zero code: " + std::to_string(*ran));
    }
    model::ImageConfig config = state.config;
    config.created = now();
    config.history.push_back({config.created, "RUN " + shown(command), config.author, "", false});
    auto made = builder_.ports().commit(id, std::move(config));
    if (options_.remove || !made.ok()) remove();
    Digest image_id = TRY(std::move(made).context("keep what RUN made"));
    if (options_.remove) TRY(output_.text(" ---> Removed intermediate container " + id.substr(0, 12) + "\n"));
    auto image = TRY(builder_.ports().images.images().resolve(image_id.str()));
    state.image = image_id;
    state.config = image->config;
    state.key = image_id.str();
    TRY(builder_.cache().add(key, image_id));
    return say_image(state);
}

} // namespace hull::build
