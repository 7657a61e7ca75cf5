#include "build/wire/control.h"

#include <array>

#include "codec/protobuf.h"

namespace hull::build::wire {

namespace {

using protobuf::Field;
using protobuf::Reader;
using protobuf::Writer;

constexpr const char* package = "hull";

Result<TypedAttributes> parse_typed(std::string_view message) {
    TypedAttributes out;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) out.type = field.text;
        if (field.is_text(2)) out.attributes.insert(TRY(protobuf::read_entry(field.text)));
    }
    return out;
}

struct CacheOptions {
    std::vector<TypedAttributes> imports, exports;
};
Result<CacheOptions> parse_cache(std::string_view message) {
    CacheOptions out;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1) && !field.text.empty())
            out.exports.push_back({"registry", {{"ref", std::string(field.text)}}});
        if (field.is_text(2)) out.imports.push_back({"registry", {{"ref", std::string(field.text)}}});
        if (field.is_text(4)) out.exports.push_back(TRY(parse_typed(field.text)));
        if (field.is_text(5)) out.imports.push_back(TRY(parse_typed(field.text)));
    }
    return out;
}

// Whether a pb.Definition has operations in it.
Result<bool> has_operations(std::string_view definition) {
    Reader reader(definition);
    Field field;
    bool any = false;
    while (TRY(reader.next(field))) any |= field.is_text(1);
    return any;
}

// The id of a Ref.
Result<std::string> parse_result_ref(std::string_view message) {
    Reader reader(message);
    Field field;
    std::string id;
    while (TRY(reader.next(field)))
        if (field.is_text(1)) id = field.text;
    return id;
}

// A map<string, Ref> or map<string, string> (plain): the one that isn't empty.
Result<void> parse_ref_map(std::string_view message, bool plain, ReturnRequest& out) {
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (!field.is_text(1)) continue;
        Reader entry(field.text);
        Field part;
        while (TRY(entry.next(part))) {
            if (!part.is_text(2)) continue;
            std::string id = plain ? std::string(part.text) : TRY(parse_result_ref(part.text));
            if (id.empty()) continue;
            out.several |= !out.ref.empty() && out.ref != id;
            out.ref = std::move(id);
        }
    }
    return {};
}

Writer version_of(const std::string& version) {
    Writer out;
    out.text(1, package).text(2, version);
    return out;
}

Writer capability(std::string_view id) {
    Writer out;
    out.text(1, id).boolean(2, true);
    return out;
}

} // namespace

Result<SolveRequest> parse_solve_request(std::string_view message) {
    SolveRequest out;
    TypedAttributes old_exporter;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) out.ref = field.text;
        if (field.is_text(2)) out.frontend.has_definition |= TRY(has_operations(field.text));
        if (field.is_text(3)) old_exporter.type = field.text;
        if (field.is_text(4)) old_exporter.attributes.insert(TRY(protobuf::read_entry(field.text)));
        if (field.is_text(5)) out.session = field.text;
        if (field.is_text(6)) out.frontend.frontend = field.text;
        if (field.is_text(7)) out.frontend.attributes.insert(TRY(protobuf::read_entry(field.text)));
        if (field.is_text(8)) {
            CacheOptions cache = TRY(parse_cache(field.text));
            out.frontend.cache_imports = std::move(cache.imports);
            out.cache_exports = std::move(cache.exports);
        }
        if (field.is_text(9)) out.entitlements.emplace_back(field.text);
        if (field.is_text(10)) out.frontend.has_inputs = true;
        if (field.is_text(12)) out.has_policy |= !field.text.empty();
        if (field.is_text(13)) out.exporters.push_back(TRY(parse_typed(field.text)));
    }
    if (out.exporters.empty() && !old_exporter.type.empty()) out.exporters.push_back(std::move(old_exporter));
    return out;
}

Result<FrontendRequest> parse_frontend_request(std::string_view message) {
    FrontendRequest out;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) out.has_definition |= TRY(has_operations(field.text));
        if (field.is_text(2)) out.frontend = field.text;
        if (field.is_text(3)) out.attributes.insert(TRY(protobuf::read_entry(field.text)));
        if (field.is_text(12)) out.cache_imports.push_back(TRY(parse_typed(field.text)));
        if (field.is_text(13)) out.has_inputs = true;
    }
    return out;
}

Result<ReturnRequest> parse_return_request(std::string_view message) {
    ReturnRequest out;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) {
            Reader result(field.text);
            Field part;
            while (TRY(result.next(part))) {
                if (part.is_text(1)) out.ref = part.text;
                if (part.is_text(2)) TRY(parse_ref_map(part.text, true, out));
                if (part.is_text(3)) out.ref = TRY(parse_result_ref(part.text));
                if (part.is_text(4)) TRY(parse_ref_map(part.text, false, out));
            }
        }
        if (field.is_text(2)) {
            out.failed = true;
            Reader status(field.text);
            Field part;
            while (TRY(status.next(part))) {
                if (part.is_number(1)) out.code = static_cast<int>(part.value);
                if (part.is_text(2)) out.message = part.text;
            }
        }
    }
    return out;
}

Result<PruneRequest> parse_prune_request(std::string_view message) {
    PruneRequest out;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) out.filters.emplace_back(field.text);
        if (field.is_number(2)) out.all = field.value != 0;
        if (field.is_number(3)) out.keep_duration = field.signed_value();
        if (field.is_number(4)) out.reserved_space = field.signed_value();
        if (field.is_number(5)) out.max_used_space = field.signed_value();
        if (field.is_number(6)) out.min_free_space = field.signed_value();
    }
    return out;
}

Result<std::string> parse_ref(std::string_view message) { return parse_result_ref(message); }

std::string print_solve_response(const Attributes& response) {
    Writer out;
    for (const auto& [name, value] : response) out.entry(1, name, value);
    return out.take();
}

std::string print_frontend_response(const std::string& ref) {
    Writer id, result, out;
    id.text(1, ref);
    result.message(3, id);
    out.message(3, result);
    return out.take();
}

std::string print_workers(const std::string& id, const WorkerPlatform& platform, const std::string& version) {
    Writer where, record, out;
    where.text(1, platform.architecture).text(2, platform.os).text(3, platform.variant);
    record.text(1, id).entry(2, "org.mobyproject.buildkit.worker.executor", package);
    record.message(3, where).message(5, version_of(version));
    out.message(1, record);
    return out.take();
}

std::string print_info(const std::string& version) {
    Writer out;
    out.message(1, version_of(version));
    return out.take();
}

// What a client may ask of LLBBridge. Names: BuildKit's pb/caps.go.
std::string print_pong() {
    static constexpr std::array<std::string_view, 6> frontend{
        "solve.base", "return", "returnmap", "proto.refarray", "importcaches", "gateway.evaluate.solve"};
    static constexpr std::array<std::string_view, 2> llb{"source.image", "source.local"};
    Writer out;
    for (std::string_view id : frontend) out.message(1, capability(id));
    for (std::string_view id : llb) out.message(2, capability(id));
    return out.take();
}

std::string print_usage_record(const std::string& id, uint64_t bytes) {
    Writer out;
    out.text(1, id).number(4, bytes).text(10, "regular");
    return out.take();
}

} // namespace hull::build::wire
