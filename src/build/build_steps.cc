// A build as BuildKit does it, and says it: Style::steps.
#include <algorithm>
#include <atomic>
#include <thread>

#include "base/random.h"
#include "build/build_state.h"
#include "build/git_source.h"
#include "build/lint.h"
#include "build/outline.h"
#include "codec/compress/sha256.h"

namespace hull::build {

namespace {

constexpr int64_t status_interval_ns = 100'000'000;
constexpr size_t most_stages_at_once = 16;

bool is_step(const std::string& keyword) {
    return keyword == "RUN" || keyword == "COPY" || keyword == "ADD" || keyword == "WORKDIR";
}

std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    return text;
}

// As Docker shows the name of a base image.
std::string full_name(const std::string& name) {
    auto reference = model::Reference::parse(name);
    if (!reference.ok()) return name;
    if (reference->tag.empty() && !reference->digest) reference->tag = "latest";
    return reference->full();
}

// Known variables replaced; quotes, and what isn't known, as written.
std::string shown_words(std::string_view text, const model::StringList& env, char escape) {
    std::string out;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '\'') quoted = !quoted;
        if (c == escape && i + 1 < text.size()) {
            out += c;
            out += text[++i];
            continue;
        }
        bool braces = c == '$' && i + 1 < text.size() && text[i + 1] == '{';
        size_t begin = i + (braces ? 2 : 1), end = begin;
        while (c == '$' && end < text.size() &&
               (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
            ++end;
        std::string name = std::string(text.substr(std::min(begin, text.size()), end - begin)) + "=";
        auto found = std::ranges::find_if(env, [&](const std::string& entry) { return entry.starts_with(name); });
        bool whole = !braces || (end < text.size() && text[end] == '}');
        if (c != '$' || quoted || name.size() == 1 || !whole || found == env.end()) {
            out += c;
            continue;
        }
        out += found->substr(name.size());
        i = end - (braces ? 0 : 1);
    }
    return out;
}

} // namespace

std::string vertex_digest(std::initializer_list<std::string_view> parts) {
    return "sha256:" + make_key("vertex", parts);
}

Result<void> Build::tell(wire::Vertex vertex) {
    wire::Progress progress;
    progress.vertexes.push_back(std::move(vertex));
    return output_.progress(progress);
}

Result<void> Build::watched(wire::Vertex vertex, const std::function<Result<void>(wire::Vertex&)>& work) {
    vertex.started = wall_now();
    TRY(tell(vertex));
    auto done = work(vertex);
    vertex.completed = wall_now();
    if (!done.ok())
        vertex.error = done.error().kind() == ErrorKind::cancelled ? "context canceled" : done.error().message();
    auto told = tell(std::move(vertex));
    TRY(std::move(done));
    return told;
}

Result<std::shared_ptr<const Context>> Build::fetch(const FileRequest& request, const std::string& status,
                                                    const std::string& vertex) {
    wire::VertexStatus now{.id = status, .vertex = vertex, .name = "transferring", .timestamp = wall_now()};
    now.started = now.timestamp;
    auto say = [&] {
        wire::Progress progress;
        now.timestamp = wall_now();
        progress.statuses.push_back(now);
        return output_.progress(progress);
    };
    TRY(say());
    auto context = TRY(options_.client->files(
        request,
        [&](uint64_t bytes) {
            now.current = static_cast<int64_t>(bytes);
            if (wall_now().ns - now.timestamp.ns > status_interval_ns) (void)say();
        },
        stop_));
    now.completed = wall_now();
    TRY(say());
    return context;
}

