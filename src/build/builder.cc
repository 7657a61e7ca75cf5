#include "build/builder.h"

#include <algorithm>
#include <charconv>

#include <fcntl.h>

#include "build/archive_tree.h"
#include "build/build_state.h"
#include "build/git_source.h"
#include "build/session/control.h"
#include "build/syntax.h"
#include "codec/compress/compress.h"
#include "image/platform.h"
#include "image/words.h"
#include "sys/file.h"

namespace hull::build {

namespace {

std::string short_id(const Digest& id) { return id.hex().substr(0, 12); }

model::StringList platform_arguments(const std::string& wanted) {
    model::Platform host = image::host_platform();
    model::Platform target = host;
    if (auto parsed = image::parse_platform(wanted); !wanted.empty() && parsed.ok()) target = *parsed;
    model::StringList out;
    auto add = [&](const std::string& prefix, const model::Platform& p) {
        std::string whole = p.os + "/" + p.architecture + (p.variant.empty() ? "" : "/" + p.variant);
        out.push_back(prefix + "PLATFORM=" + whole);
        out.push_back(prefix + "OS=" + p.os);
        out.push_back(prefix + "ARCH=" + p.architecture);
        out.push_back(prefix + "VARIANT=" + p.variant);
    };
    add("TARGET", target);
    add("BUILD", host);
    return out;
}

const std::string default_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Images with the same files and platform are the same to a step.
CacheKey key_of_layers(const image::Image& image) {
    return make_key("layers", {image.chain_id ? image.chain_id->str() : "", image.config.os, image.config.architecture,
                               image.config.variant});
}

const std::string* argument(const model::StringList& list, std::string_view name) {
    for (const std::string& entry : list)
        if (entry.starts_with(name) && entry.size() > name.size() && entry[name.size()] == '=') return &entry;
    return nullptr;
}

} // namespace

Builder::Builder(BuilderPorts ports)
    : ports_(std::move(ports)), cache_(ports_.records), control_(std::make_unique<Control>(*this)) {}

Builder::~Builder() = default;

Result<std::unique_ptr<Builder>> Builder::open(BuilderPorts ports) {
    TRY(sys::mkdir_parents(ports.folder, 0700).context("make the folder of builds"));
    if (!ports.secrets_folder.empty()) {
        TRY(sys::remove_tree(ports.secrets_folder)); // of builds that were killed
        TRY(sys::mkdir_parents(ports.secrets_folder, 0700).context("make the folder of builds' secrets"));
    }
    auto builder = std::unique_ptr<Builder>(new Builder(std::move(ports)));
    TRY(sys::remove_tree(builder->steps_folder())); // of builds that were killed
    TRY(sys::mkdir_parents(builder->steps_folder(), 0700).context("make the folder of builds' steps"));
    builder->begin_collecting();
    return builder;
}

Result<std::shared_ptr<Context>> Builder::read_context(ByteSource& tar) const {
    auto plain = TRY(decompress(tar));
    std::string first(tar::block_bytes, '\0');
    first.resize(TRY(read_full(*plain, first)));
    bool empty_tar = std::ranges::all_of(first, [](char c) { return c == '\0'; }); // two zero blocks
    if (!first.empty() && !empty_tar && !looks_like_tar(first)) {
        // A Dockerfile that came as it is.
        PrefixedSource whole(std::move(first), *plain);
        return std::shared_ptr<Context>(TRY(Context::from_file("Dockerfile", whole, ports_.folder)));
    }
    PrefixedSource whole(std::move(first), *plain);
    return std::shared_ptr<Context>(TRY(Context::from_tar(whole, ports_.folder).context("read the build context")));
}

Result<std::shared_ptr<Context>> Builder::download_context(const std::string& url, const BuildOptions& options,
                                                           const std::stop_token& stop) const {
    if (is_git_address(url)) {
        auto keeps = [](const auto& arg) {
            return arg.first == "BUILDKIT_CONTEXT_KEEP_GIT_DIR" && arg.second &&
                   (*arg.second == "1" || *arg.second == "true");
        };
        GitFetch fetch{.from = TRY(parse_git_address(url)),
                       .keep_git = std::ranges::any_of(options.args, keeps),
                       .client = options.client};
        return fetch_git(fetch, steps_folder(), stop);
    }
    if (!is_web_address(url)) return unsupported("building from " + url + " is not supported");
    if (!ports_.download) return unsupported("this engine does not download files");
    auto body = TRY(ports_.download(url, stop).context("download the build context"));
    return read_context(*body).context("build context " + url);
}

Result<Digest> Builder::build(const BuildOptions& options, std::shared_ptr<Context> context, Output& output,
                              std::stop_token stop) {
    ++begun_;
    auto run = [&] {
        if (platforms_of(options.platform).size() > 1) return build_several(options, context, output, stop);
        Build build(*this, options, std::move(context), output, std::move(stop));
        return build.run();
    };
    auto built = run();
    want_collecting();
    if (built.ok()) return built;
    switch (built.error().kind()) {
    case ErrorKind::cancelled: ++cancelled_; break;
    case ErrorKind::invalid_argument: ++wrong_; break;
    default: ++failed_; break;
    }
    return built;
}

BuildCounts Builder::counts() const {
    return {.begun = begun_, .cancelled = cancelled_, .wrong = wrong_, .failed = failed_};
}

// ---- one build ------------------------------------------------------------------------

Build::Build(Builder& builder, const BuildOptions& options, std::shared_ptr<Context> context, Output& output,
             std::stop_token stop)
    : builder_(builder), options_(options), given_(std::move(context)), context_(given_), output_(output),
      on_stop_(std::move(stop), [this] { own_stop_.request_stop(); }),
      platform_args_(platform_arguments(options.platform)) {}

Build::~Build() { builder_.unpin(pins_); }

void Build::begin_states() {
    states_.resize(plan_.stages.size());
    for (size_t i = 0; i < states_.size(); ++i) states_[i].index = i;
}

void Build::keep(image::Lease lease) {
    std::lock_guard lock(mutex_);
    leases_.push_back(std::move(lease));
}

void Build::keep(const Digest& pinned) {
    std::lock_guard lock(mutex_);
    pins_.push_back(pinned);
}

Result<Digest> Build::run() {
    std::vector<model::Reference> references;
    for (const std::string& tag : options_.tags) {
        auto reference = TRY(model::Reference::parse(tag).context("invalid argument \"" + tag + "\" for t"));
        if (reference.digest) return invalid("refusing to create a tag with a digest reference");
        references.push_back(std::move(reference));
    }
    for (const auto& [name, value] : options_.args) {
        if (name != "SOURCE_DATE_EPOCH" || !value) continue;
        int64_t seconds = 0;
        auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
        if (error != std::errc() || end != value->data() + value->size())
            return invalid("SOURCE_DATE_EPOCH is no number: " + *value);
        epoch_ = seconds;
    }
    if (!classic()) return run_steps();
    TRY(read_dockerfile());
    plan_ = TRY(plan_stages(file_, options_.target, options_.args, platform_args_));
    TRY(check_wisdom());
    for (const Instruction* instruction : plan_.global_instructions) TRY(announce(instruction->original));
    TRY(import_caches());
    begin_states();
    for (size_t i = 0; i < plan_.stages.size(); ++i)
        if (plan_.stages[i].needed) TRY(run_stage(i));
    Digest id = TRY(finish(states_[plan_.target]));
    if (options_.squash) id = TRY(squash(states_[plan_.target], id));
    TRY(warn_of_unused_args());
    TRY(output_.image(id));
    TRY(output_.text("Successfully built " + short_id(id) + "\n"));
    for (size_t i = 0; i < references.size(); ++i) {
        const model::Reference& reference = references[i];
        std::string tag = reference.tag.empty() ? "latest" : reference.tag;
        TRY(builder_.ports().images.tag(id.str(), reference.familiar_name(), tag));
        TRY(output_.text("Successfully tagged " + reference.familiar_name() + ":" + tag + "\n"));
    }
    return id;
}

Result<void> Build::read_dockerfile() {
    std::string text;
    if (options_.dockerfile_text) {
        text = *options_.dockerfile_text;
    } else {
        std::string path = clean_relative(options_.dockerfile.empty() ? "Dockerfile" : options_.dockerfile);
        auto read = context_->read(path, max_dockerfile_bytes);
        // As Docker: the other spelling, when nothing was asked for.
        if (!read.ok() && read.error().kind() == ErrorKind::not_found && path == "Dockerfile")
            if (auto other = context_->read("dockerfile", max_dockerfile_bytes); other.ok()) read = std::move(other);
        if (!read.ok() && read.error().kind() == ErrorKind::not_found)
            return invalid("Cannot locate specified Dockerfile: " + options_.dockerfile);
        text = TRY(std::move(read));
    }
    TRY(take_dockerfile(text));
    auto ignored = context_->read(".dockerignore", size_t{4} << 20);
    if (!ignored.ok()) return {};
    ignored_ = TRY(IgnoreList::parse(*ignored).context(".dockerignore"));
    given_->leave_out(ignored_);
    return {};
}

Result<void> Build::take_dockerfile(std::string_view text) {
    file_ = TRY(parse_dockerfile(text, options_.dockerfile.empty() ? "Dockerfile" : options_.dockerfile));
    return check_syntax(file_);
}

Result<void> Build::announce(const std::string& text) {
    if (!classic()) return {};
    ++steps_done_;
    std::string line = text;
    std::ranges::replace(line, '\n', ' ');
    return output_.text("Step " + std::to_string(steps_done_) + "/" + std::to_string(plan_.steps) + " : " + line +
                        "\n");
}

Result<void> Build::run_stage(size_t index) {
    const Stage& stage = plan_.stages[index];
    StageState& state = states_[index];
    TRY(announce(stage.from->original));
    auto begun = begin_stage(stage, state);
    if (!begun.ok()) return std::move(begun).error();
    TRY(run_triggers(state));
    for (const Instruction* instruction : stage.steps) {
        TRY(announce(instruction->original));
        TRY(step(*instruction, state));
    }
    return {};
}

Result<void> Build::step(const Instruction& instruction, StageState& state) {
    if (stop_.stop_requested()) return Error(ErrorKind::cancelled, "the build was cancelled");
    auto done = classic() ? do_instruction(instruction, state) : do_step(instruction, state);
    state.claim.reset();
    state.mount_claims.clear();
    return done;
}

Result<void> Build::begin_stage(const Stage& stage, StageState& state) {
    if (stage.base_stage) {
        TRY(await_stage(*stage.base_stage));
        const StageState& base = states_[*stage.base_stage];
        state.image = base.image;
        state.base_layers = base.base_layers;
        state.config = base.config;
        state.key = base.key;
        state.made = base.made;
        state.last_step = base.last_step;
    } else if (stage.base == "scratch") {
        model::Platform platform = image::host_platform();
        if (!stage.platform.empty())
            platform = TRY(image::parse_platform(stage.platform));
        else if (!options_.platform.empty())
            platform = TRY(image::parse_platform(options_.platform));
        state.config.os = platform.os;
        state.config.architecture = platform.architecture;
        state.config.variant = platform.variant;
        // What the steps of the two styles give is not the same: files alone, or an image.
        state.key = make_key(
            "", {classic() ? "scratch, image" : "scratch", platform.os, platform.architecture, platform.variant});
        state.config.config.env.push_back(default_path);
        if (!classic()) state.config.config.working_dir = "/";
        return say(" ---> \n");
    } else if (classic()) {
        auto image = TRY(base_image(stage.base, stage.platform.empty() ? options_.platform : stage.platform));
        state.image = image->id;
        state.base_layers = image->config.diff_ids.size();
        state.config = image->config;
        if (!argument(state.config.config.env, "PATH")) state.config.config.env.push_back(default_path);
        state.key = image->id.str();
    } else {
        TRY(begin_from(stage, state));
    }
    state.config.comment.clear();
    return say_image(state);
}

Result<image::ImagePtr> Build::base_image(const std::string& asked, const std::string& platform,
                                          const std::string& vertex) {
    std::string name = asked;
    if (auto context = options_.contexts.find(asked); context != options_.contexts.end()) {
        constexpr std::string_view scheme = "docker-image://";
        if (!context->second.starts_with(scheme))
            return unsupported("the context " + asked + " (" + context->second +
                               ") is no image: take files of it by "
                               "COPY --from=" +
                               asked);
        name = context->second.substr(scheme.size());
    }
    const image::Images& images = builder_.ports().images.images();
    auto fits = [&](const model::ImageConfig& config) {
        auto wanted = image::parse_platform(platform);
        return platform.empty() || !wanted.ok() ||
               (config.os == wanted->os && config.architecture == wanted->architecture);
    };
    if (!platform.empty()) TRY(image::parse_platform(platform));
    // A name may stand for several platforms.
    auto find = [&]() -> Result<image::ImagePtr> {
        auto wanted = image::parse_platform(platform);
        auto exact = !platform.empty() && wanted.ok() ? images.resolve(name, *wanted) : images.resolve(name);
        return exact.ok() ? exact : images.resolve(name);
    };
    auto found = find();
    if (found.ok() && !options_.pull && fits((*found)->config)) return found;
    if (!found.ok() && found.error().kind() != ErrorKind::not_found) return found;
    auto reference = model::Reference::parse(name);
    // An image's id is here or nowhere; so is everything, without registries.
    bool here_only = name.starts_with("sha256:") || !reference.ok() || !builder_.ports().images.registries().ok();
    if (here_only && found.ok() && !fits((*found)->config))
        return Error(ErrorKind::not_found, "image " + name + " was found but does not match the platform " + platform +
                                               ": it is for " + (*found)->config.os + "/" +
                                               (*found)->config.architecture);
    if (here_only) return found;
    if (reference->tag.empty() && !reference->digest) reference->tag = "latest";
    image::PullRequest request{
        .name = reference->full(), .platform = platform, .auth = image::auth_for(options_.auths, *reference)};
    if (request.auth.empty() && options_.client)
        request.auth = TRY(options_.client->credentials(reference->domain == "docker.io" ? "registry-1.docker.io"
                                                                                         : reference->domain));
    TRY(builder_.ports().images.pull(
        request,
        [&](const image::TransferLine& line) { return classic() ? output_.pull(line) : tell_pull(line, vertex); },
        stop_));
    return find();
}

// ONBUILD of the base, each as if it stood here.
Result<void> Build::run_triggers(StageState& state) {
    model::StringList triggers = std::move(state.config.config.on_build);
    state.config.config.on_build.clear();
    if (triggers.empty()) return {};
    TRY(say("# Executing " + std::to_string(triggers.size()) + " build trigger" + (triggers.size() == 1 ? "" : "s") +
            "\n"));
    for (const std::string& trigger : triggers) {
        Dockerfile file = TRY(parse_dockerfile(trigger, "ONBUILD").context("ONBUILD of the base image"));
        TRY(check_syntax(file).context("ONBUILD of the base image"));
        for (const Instruction& instruction : file.instructions)
            TRY(step(instruction, state).context("ONBUILD " + instruction.original));
    }
    return {};
}

Result<Digest> Build::finish(StageState& state) {
    if (!options_.labels.empty()) {
        std::string text;
        for (const auto& [name, value] : options_.labels) {
            state.config.config.labels[name] = value;
            text += " " + name + "=" + value;
        }
        state.created_by = classic_history("LABEL" + text, state);
        CacheKey key = make_key(state.key, {"labels", text});
        if (!TRY(take_cached(state, key))) TRY(commit(state, key, state.created_by, nullptr));
    }
    if (!state.image) return invalid("No image was generated. Is your Dockerfile empty?");
    return *state.image;
}

Result<void> Build::warn_of_unused_args() {
    std::string names;
    for (const auto& [name, value] : options_.args)
        if (!used_args_.contains(name) && !is_predefined_arg(name) && name != "SOURCE_DATE_EPOCH" &&
            !name.starts_with("BUILDKIT_") && !argument(plan_.global_args, name))
            names += (names.empty() ? "" : " ") + name;
    if (names.empty()) return {};
    return output_.text("[Warning] One or more build-args [" + names + "] were not consumed\n");
}

Result<void> Build::say_image(const StageState& state) {
    if (!state.image) return {};
    return say(" ---> " + short_id(*state.image) + "\n");
}

Result<bool> Build::take_cached(StageState& state, const CacheKey& key) {
    if (options_.no_cache || options_.no_cache_stages.contains(plan_.stages[state.index].name)) return false;
    // Who does the same at this moment does it for both.
    state.claim = TRY(builder_.claim(key, stop_));
    auto image = TRY(builder_.find_cached(key));
    if (classic() && image && !may_take(image)) builder_.unpin({std::exchange(image, nullptr)->id});
    if (!image && classic()) return take_from_history(state, key);
    if (!image) image = TRY(take_imported(state, key));
    if (!image) return false;
    state.claim.reset();
    keep(image->id);
    state.image = image->id;
    state.cached = true;
    if (!classic()) {
        state.config.created = image->config.created;
        state.key = key_of_layers(*image);
        note_step(state, key);
        return true;
    }
    state.config = image->config;
    state.key = image->id.str();
    TRY(say(" ---> Using cache\n"));
    TRY(say_image(state));
    return true;
}

Result<void> Build::commit(StageState& state, const CacheKey& key, const std::string& created_by, ByteSource* layer) {
    auto kept = builder_.keep_cache();
    if (!classic()) {
        Digest id = TRY(builder_.ports().images.commit(cache_config(state), state.image, layer, std::nullopt,
                                                       image::Making::build_cache));
        return keep_step(state, key, id);
    }
    model::ImageConfig config = state.config;
    config.created = now();
    config.history.push_back({config.created, created_by, config.author, "", layer == nullptr});
    Digest id = TRY(builder_.ports().images.commit(config, state.image, layer, std::nullopt));
    auto image = TRY(builder_.ports().images.images().resolve(id.str()));
    state.image = id;
    state.config = image->config;
    state.key = id.str();
    TRY(builder_.cache().add(key, id, created_by));
    return say_image(state);
}

// ---- steps without images -----------------------------------------------------------------

Result<void> Build::begin_from(const Stage& stage, StageState& state) {
    const std::string key = stage.base + "\n" + stage.platform;
    const image::ImagePtr& image = bases_.at(key);
    state.image = image->id;
    state.base_layers = image->config.diff_ids.size();
    state.config = image->config;
    state.key = key_of_layers(*image);
    if (!argument(state.config.config.env, "PATH")) state.config.config.env.push_back(default_path);
    ++state.steps_done;
    auto found = from_vertexes_.find(key);
    if (found == from_vertexes_.end()) return {};
    state.last_step = found->second.digest;
    wire::Vertex vertex = found->second;
    std::unique_lock lock(mutex_);
    bool first = from_told_.insert(key).second;
    lock.unlock();
    if (first)
        TRY(watched(vertex, [](wire::Vertex& now) -> Result<void> {
            now.cached = true;
            return {};
        }));
    return {};
}

// What a step made is known by its layers alone.
model::ImageConfig Build::cache_config(const StageState& state) const {
    model::ImageConfig config;
    config.created = now();
    config.os = state.config.os;
    config.architecture = state.config.architecture;
    config.variant = state.config.variant;
    config.comment = "build cache";
    return config;
}

Result<void> Build::keep_step(StageState& state, const CacheKey& key, const Digest& id) {
    auto image = TRY(builder_.ports().images.images().resolve(id.str()));
    builder_.pin(id);
    keep(id);
    state.image = id;
    state.config.created = image->config.created;
    state.key = key_of_layers(*image);
    note_step(state, key);
    return builder_.cache().add(key, id, state.description);
}

Result<void> Build::tell_pull(const image::TransferLine& line, const std::string& vertex) {
    if (vertex.empty() || line.tag || line.id.empty()) return {};
    wire::Progress progress;
    wire::VertexStatus status{.id = line.id + " " + line.status, .vertex = vertex, .name = line.status};
    status.current = static_cast<int64_t>(line.current);
    status.total = static_cast<int64_t>(line.total);
    status.timestamp = wall_now();
    status.started = status.timestamp;
    if (!line.total || line.current == line.total) status.completed = status.timestamp;
    progress.statuses.push_back(std::move(status));
    return output_.progress(progress);
}

// ---- trees and variables ----------------------------------------------------------------

WallTime Build::now() const { return epoch_ ? WallTime{*epoch_ * 1'000'000'000} : wall_now(); }

model::StringList Build::variables(const StageState& state) const {
    model::StringList out = state.config.config.env;
    out.insert(out.end(), state.args.begin(), state.args.end());
    return out;
}

Result<std::string> Build::expanded(std::string_view text, const StageState& state) const {
    return image::expand_word(text, variables(state), file_.directives.escape);
}

Result<std::shared_ptr<const Tree>> Build::tree_of(const std::optional<Digest>& image) {
    const std::string name = image ? image->str() : "scratch";
    std::lock_guard lock(mutex_);
    if (auto known = trees_.find(name); known != trees_.end()) return known->second;
    const image::Images& images = builder_.ports().images.images();
    image::Lease lease = image ? TRY(images.rootfs(*image)) : TRY(images.hold(std::nullopt));
    image::Lease empty = TRY(images.hold(std::nullopt));
    std::shared_ptr<const Tree> tree = TRY(layers_tree(lease.lower(), empty.lower().front()));
    leases_.push_back(std::move(lease));
    trees_.emplace(name, tree);
    return tree;
}

// Files of a folder of the client's, or of an archive in the web.
Result<std::shared_ptr<const Tree>> Build::named_context(const std::string& name, const std::string& value) {
    std::lock_guard lock(context_mutex_);
    if (auto known = named_.find(name); known != named_.end()) return known->second;
    std::shared_ptr<const Tree> tree;
    if (value.starts_with("local:") && options_.client) {
        wire::Vertex vertex{.digest = vertex_digest({"context", name, value}),
                            .name = "[context " + name + "] load from client"};
        TRY(watched(vertex, [&](wire::Vertex&) -> Result<void> {
            tree = TRY(fetch({.folder = value.substr(6)}, "transferring " + name + ":", vertex.digest));
            return {};
        }));
    } else if (is_web_address(value) || is_git_address(value)) {
        tree = TRY(builder_.download_context(value, options_, stop_));
    } else {
        return unsupported("the context " + name + " is not supported: " + value);
    }
    return named_.emplace(name, std::move(tree)).first->second;
}

// --from: a stage, else a named context, else an image.
Result<std::shared_ptr<const Tree>> Build::tree_from(const std::string& name, const StageState& state) {
    if (auto stage = find_stage(plan_.stages, name, state.index)) {
        TRY(await_stage(*stage));
        return tree_of(states_[*stage].image);
    }
    auto context = options_.contexts.find(name);
    if (context != options_.contexts.end() && !context->second.starts_with("docker-image://"))
        return named_context(name, context->second);
    auto image = TRY(base_image(name, options_.platform).context("--from=" + name));
    return tree_of(image->id);
}

} // namespace hull::build
