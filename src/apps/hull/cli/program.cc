// From the arguments of main() to a command and its exit code.
#include <csignal>

#include "apps/hull/cli/completion.h"
#include "apps/hull/cli/session.h"

namespace hull::cli {

namespace {

constexpr int usage_exit_code = 125;

// A wrong flag, with the texts and the exit code of docker.
int refuse_flag(const Command& command, const Error& error) {
    print_error(error.message() + "\n\nUsage:  " + usage_line(command) + "\n\nRun '" + display_name(command) +
                " --help' for more information\n");
    return usage_exit_code;
}

int refuse_operands(const Command& command, size_t count) {
    std::string wants;
    auto plural = [](int n) { return n == 1 ? " argument" : " arguments"; };
    if (command.most == 0)
        wants = "accepts no arguments";
    else if (command.most == command.least)
        wants = "requires " + std::to_string(command.least) + plural(command.least);
    else if (static_cast<int>(count) < command.least)
        wants = "requires at least " + std::to_string(command.least) + plural(command.least);
    else
        wants = "requires at most " + std::to_string(command.most) + plural(command.most);
    const char* verb = command.most < 0 ? "See" : "Run";
    print_error("hull: '" + display_name(command) + "' " + wants + "\n\nUsage:  " + usage_line(command) + "\n\n" +
                verb + " '" + display_name(command) + " --help' for more information\n");
    return 1;
}

int unknown_command(std::string_view word, const Manager* manager) {
    std::string parent = manager ? "hull " + std::string(manager->name) : "hull";
    std::string out = "hull: unknown command: " + parent + " " + std::string(word) + "\n";
    auto close = suggestions(word, manager);
    if (!close.empty()) {
        out += "\nDid you mean this?\n";
        for (const std::string& name : close) out += "        " + name + "\n";
    }
    if (manager) out += "\nUsage:  " + parent + "\n";
    print_error(out + "\nRun '" + parent + " --help' for more information\n");
    return 1;
}

int report(const Command& command, const Error& error) {
    if (!command.runs_container) {
        print_error(error.message() + "\n");
        return 1;
    }
    print_error("hull: " + error.message() + "\n\nRun '" + display_name(command) + " --help' for more information\n");
    return usage_exit_code;
}

Globals globals_of(const Flags& flags) {
    Globals globals;
    globals.host = flags.text("host");
    globals.context = flags.text("context");
    globals.config_folder = flags.given("config") ? flags.text("config") : default_config_folder();
    globals.debug = flags.on("debug");
    globals.tls = {.tls = flags.on("tls"),
                   .verify = flags.on("tlsverify"),
                   .verify_given = flags.given("tlsverify"),
                   .authority = flags.text("tlscacert"),
                   .certificate = flags.text("tlscert"),
                   .key = flags.text("tlskey")};
    return globals;
}

int run_command(const Found& found, std::span<const std::string> arguments, Globals globals) {
    const Command& command = *found.command;
    auto flags = Flags::parse(command.tables(), arguments, command.order);
    if (!flags.ok()) {
        if (flags.error().kind() != ErrorKind::cancelled) return refuse_flag(command, flags.error());
        print(help_text(command));
        return 0;
    }
    int count = static_cast<int>(flags->operands().size());
    if (count < command.least || (command.most >= 0 && count > command.most))
        return refuse_operands(command, static_cast<size_t>(count));
    Session session(command, std::move(flags).value(), std::move(globals));
    auto code = command.run(session);
    if (code.ok()) return *code;
    // A value that is wrong in itself, found only when it was read.
    if (code.error().message().starts_with("invalid argument \"")) return refuse_flag(command, code.error());
    return report(command, code.error());
}

int help_for(std::span<const std::string> words) {
    Found found = find_command(words);
    if (found.command)
        print(help_text(*found.command));
    else if (found.manager && words.size() < 2)
        print(help_text(*found.manager));
    else if (words.empty())
        print(top_help());
    else {
        print_error("unknown help topic: " + words.back() + "\n");
        return 1;
    }
    return 0;
}

} // namespace

int run_part(std::span<const std::string> words, const Globals& globals) {
    Found found = find_command(words);
    return run_command(found, words.subspan(found.words), globals);
}

int run_program(std::span<const std::string> arguments) {
    auto parsed = Flags::parse({global_flags(), {}}, arguments, Order::flags_first);
    if (!parsed.ok()) {
        if (parsed.error().kind() == ErrorKind::cancelled) {
            print(top_help());
            return 0;
        }
        print_error(parsed.error().message() +
                    "\n\nUsage:  hull [OPTIONS] COMMAND [ARG...]\n\nRun 'hull --help' for more information\n");
        return usage_exit_code;
    }
    if (parsed->on("version")) {
        print("Hull version " HULL_VERSION "\n");
        return 0;
    }
    const std::vector<std::string>& words = parsed->operands();
    if (words.empty()) {
        print(top_help());
        return 0;
    }
    if (words[0] == "__complete") return run_completion(std::span(words).subspan(1));
    if (words[0] == "help") return help_for(std::span(words).subspan(1));
    Found found = find_command(words);
    if (found.command) return run_command(found, std::span(words).subspan(found.words), globals_of(*parsed));
    if (!found.manager) return unknown_command(words[0], nullptr);
    if (words.size() == 1 || words[1] == "--help" || words[1] == "-h") {
        print(help_text(*found.manager));
        return 0;
    }
    if (words[1].starts_with('-')) {
        print_error("unknown flag: " + words[1] + "\n\nRun 'hull " + words[0] + " --help' for more information\n");
        return usage_exit_code;
    }
    return unknown_command(words[1], found.manager);
}

} // namespace hull::cli
