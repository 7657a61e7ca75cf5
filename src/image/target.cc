#include "image/target.h"

#include "codec/json.h"

namespace hull::image {

namespace {

struct StoredTarget {
    std::vector<std::string> images;
    std::string index;
};

} // namespace

} // namespace hull::image

template <>
struct hull::json::Fields<hull::image::StoredTarget> {
    using S = hull::image::StoredTarget;
    static constexpr auto list = std::tuple{field("images", &S::images), field("index", &S::index, Emit::omit_empty)};
};

namespace hull::image {

std::string print_target(const Target& target) {
    if (target.images.size() == 1 && !target.index) return target.first().str();
    StoredTarget stored;
    for (const model::Digest& id : target.images) stored.images.push_back(id.str());
    if (target.index) stored.index = target.index->str();
    return json::print(json::encode(stored));
}

Result<Target> parse_target(std::string_view text) {
    Target target;
    if (!text.starts_with('{')) {
        target.images.push_back(TRY(model::Digest::parse(text)));
        return target;
    }
    auto stored = TRY(json::decode_text<StoredTarget>(text));
    for (const std::string& one : stored.images) {
        model::Digest id = TRY(model::Digest::parse(one));
        if (!target.contains(id)) target.images.push_back(std::move(id));
    }
    if (target.images.empty()) return invalid("a name of no image");
    if (!stored.index.empty()) target.index = TRY(model::Digest::parse(stored.index));
    return target;
}

} // namespace hull::image
