// hull system check: ours, not Docker's.
#include <algorithm>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "kernel/probes.h"
#include "sys/credentials.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

// What every engine needs of the machine and isn't there; only of this one, and for who may try.
size_t check_machine(const std::string& host) {
    if (!host.starts_with("unix://") || sys::identity().effective_uid != 0) return 0;
    size_t missing = 0;
    for (const kernel::Probed& one : kernel::probe_kernel(data_folder())) {
        if (one.works || !one.needed) continue;
        std::string line = "machine " + one.feature + ": " + one.detail + ". " + one.remedy;
        std::ranges::replace(line, '\n', ' ');
        print(line + "\n");
        ++missing;
    }
    return missing;
}

} // namespace

std::string data_folder() { return sys::exists("/var/lib/hull") ? "/var/lib/hull" : "/var/lib"; }

Result<int> check_system(Session& session) {
    const Flags& flags = session.flags();
    const size_t missing = check_machine(TRY(session.address()).host);
    const bool repair = flags.on("repair");
    Query query;
    if (flags.on("quick")) query.add("quick", "1");
    Engine* engine = TRY(session.engine());
    Json report;
    if (repair) {
        Reply reply = TRY(engine->post("/hull/check", query));
        report = TRY(reply.json());
    } else {
        report = TRY(engine->get("/hull/check", query));
    }
    size_t open = 0, mended = 0;
    for (const Json& one : list(report, "Findings")) {
        const bool done = one.at("Mended").as_bool();
        const std::string failed = text(one, "Error");
        std::string line = text(one, "Kind") + " " + text(one, "Object") + ": " + text(one, "Problem");
        if (done)
            line += ". Mended: " + text(one, "Remedy");
        else if (!failed.empty())
            line += ". Not mended: " + failed + " (" + text(one, "Remedy") + ")";
        else
            line += ". With --repair: " + text(one, "Remedy");
        print(line + "\n");
        ++(done ? mended : open);
    }
    auto count = [&](const char* name) { return std::to_string(number(report, std::string("Checked.") + name)); };
    print("Checked " + count("Images") + " images, " + count("Layers") + " layers, " + count("Containers") +
          " containers, " + count("Volumes") + " volumes, " + count("Networks") + " networks: " +
          (open + mended + missing == 0 ? "all is well"
                                        : std::to_string(open + missing) + " problems left" +
                                              (repair ? ", " + std::to_string(mended) + " mended" : "")) +
          "\n");
    return open + missing == 0 ? 0 : 1;
}

} // namespace hull::cli
