// info --probe: what of Hull this machine can do.
#include <algorithm>

#include "apps/hull/commands/commands.h"
#include "apps/hull/format/table.h"
#include "codec/json.h"
#include "kernel/probes.h"

namespace hull::cli {

Result<int> probe_machine(Session& session) {
    const EngineAddress address = TRY(session.address());
    if (!address.host.starts_with("unix://"))
        return Error(ErrorKind::unsupported,
                     "--probe tries the machine that it runs on, and the engine " + address.host + " is elsewhere");
    const std::string format = session.flags().text("format");
    if (!format.empty() && format != "json")
        return Error(ErrorKind::invalid_argument, "--probe has the format json, and a table without any");
    auto found = kernel::probe_kernel(data_folder());
    if (format == "json") {
        json::Array list;
        for (const kernel::Probed& one : found)
            list.push_back(json::Object{{"Feature", one.feature},
                                        {"UsedFor", one.used_for},
                                        {"Works", one.works},
                                        {"Detail", one.detail},
                                        {"Remedy", one.remedy}});
        print(json::print(list) + "\n");
        return 0;
    }
    std::string table = "FEATURE\tHERE\tUSED FOR\tMORE\n";
    for (const kernel::Probed& one : found) {
        std::string more = one.detail;
        if (!one.remedy.empty()) more += (more.empty() ? "" : "; ") + one.remedy;
        std::ranges::replace(more, '\n', ' ');
        table += one.feature + "\t" + (one.works ? "yes" : "no") + "\t" + one.used_for + "\t" + more + "\n";
    }
    print(format::align(table));
    return 0;
}

} // namespace hull::cli
