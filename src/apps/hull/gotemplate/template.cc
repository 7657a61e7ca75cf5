#include "apps/hull/gotemplate/template.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "apps/hull/gotemplate/ast.h"
#include "apps/hull/gotemplate/functions.h"
#include "apps/hull/gotemplate/parse.h"

namespace hull::gotemplate {

struct Template::Parsed {
    std::vector<Node> nodes;
};

namespace {

// Members of Docker's objects that are maps or lists there: an absent one
// prints as an empty one, and a map may lack any key.
constexpr std::string_view known_maps[] = {"Annotations", "Config",   "Data",    "DriverOpts",   "ExposedPorts",
                                           "Labels",      "Networks", "Options", "PortBindings", "Ports",
                                           "StorageOpt",  "Sysctls",  "Tmpfs",   "Volumes"};
constexpr std::string_view known_lists[] = {
    "Aliases",        "Args",        "Binds",    "CapAdd",      "CapDrop",     "Cmd",        "DeviceCgroupRules",
    "DeviceRequests", "Devices",     "Dns",      "DnsOptions",  "DnsSearch",   "Entrypoint", "Env",
    "ExecIDs",        "ExtraHosts",  "GroupAdd", "Links",       "MaskedPaths", "Mounts",     "OnBuild",
    "ReadonlyPaths",  "RepoDigests", "RepoTags", "SecurityOpt", "Shell",       "Ulimits",    "VolumesFrom"};

// A value on its way through a template; cheap to copy.
struct Cell {
    std::shared_ptr<const Value> owner; // of *value, unless the data of execute() is
    const Value* value = nullptr;
    std::string_view null_text = "<no value>";
    bool is_map = false;

    static Cell own(Value v) {
        auto owner = std::make_shared<const Value>(std::move(v));
        return {owner, owner.get(), "<no value>", false};
    }
};

enum class Flow : unsigned char { on, break_, continue_ };

class Run {
public:
    Run(const Value& data, const Options& options) : options_(options) {
        root_ = {nullptr, &data, "<no value>", false};
        variables_.push_back({"", root_});
    }

    Result<Flow> nodes(const std::vector<Node>& list, const Cell& dot) {
        size_t mark = variables_.size();
        Flow flow = Flow::on;
        for (const Node& node : list) {
            flow = TRY(one(node, dot));
            if (flow != Flow::on) break;
        }
        variables_.resize(mark);
        return flow;
    }

    std::string out;
    const Cell& root() const { return root_; }

private:
    Error fail(const Operand& at, const std::string& what) const {
        return Error(ErrorKind::invalid_argument,
                     "template: :1:" + std::to_string(at.offset) + ": executing \"\" at <" + at.text + ">: " + what);
    }

    Result<Flow> one(const Node& node, const Cell& dot) {
        switch (node.kind) {
        case Node::Kind::text: out += node.text; return Flow::on;
        case Node::Kind::break_: return Flow::break_;
        case Node::Kind::continue_: return Flow::continue_;
        case Node::Kind::action: {
            Cell value = TRY(pipeline(node.pipeline, dot));
            if (node.pipeline.variables.empty())
                out += value.value->is_null() ? std::string(value.null_text) : to_text(*value.value);
            return Flow::on;
        }
        case Node::Kind::if_:
        case Node::Kind::with: {
            size_t mark = variables_.size();
            Cell value = TRY(pipeline(node.pipeline, dot));
            bool yes = truth(*value.value);
            Flow flow =
                TRY(nodes(yes ? node.body : node.otherwise, yes && node.kind == Node::Kind::with ? value : dot));
            variables_.resize(mark);
            return flow;
        }
        case Node::Kind::range: return range(node, dot);
        }
        return Flow::on;
    }

    Result<Flow> range(const Node& node, const Cell& dot) {
        size_t mark = variables_.size();
        Pipeline source = node.pipeline;
        std::vector<std::string> names = std::exchange(source.variables, {});
        Cell over = TRY(pipeline(source, dot));
        std::vector<std::pair<Value, const Value*>> items;
        if (over.value->is_array()) {
            for (const Value& v : over.value->get_array()) items.emplace_back(static_cast<int64_t>(items.size()), &v);
        } else if (over.value->is_object()) {
            for (const auto& entry : over.value->get_object()) items.emplace_back(entry.key(), &entry.value());
            std::ranges::sort(items, {}, [](const auto& item) { return std::string_view(item.first.get_string()); });
        } else if (!over.value->is_null()) {
            return fail(source.commands[0].words[0], "range can't iterate over " + to_text(*over.value));
        }
        if (items.empty()) return nodes(node.otherwise, dot);
        for (const auto& [key, value] : items) {
            Cell element{over.owner, value, "<no value>", false};
            if (names.size() == 2) variables_.push_back({names[0], Cell::own(key)});
            if (!names.empty()) variables_.push_back({names.back(), element});
            Flow flow = TRY(nodes(node.body, element));
            variables_.resize(mark);
            if (flow == Flow::break_) break;
        }
        return Flow::on;
    }