Result<void> Build::fetch_dockerfile() {
    const std::string name = options_.dockerfile.empty() ? "Dockerfile" : options_.dockerfile;
    const std::string path = clean_relative(name), shown = path.substr(path.rfind('/') + 1);
    std::shared_ptr<const Context> files = context_;
    std::string text;
    definition_vertex_ = vertex_digest({"dockerfile", random_hex(16)});
    wire::Vertex definition{.digest = definition_vertex_, .name = "[internal] load build definition from " + shown};
    TRY(watched(definition, [&](wire::Vertex& vertex) -> Result<void> {
        if (options_.dockerfile_text) {
            text = *options_.dockerfile_text;
            return {};
        }
        if (options_.client && !context_) {
            FileRequest request{.folder = "dockerfile", .include = {path, path + ".dockerignore"}, .keep = false};
            if (path == "Dockerfile") request.include.emplace_back("dockerfile");
            request.follow = request.include;
            files = TRY(fetch(request, "transferring dockerfile:", vertex.digest));
        }
        auto read = files->read(path, max_dockerfile_bytes);
        if (!read.ok() && read.error().kind() == ErrorKind::not_found && path == "Dockerfile")
            if (auto other = files->read("dockerfile", max_dockerfile_bytes); other.ok()) read = std::move(other);
        if (!read.ok() && read.error().kind() == ErrorKind::not_found)
            return Error(ErrorKind::not_found,
                         "failed to read dockerfile: open " + path + ": no such file or directory");
        text = TRY(std::move(read));
        return {};
    }));
    wire::Vertex ignore{.digest = vertex_digest({"dockerignore", random_hex(16)}),
                        .name = "[internal] load .dockerignore"};
    TRY(watched(ignore, [&](wire::Vertex& vertex) -> Result<void> {
        auto own = files ? files->read(path + ".dockerignore", size_t{4} << 20) : Result<std::string>(std::string());
        if (files && own.ok()) {
            ignored_ = TRY(IgnoreList::parse(*own).context(path + ".dockerignore"));
            return {};
        }
        auto from = context_;
        if (options_.client && !context_) {
            FileRequest request{
                .folder = "context", .include = {".dockerignore"}, .follow = {".dockerignore"}, .keep = false};
            from = TRY(fetch(request, "transferring context:", vertex.digest));
        }
        if (!from) return {};
        auto read = from->read(".dockerignore", size_t{4} << 20);
        if (read.ok()) ignored_ = TRY(IgnoreList::parse(*read).context(".dockerignore"));
        return {};
    }));
    return take_dockerfile(text);
}

// What is unwise in the Dockerfile, told to who watches; an error when it is to be one.
Result<void> Build::check_wisdom() {
    std::string check = file_.directives.check;
    for (const auto& [name, value] : options_.args)
        if (name == "BUILDKIT_DOCKERFILE_CHECK" && value) check = *value;
    LintSettings settings = TRY(LintSettings::parse(check));
    const image::Images& images = builder_.ports().images.images();
    auto base_variables = [&](const Stage& stage) -> std::optional<model::StringList> {
        if (options_.contexts.contains(stage.base)) return std::nullopt;
        auto base = images.resolve(stage.base);
        return base.ok() ? std::optional((*base)->config.config.env) : std::nullopt;
    };
    auto found = lint(file_, plan_, {ignored_, platform_args_, base_variables}, settings);
    if (found.empty()) return {};
    const std::string name = options_.dockerfile.empty() ? "Dockerfile" : options_.dockerfile;
    std::string text;
    for (const std::string& line : file_.lines) text += line + "\n";
    wire::Progress progress;
    std::set<std::string> broken;
    for (const LintWarning& warning : found) {
        broken.insert(warning.rule);
        if (classic())
            TRY(output_.text("[WARNING]: " + warning.brief() + "\n"));
        else
            progress.warnings.push_back({.vertex = definition_vertex_,
                                         .level = 1,
                                         .brief = warning.brief(),
                                         .details = {warning.description()},
                                         .url = warning.url(),
                                         .file_name = name,
                                         .file = text,
                                         .first_line = warning.line,
                                         .last_line = warning.end_line});
    }
    if (!classic()) TRY(output_.progress(progress));
    if (!settings.error) return {};
    std::string names;
    for (const std::string& rule : broken) names += (names.empty() ? "" : ", ") + rule;
    return invalid("lint violation found for rules: " + names);
}

