#include "apps/hull/building/local_cache.h"

#include <fcntl.h>

#include "apps/hull/stream/local_tar.h"
#include "base/random.h"
#include "codec/json.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

constexpr size_t most_cache_images = 1000;

class ReplyBytes : public ByteSource {
public:
    explicit ReplyBytes(Exchange& exchange) : exchange_(exchange) {}
    Result<size_t> read(std::span<char> into) override { return exchange_.read(into); }

private:
    Exchange& exchange_;
};

// "sha256:..." of the images that the folder's manifest.json lists.
Result<std::vector<std::string>> ids_in(const std::string& folder) {
    const std::string text = TRY(sys::read_file(folder + "/manifest.json"));
    auto document = TRY(json::parse(text).context(folder + "/manifest.json"));
    std::vector<std::string> ids;
    if (!document.is_array()) return Error(ErrorKind::corrupt, folder + "/manifest.json is no list");
    for (const Json& entry : document.get_array()) {
        const std::string config = cli::text(entry, "Config");
        const std::string hex = config.substr(config.rfind('/') + 1);
        if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != hex.npos ||
            ids.size() == most_cache_images)
            return Error(ErrorKind::corrupt, folder + "/manifest.json names an odd image: " + config);
        ids.push_back("sha256:" + hex);
    }
    return ids;
}

} // namespace

Result<void> save_local_cache(Engine& engine, const std::vector<std::string>& ids, const std::string& folder) {
    if (ids.empty()) return {};
    Query query;
    for (const std::string& id : ids) query.add("names", id);
    Exchange exchange = TRY(engine.begin(
        {.method = http::Method::get, .path = "/images/get", .query = query.str(), .body = {}, .headers = {}}));
    TRY(exchange.head());
    const std::string part = folder + ".part-" + random_hex(6), old = folder + ".old-" + random_hex(6);
    TRY(sys::mkdir_parents(part, 0755));
    auto fill = [&]() -> Result<void> {
        ReplyBytes bytes(exchange);
        UniqueFd opened = TRY(sys::open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        TRY(extract_tar(bytes, opened, std::nullopt, Owners::ours));
        const bool there = sys::exists(folder);
        // Only what is a cache makes room for one.
        if (there && !sys::exists(folder + "/oci-layout") && !TRY(sys::list_dir(folder)).empty())
            return Error(ErrorKind::conflict, folder + " holds something else than a build cache");
        if (there) TRY(sys::rename(folder, old));
        return sys::rename(part, folder);
    };
    auto done = fill();
    (void)sys::remove_tree(done.ok() ? old : part);
    return std::move(done).context("keep the build cache in " + folder);
}

Result<LocalCache> LocalCache::load(Engine& engine, const std::string& folder) {
    LocalTar tar(folder, ".");
    return load(engine, TRY(ids_in(folder)), tar);
}

Result<LocalCache> LocalCache::load(Engine& engine, std::vector<std::string> ids, LocalTar& archive) {
    LocalCache cache(engine);
    cache.ids_ = std::move(ids);
    std::vector<std::string> missing;
    for (const std::string& id : cache.ids_)
        if (!engine.get("/images/" + id + "/json").ok()) missing.push_back(id);
    if (missing.empty()) return cache;
    Exchange exchange = TRY(engine.upload({.method = http::Method::post,
                                           .path = "/images/load",
                                           .query = "?quiet=1",
                                           .body = {},
                                           .headers = {{"Content-Type", "application/x-tar"}}},
                                          [&](std::span<char> into) { return archive.read(into); }));
    TRY(exchange.head());
    cache.loaded_ = std::move(missing);
    TRY(exchange.read_all());
    return cache;
}

LocalCache::~LocalCache() {
    for (const std::string& id : loaded_) (void)engine_->remove("/images/" + id, Query().add("force", "0"));
}

} // namespace hull::cli