    Result<Cell> pipeline(const Pipeline& pipe, const Cell& dot) {
        std::optional<Cell> value;
        for (const Command& command : pipe.commands) value = TRY(this->command(command, dot, value));
        for (const std::string& name : pipe.variables) {
            if (pipe.declares) {
                variables_.push_back({name, *value});
                continue;
            }
            auto found = std::ranges::find(variables_.rbegin(), variables_.rend(), name, &Variable::name);
            if (found == variables_.rend()) return fail(pipe.commands[0].words[0], "undefined variable: $" + name);
            found->cell = *value;
        }
        return *value;
    }

    // piped: the value of the command before the bar, the last argument of this one.
    Result<Cell> command(const Command& command, const Cell& dot, const std::optional<Cell>& piped) {
        const Operand& first = command.words[0];
        bool takes_arguments = command.words.size() > 1 || piped;
        if (first.kind == Operand::Kind::function) return function(command, dot, piped);
        if (!takes_arguments) return operand(first, dot);
        if (first.kind == Operand::Kind::dot && first.fields.size() == 1 && options_.method) {
            std::vector<Value> arguments;
            for (size_t i = 1; i < command.words.size(); ++i)
                arguments.push_back(*TRY(operand(command.words[i], dot)).value);
            if (piped) arguments.push_back(*piped->value);
            if (auto value = options_.method(first.fields[0], arguments)) return Cell::own(std::move(*value));
        }
        return fail(first, "can't give argument to non-function " + first.text);
    }

    Result<Cell> function(const Command& command, const Cell& dot, const std::optional<Cell>& piped) {
        const Operand& first = command.words[0];
        std::vector<Cell> arguments;
        bool stops_early = first.name == "and" || first.name == "or";
        size_t count = command.words.size() - 1 + (piped ? 1 : 0);
        for (size_t i = 0; i < count; ++i) {
            arguments.push_back(i + 1 < command.words.size() ? TRY(operand(command.words[i + 1], dot)) : *piped);
            if (stops_early && truth(*arguments.back().value) == (first.name == "or")) return arguments.back();
        }
        if (arguments.empty() && first.name != "print" && first.name != "println")
            return fail(first, "wrong number of args for " + first.name + ": want at least 1 got 0");
        if (stops_early) return arguments.back();
        if (options_.header && !arguments.empty()) return arguments.front();
        std::vector<Value> values;
        for (const Cell& cell : arguments) values.push_back(*cell.value);
        auto result = call_function(first.name, values);
        if (!result.ok()) return fail(first, result.error().message());
        return Cell::own(std::move(result).value());
    }

    Result<Cell> operand(const Operand& word, const Cell& dot) {
        Cell cell;
        switch (word.kind) {
        case Operand::Kind::literal: return Cell{nullptr, &word.literal, "<no value>", false};
        case Operand::Kind::dot: cell = dot; break;
        case Operand::Kind::group: cell = TRY(pipeline(*word.group, dot)); break;
        case Operand::Kind::variable: {
            auto found = std::ranges::find(variables_.rbegin(), variables_.rend(), word.name, &Variable::name);
            if (found == variables_.rend()) return fail(word, "undefined variable: $" + word.name);
            cell = found->cell;
            break;
        }
        case Operand::Kind::function: {
            Command alone{{word}};
            return function(alone, dot, std::nullopt);
        }
        }
        for (const std::string& name : word.fields) cell = TRY(field(cell, name, word));
        return cell;
    }

    Result<Cell> field(const Cell& of, const std::string& name, const Operand& word) {
        static const Value nothing;
        if (of.value->is_object()) {
            const Value* found = of.value->get_object().if_contains(name);
            if (found) {
                bool is_map = std::ranges::find(known_maps, name) != std::end(known_maps) && !has_struct_shape(*found);
                std::string_view null_text = is_map                                                          ? "map[]"
                                             : std::ranges::find(known_lists, name) != std::end(known_lists) ? "[]"
                                                                                                             : "<nil>";
                return Cell{of.owner, found, null_text, is_map};
            }
            if (of.value == root_.value && options_.method)
                if (auto value = options_.method(name, {})) return Cell::own(std::move(*value));
            if (of.is_map || options_.missing == Options::Missing::no_value)
                return Cell{nullptr, &nothing, "<no value>", false};
            return fail(word, "map has no entry for key \"" + name + "\"");
        }
        if (of.value->is_null()) {
            if (options_.missing == Options::Missing::no_value) return Cell{nullptr, &nothing, "<no value>", false};
            return fail(word, "nil pointer evaluating interface {}." + name);
        }
        return fail(word,
                    "can't evaluate field " + name + " in type " + (of.value->is_string() ? "string" : "interface {}"));
    }

    // "Config" is a container's settings in one place and a log driver's options
    // in another.
    static bool has_struct_shape(const Value& v) {
        return v.is_object() && (v.get_object().contains("Image") || v.get_object().contains("Env"));
    }

    struct Variable {
        std::string name;
        Cell cell;
    };
    const Options& options_;
    Cell root_;
    std::vector<Variable> variables_;
};

} // namespace

Template::Template(std::unique_ptr<Parsed> parsed) : parsed_(std::move(parsed)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Result<Template> Template::parse(std::string_view text) {
    auto parsed = std::make_unique<Parsed>();
    parsed->nodes = TRY(parse_nodes(text));
    return Template(std::move(parsed));
}

Result<std::string> Template::execute(const Value& data, const Options& options) const {
    Run run(data, options);
    TRY(run.nodes(parsed_->nodes, run.root()));
    return std::move(run.out);
}

} // namespace hull::gotemplate