Result<void> Build::answer_call() {
    if (options_.call == BuildOptions::Call::check) return check_wisdom();
    if (options_.call == BuildOptions::Call::targets) return output_.answer(targets_json(file_, plan_));
    Outline outline = TRY(outline_of(file_, plan_, options_.args, platform_args_));
    return output_.answer(outline.as_json());
}

// ---- the steps, before they are done ----------------------------------------------------

std::string Build::step_prefix(size_t stage, size_t number) const {
    const Stage& of = plan_.stages[stage];
    size_t total = !of.base_stage && of.base != "scratch" ? 1 : 0;
    for (const Instruction* instruction : of.steps) total += is_step(instruction->keyword) ? 1 : 0;
    std::string name = of.name;
    if (name.empty() && plan_.stages.size() > 1) name = "stage-" + std::to_string(stage);
    std::string count = std::to_string(total), shown = std::to_string(number);
    if (shown.size() < count.size()) shown.insert(0, count.size() - shown.size(), ' ');
    if (!options_.shown_platform.empty()) name = options_.shown_platform + (name.empty() ? "" : " ") + name;
    return "[" + name + (name.empty() ? "" : " ") + shown + "/" + count + "] ";
}

std::string Build::step_name(const Instruction& instruction, const StageState& state) const {
    std::string text = instruction.keyword + instruction.original.substr(instruction.keyword.size());
    text = shown_words(text, variables(state), file_.directives.escape);
    if (!instruction.heredocs.empty()) {
        std::string first = instruction.heredocs.front().content;
        size_t begin = std::min(first.find_first_not_of(" \t\n"), first.size());
        size_t end = std::min(first.find('\n', begin), first.size());
        bool more = first.find_first_not_of(" \t\n", end) != first.npos;
        text += " (" + first.substr(begin, end - begin) + (more ? "..." : "") + ")";
    }
    return one_line(text);
}

// All that there is to do, so that who watches knows how much it is.
void Build::plan_vertexes() {
    bool needs_context = false;
    std::vector<std::string> last(plan_.stages.size());
    std::vector<wire::Vertex> bases, ordered;
    context_vertex_ = vertex_digest({"context", random_hex(16)});
    for (size_t i = 0; i < plan_.stages.size(); ++i) {
        const Stage& stage = plan_.stages[i];
        if (!stage.needed) continue;
        size_t number = 0;
        if (stage.base_stage) {
            last[i] = last[*stage.base_stage];
        } else if (stage.base != "scratch") {
            number = 1;
            wire::Vertex vertex{.digest = vertex_digest({"from", stage.base, stage.platform}),
                                .name = step_prefix(i, 1) + "FROM " + full_name(stage.base)};
            auto [it, fresh] = from_vertexes_.try_emplace(stage.base + "\n" + stage.platform, vertex);
            if (fresh) bases.push_back(vertex);
            last[i] = it->second.digest;
        }
        for (const Instruction* instruction : stage.steps) {
            if (!is_step(instruction->keyword)) continue;
            ++number;
            wire::Vertex vertex{.digest = vertex_digest({last[i], std::to_string(i), std::to_string(number),
                                                         instruction->original, random_hex(8)})};
            vertex.name = step_prefix(i, number) + one_line(instruction->original);
            if (!last[i].empty()) vertex.inputs.push_back(last[i]);
            const Flag* from = find_flag(*instruction, "from");
            bool takes = instruction->keyword == "COPY" || instruction->keyword == "ADD";
            if (from)
                if (auto source = find_stage(plan_.stages, from->value, i)) vertex.inputs.push_back(last[*source]);
            if (takes && !from) {
                needs_context = true;
                vertex.inputs.push_back(context_vertex_);
            }
            last[i] = vertex.digest;
            ordered.push_back(vertex);
            vertexes_.emplace(instruction, std::move(vertex));
        }
    }
    wire::Progress progress;
    progress.vertexes = std::move(bases);
    if (needs_context)
        progress.vertexes.push_back({.digest = context_vertex_, .name = "[internal] load build context"});
    progress.vertexes.insert(progress.vertexes.end(), ordered.begin(), ordered.end());
    (void)output_.progress(progress);
}

