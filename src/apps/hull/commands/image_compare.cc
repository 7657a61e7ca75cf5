// image diff, image tree.
#include <algorithm>

#include "apps/hull/commands/commands.h"
#include "apps/hull/contents/image_contents.h"
#include "apps/hull/contents/layer_files.h"
#include "apps/hull/format/human.h"

namespace hull::cli {

Result<int> diff_images(Session& session) {
    Engine& engine = *TRY(session.engine());
    const Contents before = TRY(image_contents(engine, session.operands()[0]));
    const Contents after = TRY(image_contents(engine, session.operands()[1]));
    const auto times = session.flags().on("times") ? Times::compared : Times::ignored;
    for (const std::string& line : differences(before, after, times)) print(line + "\n");
    return 0;
}

// An instruction with its layer's size, and below it the layer's biggest files; the first instruction first.
Result<int> show_image_tree(Session& session) {
    const Flags& flags = session.flags();
    Engine& engine = *TRY(session.engine());
    const std::string& image = session.operands()[0];
    const auto most = static_cast<size_t>(std::max<int64_t>(flags.number("files"), 0));
    const Json history = TRY(engine.get("/images/" + path_part(image) + "/history"));
    const Json inspected = TRY(engine.get("/images/" + path_part(image) + "/json"));
    auto layers = TRY(layer_files(engine, image, most));
    const auto& ids = list(inspected, "RootFS.Layers");
    std::string out = image + "  " + format::decimal_size(real(inspected, "Size")) + "\n";
    std::vector<const Json*> steps;
    for (const Json& entry : list(history, "")) steps.push_back(&entry);
    // Newest first, as the engine has it.
    size_t layer = 0;
    const bool counted =
        static_cast<size_t>(std::ranges::count_if(steps, [](const Json* step) { return number(*step, "Size") > 0; })) <=
        ids.size();
    for (size_t i = steps.size(); i-- > 0;) {
        const Json& step = *steps[i];
        const double size = real(step, "Size");
        std::string what = text(step, "CreatedBy");
        std::ranges::replace(what, '\n', ' ');
        const bool last = i == 0;
        if (!flags.on("no-trunc")) what = format::ellipsis(what, 90);
        out += std::string(last ? "`-- " : "|-- ") + (size > 0 ? format::decimal_size(size) : "-") + "  " + what + "\n";
        if (size <= 0 || !counted) continue;
        // Layers without a byte have no line of their own: they are passed over.
        while (layer < ids.size() && layers.contains(std::string(ids[layer].as_string())) &&
               layers.at(std::string(ids[layer].as_string())).bytes == 0)
            ++layer;
        if (layer >= ids.size()) continue;
        auto found = layers.find(std::string(ids[layer++].as_string()));
        if (found == layers.end()) continue;
        for (const LayerFile& file : found->second.biggest)
            out += std::string(last ? "    " : "|   ") + "    " + format::decimal_size(static_cast<double>(file.size)) +
                   "  /" + file.path + "\n";
    }
    print(out);
    return 0;
}

} // namespace hull::cli
