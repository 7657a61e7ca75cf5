// The instructions but RUN.
#include <algorithm>

#include "build/build_state.h"
#include "build/files/pattern.h"
#include "build/git_source.h"
#include "codec/json.h"
#include "image/changes.h"
#include "image/words.h"

namespace hull::build {

namespace {

std::string file_name_of(const std::string& url) {
    std::string path = url.substr(0, url.find_first_of("?#"));
    return path.substr(path.rfind('/') + 1);
}
Result<bool> flag_is_on(const Flag& flag) {
    if (!flag.has_value || flag.value == "true" || flag.value == "1") return true;
    if (flag.value == "false" || flag.value == "0") return false;
    return invalid("expecting boolean value for flag " + flag.name + ", not: " + flag.value);
}

// On a scratch image "/": every name is below it.
std::string workdir_of(const StageState& state) {
    const std::string& dir = state.config.config.working_dir;
    return dir.empty() ? "/" : dir;
}

} // namespace

Result<void> Build::do_instruction(const Instruction& instruction, StageState& state) {
    const std::string& name = instruction.keyword;
    auto run = [&]() -> Result<void> {
        if (name == "RUN") return do_run(instruction, state);
        if (name == "COPY" || name == "ADD") return do_copy(instruction, state);
        if (name == "ARG") return do_arg(instruction, state);
        if (name == "SHELL") return do_shell(instruction, state);
        if (name == "WORKDIR") return do_workdir(instruction, state);
        if (name == "FROM") return invalid("FROM isn't allowed here");
        return do_settings(instruction, state);
    };
    auto done = run();
    // What a program did is no fault of the file's.
    if (done.ok() || name == "RUN") return done;
    if (done.error().kind() == ErrorKind::cancelled) return done;
    if (!classic() && done.error().kind() == ErrorKind::not_found) return done;
    return at_line(std::move(done).error(), file_, instruction);
}

Result<void> Build::do_arg(const Instruction& instruction, StageState& state) {
    auto words = TRY(image::split_words(instruction.rest, variables(state), file_.directives.escape));
    for (const std::string& word : words) {
        size_t equals = word.find('=');
        std::string name = word.substr(0, equals);
        std::optional<std::string> value;
        if (equals != word.npos) value = word.substr(equals + 1);
        // Without a value of its own it is what ARG said before FROM.
        if (!value)
            for (const auto* list : {&plan_.global_args, &platform_args_})
                for (const std::string& entry : *list)
                    if (!value && entry.starts_with(name + "=")) value = entry.substr(name.size() + 1);
        for (const auto& [given, text] : options_.args)
            if (given == name) {
                {
                    std::lock_guard lock(mutex_);
                    used_args_.insert(name);
                }
                if (text) value = *text;
            }
        state.declared.insert(name);
        std::erase_if(state.args, [&](const std::string& entry) { return entry.starts_with(name + "="); });
        if (value) state.args.insert(state.args.begin(), name + "=" + *value);
    }
    // No image of its own: what uses it has it in its key.
    if (!classic()) add_history(state, "ARG " + instruction.rest, true);
    return say_image(state);
}

Result<void> Build::do_settings(const Instruction& instruction, StageState& state) {
    model::ContainerConfig& config = state.config.config;
    const std::string& name = instruction.keyword;
    const model::StringList env = variables(state);
    if (name == "MAINTAINER") {
        state.config.author = instruction.rest;
    } else {
        TRY(image::apply_instruction(config, name, instruction.rest, env, file_.directives.escape));
    }
    if (name == "CMD") state.cmd_set = true;
    // The base's CMD was for the base's ENTRYPOINT.
    if (name == "ENTRYPOINT" && !state.cmd_set) config.cmd.reset();
    if (!classic()) {
        add_history(state, history_text(instruction, state), true);
        return {};
    }
    model::ImageConfig after = state.config;
    CacheKey key = make_key(state.key, {name, json::print(model::to_json(config)), state.config.author});
    state.created_by = classic_history(history_text(instruction, state), state);
    if (TRY(take_cached(state, key))) return {};
    state.config = std::move(after);
    return commit(state, key, state.created_by, nullptr);
}

Result<void> Build::do_shell(const Instruction& instruction, StageState& state) {
    state.config.config.shell = exec_form(instruction.rest);
    if (!classic()) {
        add_history(state, history_text(instruction, state), true);
        return {};
    }
    model::ImageConfig after = state.config;
    CacheKey key = make_key(state.key, {"SHELL", instruction.rest});
    state.created_by = classic_history(history_text(instruction, state), state);
    if (TRY(take_cached(state, key))) return {};
    state.config = std::move(after);
    return commit(state, key, state.created_by, nullptr);
}

Result<void> Build::do_workdir(const Instruction& instruction, StageState& state) {
    TRY(image::apply_instruction(state.config.config, "WORKDIR", instruction.rest, variables(state),
                                 file_.directives.escape));
    model::ImageConfig after = state.config;
    CacheKey key = make_key(state.key, {"WORKDIR", after.config.working_dir});
    if (!classic()) key = make_key(key, {"owner", after.config.user});
    if (!classic()) return make_workdir(instruction, key, state);
    state.created_by = classic_history(history_text(instruction, state), state);
    if (TRY(take_cached(state, key))) return {};
    state.config = std::move(after);
    auto items = TRY(missing_workdir(state));
    auto layer = layer_tar(items);
    return commit(state, key, state.created_by, items.empty() ? nullptr : layer.get());
}

Result<void> Build::make_workdir(const Instruction& instruction, const CacheKey& key, StageState& state) {
    auto items = TRY(missing_workdir(state));
    if (items.empty()) {
        state.cached = true; // there is nothing to do
    } else if (!TRY(take_cached(state, key))) {
        auto layer = layer_tar(items);
        TRY(commit(state, key, "", layer.get()));
    }
    add_history(state, history_text(instruction, state), items.empty());
    return {};
}

// The folder is made when it isn't there.
Result<std::vector<LayerItem>> Build::missing_workdir(const StageState& state) {
    std::vector<LayerItem> items;
    auto base = TRY(tree_of(state.image));
    std::string path = TRY(resolve(*base, state.config.config.working_dir, FinalLink::followed));
    auto there = TRY(base->look(path));
    if (there && !there->is_folder()) return invalid("cannot mkdir: /" + path + " is not a folder");
    if (there || path.empty()) return items;
    // As BuildKit does; Docker's classic builder makes it root's.
    Owner owner;
    if (const std::string& user = state.config.config.user; !classic() && !user.empty())
        owner = TRY(find_owner(*base, user));
    for (size_t end = 0; end != path.npos;) {
        end = path.find('/', end == 0 ? 0 : end + 1);
        std::string part = path.substr(0, end);
        if (TRY(base->look(part))) continue;
        LayerItem item;
        item.entry.type = tar::Type::directory;
        item.entry.path = part + "/";
        item.entry.mode = 0755;
        item.entry.uid = owner.uid;
        item.entry.gid = owner.gid;
        item.entry.mtime = now().ns / 1'000'000'000;
        items.push_back(std::move(item));
    }
    return items;
}

// ---- COPY and ADD ----------------------------------------------------------------------

Result<CopySource> Build::download(const std::string& url, const std::string& checksum) {
    if (!builder_.ports().download)
        return Error(ErrorKind::unsupported,
                     "ADD of " + url + ": this engine does not download files; fetch it in a RUN instruction");
    auto body = TRY(builder_.ports().download(url, stop_).context("ADD " + url));
    std::string name = file_name_of(url);
    if (name.empty()) name = "index.html";
    std::shared_ptr<Context> tree = TRY(Context::from_file(name, *body, builder_.ports().folder, 0600));
    if (!checksum.empty()) {
        TRY(model::Digest::parse(checksum).context("--checksum"));
        std::string found = "sha256:" + TRY(contents_digest(*tree, name));
        if (found != checksum) return invalid("digest mismatch: " + url + " is " + found + ", not " + checksum);
    }
    return CopySource{std::move(tree), name, std::nullopt};
}

Result<CopySource> Build::clone(const std::string& address, const Instruction& instruction,
                                const std::string& checksum) {
    const Flag* keep = find_flag(instruction, "keep-git-dir");
    GitFetch wanted{.from = TRY(parse_git_address(address)),
                    .keep_git = keep && TRY(flag_is_on(*keep)),
                    .commit = checksum,
                    .client = options_.client};
    std::shared_ptr<Context> tree = TRY(fetch_git(wanted, builder_.steps_folder(), stop_).context("ADD " + address));
    return CopySource{std::move(tree), "", std::nullopt};
}

Result<std::vector<CopySource>> Build::copy_sources(const Instruction& instruction, std::vector<std::string> words,
                                                    StageState& state, bool& from_image) {
    std::vector<CopySource> sources;
    std::shared_ptr<const Tree> tree;
    if (const Flag* from = find_flag(instruction, "from")) {
        std::string name = TRY(expanded(from->value, state));
        if (name.empty()) return invalid("--from is empty");
        tree = TRY(tree_from(name, state));
        from_image = true;
    } else {
        tree = TRY(context_tree());
    }
    std::string checksum;
    if (const Flag* flag = find_flag(instruction, "checksum")) {
        checksum = TRY(expanded(flag->value, state));
    }
    size_t doc = 0;
    for (const std::string& word : words) {
        if (doc < instruction.heredocs.size() && word.find("<<") != word.npos) {
            const Heredoc& here = instruction.heredocs[doc++];
            std::string text = here.content;
            if (here.expand) {
                // Quotes are text here: only variables are replaced.
                std::string escaped;
                for (char c : text) {
                    if (c == '"' || c == '\'') escaped += file_.directives.escape;
                    escaped += c;
                }
                text = TRY(expanded(escaped, state));
            }
            sources.push_back({nullptr, here.name, std::move(text)});
        } else if (instruction.keyword == "ADD" && is_git_address(word)) {
            sources.push_back(TRY(clone(word, instruction, checksum)));
        } else if (instruction.keyword == "ADD" && is_web_address(word)) {
            sources.push_back(TRY(download(word, checksum)));
        } else {
            if (!checksum.empty())
                return invalid("checksum can't be specified for sources that aren't HTTP(S) or git: " + word);
            sources.push_back({tree, word, std::nullopt});
        }
    }
    return sources;
}

namespace {

// All that decides which files a COPY takes and where they go.
std::string copy_question(const std::vector<std::string>& words, const CopyOptions& options, const CacheKey& on) {
    std::string key = make_key(on, {"question", options.instruction, options.workdir, options.destination,
                                    options.chown, options.chmod, options.link ? "link" : "",
                                    options.parents ? "parents" : "", options.unpack ? "unpack" : ""});
    for (const std::string& word : words) key = make_key(key, {"source", word});
    for (const std::string& word : options.exclude) key = make_key(key, {"exclude", word});
    return key;
}

} // namespace

Result<bool> Build::copy_as_before(const Instruction& instruction, const std::string& question, StageState& state) {
    TRY(context_tree());
    auto digest = context_->recall(question);
    if (!digest) return false;
    if (!TRY(take_cached(state, make_key(state.key, {"copy", *digest})))) {
        state.claim.reset(); // it is asked for again
        return false;
    }
    add_history(state, history_text(instruction, state), false);
    return true;
}

Result<void> Build::do_copy(const Instruction& instruction, StageState& state) {
    bool add = instruction.keyword == "ADD";
    CopyOptions options;
    options.instruction = instruction.keyword;
    options.steps = !classic();
    options.workdir = workdir_of(state);
    options.unpack = add;
    options.epoch = epoch_;
    options.now = now().ns / 1'000'000'000;
    for (const Flag& flag : instruction.flags) {
        if (flag.name == "link") options.link = TRY(flag_is_on(flag));
        if (flag.name == "parents") options.parents = TRY(flag_is_on(flag));
        if (flag.name == "unpack") options.unpack = TRY(flag_is_on(flag));
        if (flag.name == "chown") options.chown = TRY(expanded(flag.value, state));
        if (flag.name == "chmod") options.chmod = TRY(expanded(flag.value, state));
        if (flag.name == "exclude") options.exclude.push_back(TRY(expanded(flag.value, state)));
    }
    std::vector<std::string> words;
    if (auto list = exec_form(instruction.rest)) {
        for (const std::string& word : *list) words.push_back(TRY(expanded(word, state)));
    } else {
        words = TRY(image::split_words(instruction.rest, variables(state), file_.directives.escape));
    }
    if (words.size() < 2) return invalid(instruction.keyword + " requires at least two arguments");
    options.destination = std::move(words.back());
    words.pop_back();
    // All of it from the client's files: they may be known.
    std::string question;
    bool local = !classic() && !find_flag(instruction, "from") && instruction.heredocs.empty() && !given_ &&
                 std::ranges::none_of(words, [&](const std::string& word) {
                     return add && (is_web_address(word) || is_git_address(word));
                 });
    if (local) {
        question = copy_question(words, options, state.key);
        if (TRY(copy_as_before(instruction, question, state))) return {};
    }
    bool from_image = false;
    auto sources = TRY(copy_sources(instruction, std::move(words), state, from_image));
    options.keep_owner = from_image;
    auto base = TRY(tree_of(state.image));
    auto items = TRY(plan_copy(sources, *base, options, builder_.ports().folder));
    std::string digest = TRY(digest_of(items));
    if (local) context_->remember(question, digest);
    CacheKey key = make_key(state.key, {"copy", digest});
    if (classic()) {
        bool one = sources.size() == 1, folder = false;
        if (one && !sources.front().text) {
            auto node = sources.front().tree->look(clean_relative(sources.front().path));
            folder = node.ok() && *node && (*node)->is_folder();
            one = folder || items.size() <= 1;
        }
        const char* kind = folder ? "dir:" : one ? "file:" : "multi:";
        std::string owner = options.chown.empty() ? "" : "--chown=" + options.chown + " ";
        state.created_by = classic_history(
            instruction.keyword + " " + owner + kind + digest + " in " + options.destination + " ", state, true);
    }
    if (TRY(take_cached(state, key))) {
        if (!classic()) add_history(state, history_text(instruction, state), false);
        return {};
    }
    auto layer = layer_tar(items);
    TRY(commit(state, key, state.created_by, layer.get()));
    if (!classic()) add_history(state, history_text(instruction, state), false);
    return {};
}

} // namespace hull::build