// Every image that a stage is based on, before the first step runs.
Result<void> Build::resolve_bases() {
    for (size_t i = 0; i < plan_.stages.size(); ++i) {
        const Stage& stage = plan_.stages[i];
        const std::string key = stage.base + "\n" + stage.platform;
        if (!stage.needed || stage.base_stage || stage.base == "scratch" || bases_.contains(key)) continue;
        wire::Vertex metadata{.digest = vertex_digest({"metadata", stage.base, stage.platform}),
                              .name = "[internal] load metadata for " + full_name(stage.base)};
        TRY(watched(metadata, [&](wire::Vertex&) -> Result<void> {
            auto image =
                base_image(stage.base, stage.platform.empty() ? options_.platform : stage.platform, metadata.digest);
            if (!image.ok()) return std::move(image).error().context(full_name(stage.base));
            triggers_seen_ |= !(*image)->config.config.on_build.empty();
            bases_.emplace(key, std::move(*image));
            return {};
        }));
    }
    return {};
}

// ---- files of the context -----------------------------------------------------------------

// What the steps that are needed take of the context; empty: all of it.
std::vector<std::string> Build::context_paths() const {
    std::set<std::string> paths;
    for (const Stage& stage : plan_.stages) {
        if (!stage.needed) continue;
        for (const Instruction* instruction : stage.steps) {
            if (instruction->keyword == "RUN")
                for (const Flag& flag : instruction->flags)
                    if (flag.name == "mount" && flag.value.find("from=") == flag.value.npos &&
                        (flag.value.find("type=") == flag.value.npos ||
                         flag.value.find("type=bind") != flag.value.npos))
                        return {};
            bool takes = instruction->keyword == "COPY" || instruction->keyword == "ADD";
            if (instruction->keyword == "ONBUILD") continue;
            if (!takes || find_flag(*instruction, "from")) continue;
            // What isn't plain takes its folder, or everything.
            if (instruction->rest.find_first_of("\"'\\`[<$") != std::string::npos) return {};
            std::vector<std::string> words;
            std::string_view rest = instruction->rest;
            for (size_t at = 0; at < rest.size();) {
                size_t begin = rest.find_first_not_of(" \t", at);
                if (begin == rest.npos) break;
                at = std::min(rest.find_first_of(" \t", begin), rest.size());
                words.emplace_back(rest.substr(begin, at - begin));
            }
            if (words.empty()) continue;
            words.pop_back();
            for (const std::string& word : words) {
                if (word.find("://") != word.npos || (instruction->keyword == "ADD" && is_git_address(word))) continue;
                // --parents has a pivot in it: "a/./b".
                std::string path = clean_relative(word);
                if (path.empty()) return {};
                paths.insert(std::move(path));
            }
        }
    }
    return {paths.begin(), paths.end()};
}

Result<std::shared_ptr<const Tree>> Build::context_tree() {
    std::lock_guard lock(context_mutex_);
    if (!options_.client || context_) return std::shared_ptr<const Tree>(context_);
    FileRequest request{.folder = "context", .exclude = ignored_.patterns(), .follow = context_paths()};
    if (triggers_seen_) request.follow.clear(); // who knows what they take
    wire::Vertex vertex{.digest = context_vertex_, .name = "[internal] load build context"};
    TRY(watched(vertex, [&](wire::Vertex&) -> Result<void> {
        context_ = TRY(fetch(request, "transferring context:", context_vertex_));
        return {};
    }));
    return std::shared_ptr<const Tree>(context_);
}

// ---- the build -----------------------------------------------------------------------------

