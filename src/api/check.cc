// GET /hull/check: what is off. POST /hull/check: the same, and mends it. No
// endpoints of Docker's. Parameter quick: files are looked for, not read.
#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

Result<void> check_engine(Call& call) {
    const bool repair = call.exchange().request().method == http::Method::post;
    auto report =
        TRY(call.engine().check(call.flag("quick") ? engine::CheckDepth::presence : engine::CheckDepth::contents,
                                repair ? engine::Repair::yes : engine::Repair::no));
    json::Array findings;
    for (const engine::Damage& one : report.damages) {
        json::Object object{{"Kind", one.kind},
                            {"Object", one.what},
                            {"Problem", one.problem},
                            {"Remedy", one.remedy},
                            {"Mended", one.mended}};
        if (!one.why_not.empty()) object["Error"] = one.why_not;
        findings.push_back(std::move(object));
    }
    return call.reply(200, json::Object{{"Checked", json::Object{{"Images", report.images},
                                                                 {"Layers", report.layers},
                                                                 {"Containers", report.containers},
                                                                 {"Volumes", report.volumes},
                                                                 {"Networks", report.networks}}},
                                        {"Findings", std::move(findings)}});
}

} // namespace hull::api
