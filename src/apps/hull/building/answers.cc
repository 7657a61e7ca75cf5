#include "apps/hull/building/answers.h"

#include "apps/hull/building/progress.h"
#include "apps/hull/building/values.h"
#include "apps/hull/client/json_access.h"
#include "apps/hull/format/table.h"

namespace hull::cli {

namespace {

std::string of_targets(const Json& answer) {
    std::string rows = "TARGET\tDESCRIPTION\n";
    for (const Json& target : list(answer, "targets")) {
        std::string name = text(target, "name");
        if (boolean(target, "default")) name += name.empty() ? "(default)" : " (default)";
        rows += name + "\t" + text(target, "description") + "\n";
    }
    return format::align(rows, 0);
}

std::string of_needs(const Json& answer, const std::string& key, const std::string& head) {
    std::string rows;
    for (const Json& need : list(answer, key))
        rows += text(need, "name") + "\t" + (boolean(need, "required") ? "true" : "") + "\n";
    return rows.empty() ? "" : format::align(head + "\tREQUIRED\n" + rows, 0) + "\n";
}

std::string of_outline(const Json& answer) {
    std::string head, arguments;
    if (std::string name = text(answer, "name"); !name.empty()) head += "TARGET:\t" + name + "\n";
    if (std::string what = text(answer, "description"); !what.empty()) head += "DESCRIPTION:\t" + what + "\n";
    for (const Json& argument : list(answer, "args"))
        arguments +=
            text(argument, "name") + "\t" + text(argument, "value") + "\t" + text(argument, "description") + "\n";
    std::string out = head.empty() ? "" : format::align(head, 0) + "\n";
    if (!arguments.empty()) out += format::align("BUILD ARG\tVALUE\tDESCRIPTION\n" + arguments, 0) + "\n";
    return out + of_needs(answer, "secrets", "SECRET") + of_needs(answer, "ssh", "SSH");
}

json::Object of_warnings(const std::vector<build::wire::VertexWarning>& warnings) {
    json::Array all;
    for (const build::wire::VertexWarning& warning : warnings) {
        const auto [rule, detail] = words_of(warning);
        all.push_back(json::Object{
            {"ruleName", rule},
            {"description", warning.details.empty() ? "" : warning.details.front()},
            {"url", warning.url},
            {"detail", detail},
            {"location",
             json::Object{{"ranges", json::Array{json::Object{{"start", json::Object{{"line", warning.first_line}}},
                                                              {"end", json::Object{{"line", warning.last_line}}}}}}}}});
    }
    return {{"warnings", all}};
}

} // namespace

Result<BuildCall> parse_call(const std::string& text) {
    BuildCall call;
    bool named = false;
    for (const std::string& field : TRY(csv_fields(text))) {
        if (field.starts_with("format=")) {
            const std::string format = field.substr(field.find('=') + 1);
            if (format != "json" && format != "text")
                return Error(ErrorKind::invalid_argument, "--call " + text + ": format is json or text");
            call.json = format == "json";
        } else if (!named) {
            call.method = field == "lint" ? "check" : field;
            named = true;
        } else {
            return Error(ErrorKind::invalid_argument, "--call " + text + ": unknown option " + field);
        }
    }
    if (call.method != "build" && call.method != "check" && call.method != "outline" && call.method != "targets")
        return Error(ErrorKind::invalid_argument,
                     "--call " + call.method + ": there are build, check, outline and targets");
    return call;
}

std::string answer_text(const BuildCall& call, const json::Value& answer,
                        const std::vector<build::wire::VertexWarning>& warnings) {
    if (call.json) return json::print(call.method == "check" ? json::Value(of_warnings(warnings)) : answer) + "\n";
    if (call.method == "check") return warnings_report(warnings);
    return call.method == "targets" ? of_targets(answer) : of_outline(answer);
}

} // namespace hull::cli
