// Filters of cache records, as containerd and BuildKit write them.
// Source: containerd, pkg/filters; BuildKit, cache/manager.go adaptUsageInfo.
#include <algorithm>

#include "build/builder.h"

namespace hull::build {

namespace {

struct RecordRule {
    enum class Kind : unsigned char { present, equal, unequal, contains } kind = Kind::present;
    std::string field, value;
};

// Of a condition: its value, whether the record has it.
std::pair<std::string, bool> record_field(const CacheRecord& record, const std::string& field) {
    if (field == "id") return {record.id, true};
    if (field == "type") return {record.type, !record.type.empty()};
    if (field == "description") return {record.description, !record.description.empty()};
    if (field == "parent") {
        std::string all;
        for (const std::string& parent : record.parents) all += (all.empty() ? "" : ";") + parent;
        return {all, !record.parents.empty()};
    }
    if (field == "inuse") return {"true", record.in_use};
    if (field == "shared") return {"true", record.shared};
    return {"true", !record.shared}; // private
}

bool holds(const RecordRule& rule, const CacheRecord& record) {
    auto [value, present] = record_field(record, rule.field);
    const bool flag = rule.field == "inuse" || rule.field == "shared" || rule.field == "private";
    if (flag && rule.kind != RecordRule::Kind::present) value = present ? "true" : "false";
    switch (rule.kind) {
    case RecordRule::Kind::present: return present;
    case RecordRule::Kind::equal:
        // An id may be cut short, as lists show it.
        if (rule.field == "id" && rule.value.size() >= 12) return value.starts_with(rule.value);
        return value == rule.value || (flag && value == (rule.value == "1"   ? "true"
                                                         : rule.value == "0" ? "false"
                                                                             : ""));
    case RecordRule::Kind::unequal: return value != rule.value;
    case RecordRule::Kind::contains: return value.find(rule.value) != value.npos;
    }
    return false;
}

Result<RecordRule> record_rule(const std::string& text) {
    static constexpr std::string_view fields[] = {"id", "parent", "type", "description", "inuse", "shared", "private"};
    static constexpr std::pair<std::string_view, RecordRule::Kind> operators[] = {
        {"==", RecordRule::Kind::equal}, {"!=", RecordRule::Kind::unequal}, {"~=", RecordRule::Kind::contains}};
    RecordRule rule{.field = text, .value = {}};
    for (const auto& [sign, kind] : operators)
        if (size_t at = text.find(sign); at != text.npos && at < rule.field.size())
            rule = {kind, text.substr(0, at), text.substr(at + sign.size())};
    if (std::ranges::find(fields, rule.field) == std::end(fields))
        return invalid("invalid filter of the build cache: " + text);
    if (rule.kind == RecordRule::Kind::contains && rule.value.find_first_of("\\^$.|?*+()[]{}") != std::string::npos)
        return unsupported("the filter " + text + ": regular expressions are not supported, only parts of the text");
    return rule;
}

} // namespace

Result<std::function<bool(const CacheRecord&)>> record_filter(const std::vector<std::string>& any_of) {
    std::vector<std::vector<RecordRule>> all;
    for (const std::string& text : any_of) {
        auto& rules = all.emplace_back();
        for (size_t begin = 0; begin <= text.size();) {
            const size_t end = std::min(text.find(',', begin), text.size());
            if (end > begin) rules.push_back(TRY(record_rule(text.substr(begin, end - begin))));
            begin = end + 1;
        }
    }
    return std::function<bool(const CacheRecord&)>([all = std::move(all)](const CacheRecord& record) {
        return std::ranges::any_of(all, [&](const auto& rules) {
            return std::ranges::all_of(rules, [&](const RecordRule& rule) { return holds(rule, record); });
        });
    });
}

} // namespace hull::build