Result<void> Build::do_step(const Instruction& instruction, StageState& state) {
    if (!is_step(instruction.keyword)) return do_instruction(instruction, state);
    wire::Vertex vertex;
    if (auto found = vertexes_.find(&instruction); found != vertexes_.end())
        vertex = found->second;
    else // of ONBUILD
        vertex = {.digest = vertex_digest({state.last_step, instruction.original, random_hex(8)}),
                  .inputs = {state.last_step}};
    ++state.steps_done;
    vertex.name = step_prefix(state.index, state.steps_done) + step_name(instruction, state);
    state.step = vertex.digest;
    state.description = vertex.name;
    // Its files are a step of their own, before this one begins.
    bool takes = (instruction.keyword == "COPY" || instruction.keyword == "ADD") && !find_flag(instruction, "from");
    if (takes) TRY(context_tree());
    state.cached = false;
    TRY(watched(vertex, [&](wire::Vertex& now) -> Result<void> {
        auto done = do_instruction(instruction, state);
        if (!done.ok()) {
            TRY(show_lines(instruction, now.digest));
            return done;
        }
        now.cached = state.cached;
        return {};
    }));
    state.last_step = vertex.digest;
    return {};
}

// The lines of the file that failed, where who watches sees them.
Result<void> Build::show_lines(const Instruction& instruction, const std::string& vertex) {
    constexpr int around = 2;
    const std::string name = options_.dockerfile.empty() ? "Dockerfile" : options_.dockerfile;
    std::string text =
        name.substr(name.rfind('/') + 1) + ":" + std::to_string(instruction.line) + "\n" + std::string(20, '-') + "\n";
    int last = std::min(instruction.end_line + around, static_cast<int>(file_.lines.size()));
    for (int line = std::max(1, instruction.line - around); line <= last; ++line) {
        std::string number = std::to_string(line);
        bool fails = line >= instruction.line && line <= instruction.end_line;
        text += std::string(4 - std::min<size_t>(number.size(), 4), ' ') + number + " | " + (fails ? ">>> " : "    ") +
                file_.lines[static_cast<size_t>(line) - 1] + "\n";
    }
    wire::Progress progress;
    progress.logs.push_back({vertex, wall_now(), 2, text + std::string(20, '-') + "\n"});
    return output_.progress(progress);
}

// ---- stages side by side --------------------------------------------------------------------

// A stage only waits for earlier ones, and those were begun before it: so some
// stage always goes on, however few threads there are.
Result<void> Build::run_stages() {
    std::atomic<size_t> next = 0;
    std::optional<Error> first_error;
    auto work = [&] {
        for (size_t i = next++; i < plan_.stages.size(); i = next++) {
            if (!plan_.stages[i].needed) continue;
            auto ran = run_stage(i);
            std::lock_guard lock(stages_mutex_);
            states_[i].progress = ran.ok() ? StageState::Progress::done : StageState::Progress::failed;
            stage_ended_.notify_all();
            if (ran.ok()) continue;
            // The others end because of it: what they say is not why.
            if (!first_error) first_error = std::move(ran).error();
            own_stop_.request_stop();
        }
    };
    size_t needed = 0;
    for (const Stage& stage : plan_.stages) needed += stage.needed ? 1 : 0;
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < std::min(needed, most_stages_at_once); ++i) threads.emplace_back(work);
    work();
    threads.clear();
    if (first_error) return std::move(*first_error);
    return {};
}

Result<void> Build::await_stage(size_t index) {
    if (classic()) return {}; // one after the other
    std::unique_lock lock(stages_mutex_);
    stage_ended_.wait(lock, [&] { return states_[index].progress != StageState::Progress::waiting; });
    if (states_[index].progress == StageState::Progress::done) return {};
    return Error(ErrorKind::cancelled, "the build was cancelled");
}

Result<Digest> Build::run_steps() {
    TRY(fetch_dockerfile());
    plan_ = TRY(plan_stages(file_, options_.target, options_.args, platform_args_));
    if (options_.call != BuildOptions::Call::build) {
        TRY(answer_call());
        return Digest();
    }
    TRY(resolve_bases());
    TRY(check_wisdom()); // of what base images say, too
    plan_vertexes();
    if (given_ && !ignored_.empty()) given_->leave_out(ignored_);
    begin_states();
    TRY(import_caches());
    TRY(run_stages());
    Digest result = TRY(export_result(states_[plan_.target]));
    TRY(export_caches());
    return result;
}

} // namespace hull::build
