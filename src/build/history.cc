// How an image's history tells of instructions, in BuildKit's words.
#include <algorithm>

#include "build/build_state.h"

namespace hull::build {

namespace {

constexpr const char* comment = "buildkit.dockerfile.v0";

// Go's %q of a list.
std::string quoted(const model::StringList& words) {
    std::string out = "[";
    for (const std::string& word : words) {
        if (out.size() > 1) out += " ";
        out += '"';
        for (char c : word) {
            if (c == '"' || c == '\\') out += '\\';
            if (c == '\n')
                out += "\\n";
            else if (c == '\t')
                out += "\\t";
            else
                out += c;
        }
        out += '"';
    }
    return out + "]";
}

std::string plain(const model::StringList& words) {
    std::string out = "[";
    for (const std::string& word : words) out += (out.size() > 1 ? " " : "") + word;
    return out + "]";
}

} // namespace

// An instruction without files has the time of the layer before it: a build that
// is cached as a whole gives the same image again.
void Build::add_history(StageState& state, const std::string& created_by, bool empty_layer) const {
    state.config.history.push_back({state.config.created, created_by, "", comment, empty_layer});
}

// As Docker's classic builder tells it: as if the shell had been asked to do nothing.
std::string Build::classic_history(const std::string& what, const StageState& state, bool copied) const {
    const model::StringList shell = state.config.config.shell.value_or(model::StringList{"/bin/sh", "-c"});
    std::string text;
    for (const std::string& word : shell) text += word + " ";
    return text + (copied ? "#(nop) " : "#(nop)  ") + what;
}

std::string Build::classic_run(const std::vector<std::string>& command, const StageState& state) const {
    std::string text;
    if (!state.args.empty()) {
        model::StringList args = state.args;
        std::ranges::sort(args);
        text = "|" + std::to_string(args.size());
        for (const std::string& arg : args) text += " " + arg;
    }
    for (const std::string& word : command) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string Build::history_text(const Instruction& instruction, const StageState& state) const {
    const std::string& name = instruction.keyword;
    const model::ContainerConfig& config = state.config.config;
    if (name == "CMD") return "CMD " + quoted(config.cmd.value_or(model::StringList()));
    if (name == "ENTRYPOINT") return "ENTRYPOINT " + quoted(config.entrypoint.value_or(model::StringList()));
    if (name == "SHELL") return "SHELL " + plain(config.shell.value_or(model::StringList()));
    if (name == "WORKDIR") return "WORKDIR " + config.working_dir;
    if (name == "USER") return "USER " + config.user;
    if (name == "STOPSIGNAL") return "STOPSIGNAL " + config.stop_signal;
    auto expanded_rest = expanded(instruction.rest, state);
    std::string rest = expanded_rest.ok() ? *expanded_rest : instruction.rest;
    if (name == "EXPOSE" && !classic()) {
        std::string ports;
        for (const std::string& port : config.exposed_ports) ports += (ports.empty() ? "" : " ") + port + ":{}";
        return "EXPOSE map[" + ports + "]";
    }
    if (name == "VOLUME") {
        if (auto list = exec_form(instruction.rest)) return "VOLUME " + plain(*list);
        return "VOLUME [" + rest + "]";
    }
    if (name == "COPY" || name == "ADD") {
        std::string text = name;
        for (const Flag& flag : instruction.flags)
            if (flag.name == "chown" || flag.name == "chmod") text += " --" + flag.name + "=" + flag.value;
        return text + " " + rest + " # buildkit";
    }
    return name + " " + rest;
}

std::string Build::run_history(const std::vector<std::string>& command, const StageState& state) const {
    std::string text = "RUN ";
    if (!state.args.empty()) {
        text += "|" + std::to_string(state.args.size()) + " ";
        for (auto arg = state.args.rbegin(); arg != state.args.rend(); ++arg) text += *arg + " ";
    }
    for (const std::string& word : command) text += word + " ";
    return text + "# buildkit";
}

} // namespace hull::build
