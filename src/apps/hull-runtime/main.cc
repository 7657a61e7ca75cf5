// hull-runtime: containers by the OCI runtime command line, as runc's.

#include <algorithm>
#include <array>
#include <cstdio>

#include <unistd.h>

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/rootless.h"
#include "sys/file.h"
#include "sys/sealed_self.h"

namespace hull::oci_runtime {

namespace {

constexpr std::array global_flags{
    Flag{"debug", "", Takes::nothing, "log what is done, and how long each step took"},
    Flag{"log", "", Takes::value, "write messages to this file, not to standard error"},
    Flag{"log-format", "", Takes::value, "text or json"},
    Flag{"root", "", Takes::value,
         "folder for the state of containers; default: /run/hull-runtime, unless root "
         "$XDG_RUNTIME_DIR/hull-runtime"},
    Flag{"criu", "", Takes::value, "the program CRIU, for checkpoint and restore; default: the one on the PATH"},
    Flag{"systemd-cgroup", "", Takes::nothing, "let systemd make the cgroups; cgroupsPath is then slice:prefix:name"},
    Flag{"rootless", "", Takes::value,
         "whether cgroups that can't be made are done without: true, false or auto (unless root)"},
    Flag{"help", "h", Takes::nothing, "print this"},
    Flag{"version", "v", Takes::nothing, "print the version"},
};
constexpr std::array help_flag{Flag{"help", "h", Takes::nothing, "print this"}};

void add_flags(std::span<const Flag> flags, std::string& out) {
    for (const Flag& flag : flags) {
        std::string line = "   --" + std::string(flag.name);
        if (flag.takes == Takes::value) line += " value";
        if (!flag.letter.empty()) line += ", -" + std::string(flag.letter);
        if (line.size() < 30) line.append(30 - line.size(), ' ');
        out += line + "  " + std::string(flag.help) + "\n";
    }
}

std::string help() {
    std::string out = "hull-runtime - runs containers from OCI bundles\n\n"
                      "Usage: hull-runtime [global options] command [options] [arguments]\n\nCommands:\n";
    for (const Command& command : commands()) {
        std::string name(command.name);
        name.append(12 - name.size(), ' ');
        out += "   " + name + std::string(command.help) + "\n";
    }
    out += "\nGlobal options:\n";
    add_flags(global_flags, out);
    return out;
}

std::string help(const Command& command) {
    std::string out = "hull-runtime " + std::string(command.name) + " - " + std::string(command.help) +
                      "\n\nUsage: hull-runtime " + std::string(command.name) + " [options] " +
                      std::string(command.words) + "\n\nOptions:\n";
    add_flags(command.flags, out);
    add_flags(help_flag, out);
    return out;
}

Result<void> set_up(Context& context, const Args& global) {
    std::string format = global.value("log-format");
    if (!format.empty() && format != "text" && format != "json")
        return Error(ErrorKind::invalid_argument, "invalid log-format: " + format);
    context.log =
        TRY(Logger::open(global.value("log"), format == "json" ? Logger::Format::json : Logger::Format::text));
    context.log.set_debug(global.has("debug"));
    if (auto criu = global.value("criu"); !criu.empty()) context.criu = criu;
    TRY(set_up_rootless(context, global.value("rootless")));
    std::string root = global.value("root");
    if (root.empty()) root = default_root(context);
    if (!root.starts_with('/')) {
        std::array<char, 4096> here{};
        if (!::getcwd(here.data(), here.size())) return Error::from_errno("getcwd");
        root = std::string(here.data()) + "/" + root;
    }
    context.store = Store(root);
    if (global.has("systemd-cgroup")) context.driver = CgroupDriver::systemd;
    return {};
}

Result<int> dispatch(Context& context, const Command& command, std::span<const std::string> words) {
    std::vector<Flag> flags(command.flags.begin(), command.flags.end());
    flags.push_back(help_flag[0]);
    Args args = TRY(Args::parse(words, flags, command.order));
    if (args.has("help")) {
        TRY(print(help(command)));
        return 0;
    }
    size_t n = args.words().size();
    if (n < command.least || n > command.most) {
        const char* bound = command.most == command.least ? "exactly" : "a minimum of";
        return Error(ErrorKind::invalid_argument, context.program + ": \"" + std::string(command.name) +
                                                      "\" requires " + bound + " " + std::to_string(command.least) +
                                                      " argument(s)");
    }
    return command.run(context, args);
}

// runc's: failed commands give 1, a failed exec 255, an unknown command 3.
int run(char* argv[], std::span<const std::string> words) {
    Context context;
    context.program = "hull-runtime";
    auto fail = [&](const Error& error, int code) {
        context.log.failed(error.message());
        return code;
    };
    auto global = Args::parse(words, global_flags, Order::before_words);
    if (!global.ok()) return fail(global.error(), 1);
    if (global->has("version")) {
        (void)print("hull-runtime version " HULL_VERSION "\ncommit: " HULL_VERSION "\nspec: " +
                    std::string(supported_version) + "\n");
        return 0;
    }
    bool wants_help = global->has("help") || global->words().empty() || global->words()[0] == "help";
    if (wants_help) {
        (void)print(help());
        return 0;
    }
    auto ready = set_up(context, *global);
    if (!ready.ok()) return fail(ready.error(), 1);
    const std::string& name = global->words()[0];
    auto command = std::ranges::find(commands(), name, &Command::name);
    if (command == commands().end()) return fail(Error(ErrorKind::invalid_argument, "no such command: " + name), 3);
    if (command->enters)
        if (auto sealed = sys::run_unwritable(argv); !sealed.ok()) return fail(sealed.error(), 1);
    auto code = dispatch(context, *command, std::span(global->words()).subspan(1));
    if (!code.ok()) return fail(code.error(), name == "exec" ? 255 : 1);
    return *code;
}

} // namespace
} // namespace hull::oci_runtime

int main(int argc, char* argv[]) {
    std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
    return hull::oci_runtime::run(argv, words);
}
