// RUN: a container on the stage's image, whose changes are the layer.
#include <algorithm>
#include <array>
#include <functional>

#include "base/log.h"
#include "build/build_state.h"
#include "codec/json.h"
#include "image/words.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace hull::build {

namespace {

const model::StringList default_shell = {"/bin/sh", "-c"};

std::string shown(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

// What comes in frames (Engine API, "Stream format") to its end.
Result<void> read_frames(BorrowedFd socket, const std::function<Result<void>(int stream, std::string_view)>& take) {
    constexpr size_t head_bytes = 8;
    std::string pending;
    std::array<char, 65536> buffer{};
    size_t left = 0; // of the frame
    int stream = 1;
    for (;;) {
        size_t n = TRY(sys::read(socket, buffer));
        if (n == 0) return {};
        std::string_view piece(buffer.data(), n);
        while (!piece.empty()) {
            if (left > 0) {
                std::string_view text = piece.substr(0, left);
                TRY(take(stream, text));
                left -= text.size();
                piece.remove_prefix(text.size());
                continue;
            }
            size_t take_bytes = std::min(head_bytes - pending.size(), piece.size());
            pending += piece.substr(0, take_bytes);
            piece.remove_prefix(take_bytes);
            if (pending.size() < head_bytes) continue;
            for (size_t i = 4; i < head_bytes; ++i) left = left << 8 | static_cast<unsigned char>(pending[i]);
            stream = pending[0];
            pending.clear();
        }
    }
}

// by_engine: the engine would.
Error not_allowed(const std::string& entitlement, bool by_engine) {
    const std::string key = entitlement == "network.host" ? "network-host" : "security-insecure";
    return {ErrorKind::forbidden, entitlement + " is not allowed: " +
                                      (by_engine ? "build with --allow " + entitlement
                                                 : "daemon.json says so (builder: entitlements: " + key + ")")};
}

} // namespace

std::vector<std::string> Build::run_command(const Instruction& instruction, const StageState& state) const {
    if (auto list = exec_form(instruction.rest)) return *list;
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

// Until its end; what it writes goes to the output.
Result<int> Build::run_container(const ContainerId& id, const StageState& state) {
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
    auto read = read_frames(ours, [&](int stream, std::string_view text) -> Result<void> {
        // As Docker's classic builder, for whoever reads: what goes to stderr is red.
        if (classic())
            return output_.text(stream == 2 ? "\033[91m" + std::string(text) + "\033[0m" : std::string(text));
        wire::Progress progress;
        progress.logs.push_back({state.step, wall_now(), stream, std::string(text)});
        return output_.progress(progress);
    });
    if (!read.ok()) (void)containers.kill(id.str(), "KILL");
    auto result = waiter->get({});
    if (stop_.stop_requested()) return Error(ErrorKind::cancelled, "the build was cancelled");
    TRY(std::move(read));
    if (!result) return Error(ErrorKind::unavailable, "the engine is stopping");
    if (!result->error.empty()) return Error(ErrorKind::system, result->error);
    return result->exit_code;
}

Result<void> Build::do_run(const Instruction& instruction, StageState& state) {
    auto command = run_command(instruction, state);
    if (!state.image)
        return at_line(invalid("RUN needs a base image: this stage is FROM scratch and empty so far"), file_,
                       instruction);

    model::CreateRequest request;
    request.host_config = options_.host;
    request.config.cmd = command;
    request.config.entrypoint = model::StringList();
    request.config.healthcheck = model::Healthcheck{.test = {"NONE"}};
    request.config.attach_stdout = request.config.attach_stderr = true;
    if (!classic()) {
        request.config.env = state.config.config.env;
        request.config.user = state.config.config.user;
        request.config.working_dir = state.config.config.working_dir;
    }
    CacheKey key = run_key(command, state);
    add_arguments(state, request.config.env, key);
    std::vector<Mount> mounts;
    for (const Flag& flag : instruction.flags) {
        if (flag.name == "mount") {
            auto mount = parse_mount(flag.value, state);
            if (!mount.ok()) return at_line(std::move(mount).error(), file_, instruction);
            mounts.push_back(std::move(*mount));
        } else {
            auto applied = apply_run_flag(flag, request, key);
            if (!applied.ok()) return at_line(std::move(applied).error(), file_, instruction);
        }
    }
    auto mounted = add_mounts(mounts, state, request, key);
    if (!mounted.ok()) return at_line(std::move(mounted).error(), file_, instruction);
    if (classic()) state.created_by = classic_run(command, state);
    if (TRY(take_cached(state, key))) {
        if (!classic()) TRY(add_run_history(command, state));
        return {};
    }

    StepSecrets secrets(builder_.ports().secrets_folder, options_.client);
    auto secret = add_secrets(mounts, secrets, request);
    if (!secret.ok()) return at_line(std::move(secret).error(), file_, instruction);
    StepCopies copies(builder_.steps_folder());
    TRY(copy_writable(mounts, copies, request));
    TRY(claim_caches(mounts, state, request));
    auto stubs = TRY(stubs_of(request, state));
    request.config.image = TRY(layers_image(state)).str();
    engine::CreateOptions how;
    how.transient = !classic() || options_.remove;
    const model::StringList env = request.config.env;
    auto created = TRY(builder_.ports().containers.create(std::move(request), how));
    const std::string& id = created.id.str();
    auto remove = [&] {
        auto gone = builder_.ports().containers.remove(id, {.force = true, .volumes = true});
        if (!gone.ok() && gone.error().kind() != ErrorKind::not_found)
            log::error("remove the container of a build's step", gone.error());
    };
    // A client that left can't be told any more; the container must go all the same.
    auto run = [&]() -> Result<int> {
        TRY(say(" ---> Running in " + id.substr(0, 12) + "\n"));
        return run_container(created.id, state);
    };
    auto ran = run();
    if (!ran.ok() || *ran != 0) {
        if (!classic() || options_.force_remove || options_.remove || !ran.ok()) remove();
        if (!ran.ok()) return std::move(ran).error();
        output_.step_failed(*ran);
        // What the step failed with is what the client is told, whatever becomes of this.
        if (options_.keep_failed)
            if (auto held = keep_failed(state, env); !held.ok())
                log::error("keep what a failed step began with", held.error());
        if (!classic())
            return Error(ErrorKind::system, "process \"" + shown(command) +
                                                "\" did not complete successfully: exit code: " + std::to_string(*ran));
        return Error(ErrorKind::system,
                     "The command '" + shown(command) + "' returned a non-zero code: " + std::to_string(*ran));
    }
    auto kept = keep_run(id, command, stubs, key, state);
    bool removes = !classic() || options_.remove || !kept.ok();
    if (removes) remove();
    TRY(std::move(kept).context("keep what RUN made"));
    if (removes) TRY(say(" ---> Removed intermediate container " + id.substr(0, 12) + "\n"));
    return say_image(state);
}

// For who wants to look: a shell where the program began.
Result<void> Build::keep_failed(const StageState& state, const model::StringList& env) {
    model::ImageConfig config = state.config;
    config.config.env = env;
    config.config.entrypoint.reset();
    config.config.cmd = model::StringList{config.config.shell.value_or(default_shell).front()};
    config.config.healthcheck.reset();
    config.comment = "before the step that failed";
    Digest id = TRY(builder_.ports().images.commit(std::move(config), state.image, nullptr, std::nullopt,
                                                   image::Making::standalone));
    return output_.kept_failed(id);
}

// Arguments are variables of the program, unless ENV has the name.
void Build::add_arguments(const StageState& state, model::StringList& env, CacheKey& key) {
    model::StringList args = state.args;
    for (const auto& [name, value] : options_.args)
        if (is_predefined_arg(name) && value) {
            if (state.declared.contains(name)) continue;
            env.push_back(name + "=" + *value);
        }
    std::ranges::sort(args);
    for (const std::string& arg : args) {
        std::string name = arg.substr(0, arg.find('=') + 1);
        bool hidden = std::ranges::any_of(state.config.config.env,
                                          [&](const std::string& entry) { return entry.starts_with(name); });
        if (hidden) continue;
        env.push_back(arg);
        key = make_key(key, {"ARG", arg});
    }
}

Result<void> Build::apply_run_flag(const Flag& flag, model::CreateRequest& request, CacheKey& key) const {
    if (flag.name == "network") {
        if (flag.value != "default" && flag.value != "none" && flag.value != "host")
            return invalid("network " + flag.value + " is not supported: default, none or host");
        bool asked = options_.host.network_mode == "host" || options_.allow.contains("network.host");
        if (flag.value == "host" && (!asked || !builder_.ports().may.network_host))
            return not_allowed("network.host", builder_.ports().may.network_host);
        if (flag.value != "default") request.host_config.network_mode = flag.value;
        key = make_key(key, {"network", flag.value});
    } else if (flag.name == "security") {
        if (flag.value != "sandbox" && flag.value != "insecure")
            return invalid("security " + flag.value + " is not valid: sandbox or insecure");
        if (flag.value == "sandbox") return {};
        if (!options_.allow.contains("security.insecure") || !builder_.ports().may.security_insecure)
            return not_allowed("security.insecure", builder_.ports().may.security_insecure);
        request.host_config.privileged = true;
        key = make_key(key, {"security", flag.value});
    } else {
        model::DeviceRequest device;
        device.driver = "cdi";
        device.device_ids = {flag.value.substr(0, flag.value.find(','))};
        request.host_config.device_requests.push_back(std::move(device));
        key = make_key(key, {"device", flag.value});
    }
    return {};
}

CacheKey Build::run_key(const std::vector<std::string>& command, const StageState& state) const {
    CacheKey key = make_key(state.key, {"RUN", json::print(json::encode(command))});
    if (classic()) return key; // the image that it stands on has the settings
    const model::ContainerConfig& config = state.config.config;
    return make_key(key, {json::print(json::encode(config.env)), config.user, config.working_dir});
}

// The image of a step's container: files alone, so that no setting of a base
// (volumes, say) has a part in it.
Result<Digest> Build::layers_image(StageState& state) {
    if (classic()) return *state.image;
    auto image = TRY(builder_.ports().images.images().resolve(state.image->str()));
    if (image->of_build_cache) return *state.image;
    model::ImageConfig config = cache_config(state);
    config.created = state.config.created;
    auto kept = builder_.keep_cache();
    Digest id = TRY(builder_.ports().images.commit(std::move(config), state.image, nullptr, std::nullopt,
                                                   image::Making::build_cache));
    builder_.pin(id);
    keep(id);
    return id;
}

// What changed nothing has no layer.
Result<void> Build::add_run_history(const std::vector<std::string>& command, StageState& state) const {
    auto image = TRY(builder_.ports().images.images().resolve(state.image->str()));
    auto layers = std::ranges::count(state.config.history, false, &model::HistoryEntry::empty_layer);
    bool empty = image->config.diff_ids.size() == static_cast<size_t>(layers);
    add_history(state, run_history(command, state), empty);
    return {};
}

Result<void> Build::keep_run(const std::string& container, const std::vector<std::string>& command,
                             const std::vector<std::string>& stubs, const CacheKey& key, StageState& state) {
    auto kept = builder_.keep_cache();
    if (!classic()) {
        Digest id =
            TRY(builder_.ports().commit(container, cache_config(state), {image::Making::build_cache, stubs, true}));
        TRY(keep_step(state, key, id));
        return add_run_history(command, state);
    }
    model::ImageConfig config = state.config;
    config.created = now();
    config.history.push_back({config.created, state.created_by, config.author, "", false});
    Digest id =
        TRY(builder_.ports().commit(container, std::move(config), {image::Making::child, stubs, options_.remove}));
    auto image = TRY(builder_.ports().images.images().resolve(id.str()));
    state.image = id;
    state.config = image->config;
    state.key = id.str();
    return builder_.cache().add(key, id, state.created_by);
}

} // namespace hull::build
