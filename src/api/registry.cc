// What needs a registry: pull, push, login, search, questions about manifests.
#include "api/handlers.h"
#include "api/image_progress.h"
#include "codec/json.h"

namespace hull::api {

namespace {

std::string auth_of(const Call& call) { return std::string(call.exchange().request().headers.get("X-Registry-Auth")); }

image::TransferListener listener(ProgressStream& progress) {
    return [&progress](const image::TransferLine& line) { return progress.send(transfer_line(line)); };
}

// Docker's limits of a search: 1 to 100, 25 when nothing is said.
Result<int> search_limit(const Call& call) {
    constexpr int usual = 25, most = 100;
    auto limit = TRY(call.number("limit"));
    if (!limit || *limit == 0) return usual;
    if (*limit < 1 || *limit > most)
        return invalid("limit " + std::to_string(*limit) + " is outside the range of [1, 100]");
    return *limit;
}

struct SearchFilter {
    std::optional<bool> official, automated;
    int64_t stars = 0;
};

Result<SearchFilter> search_filter(const engine::Filters& filters) {
    SearchFilter out;
    static constexpr std::string_view known[] = {"is-automated", "is-official", "stars"};
    TRY(filters.check_names(known));
    auto flag = [&](const char* name, std::optional<bool>& into) -> Result<void> {
        for (const std::string& value : filters.get(name)) {
            if (value != "true" && value != "false" && value != "1" && value != "0")
                return invalid(std::string("invalid filter '") + name + "=[" + value + "]'");
            into = value == "true" || value == "1";
        }
        return {};
    };
    TRY(flag("is-official", out.official));
    TRY(flag("is-automated", out.automated));
    for (const std::string& value : filters.get("stars")) {
        if (value.empty() || value.size() > 9 || value.find_first_not_of("0123456789") != value.npos)
            return invalid("invalid filter 'stars=[" + value + "]'");
        out.stars = std::max<int64_t>(out.stars, std::stoll(value));
    }
    return out;
}

json::Object platform_object(const model::Platform& platform) {
    json::Object object{{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.os_version.empty()) object["os.version"] = platform.os_version;
    if (!platform.os_features.empty()) object["os.features"] = json::encode(platform.os_features);
    if (!platform.variant.empty()) object["variant"] = platform.variant;
    return object;
}

// What an error of who asks is to a registry: 401.
Result<void> unauthorized(Call& call, const Error& error) {
    if (error.kind() != ErrorKind::forbidden) return error;
    call.exchange().respond(
        {401, call.headers("application/json"), json::print(json::Object{{"message", error.message()}}) + "\n"});
    return {};
}

} // namespace

Result<void> pull_image(Call& call) {
    image::PullRequest request{
        .name = call.text("fromImage"), .platform = call.text("platform"), .auth = auth_of(call)};
    // The tag may be a digest, too; it stands instead of one in the name.
    if (const std::string& tag = call.text("tag"); !tag.empty()) {
        auto reference = TRY(model::Reference::parse(request.name));
        request.name = reference.domain + "/" + reference.path + (tag.find(':') == tag.npos ? ":" : "@") + tag;
    }
    ProgressStream progress(call);
    return progress.finish(call.images().pull(request, listener(progress), call.client_gone()));
}

Result<void> push_image(Call& call) {
    image::PushRequest request{.name = call.name(), .tag = call.text("tag"), .auth = auth_of(call)};
    std::vector<model::Platform> platforms = TRY(call.platforms("platform", 46));
    if (!platforms.empty()) request.platform = std::move(platforms.front());
    ProgressStream progress(call);
    return progress.finish(call.images().push(request, listener(progress), call.client_gone()));
}

Result<void> check_auth(Call& call) {
    std::string body = TRY(call.json_body());
    auto registries = TRY(call.images().registries());
    auto result = registries->log_in(body, call.client_gone());
    if (!result.ok()) return unauthorized(call, result.error());
    return call.reply(200, json::Object{{"IdentityToken", result->identity_token}, {"Status", "Login Succeeded"}});
}

Result<void> search_images(Call& call) {
    int limit = TRY(search_limit(call));
    auto filter = TRY(search_filter(TRY(call.filters())));
    auto registries = TRY(call.images().registries());
    auto found = TRY(registries->search(call.text("term"), limit, auth_of(call), call.client_gone()));
    json::Array array;
    for (const auto& one : found) {
        if (filter.official && *filter.official != one.official) continue;
        if (filter.automated && *filter.automated != one.automated) continue;
        if (one.stars < filter.stars) continue;
        array.push_back(json::Object{{"star_count", one.stars},
                                     {"is_official", one.official},
                                     {"name", one.name},
                                     {"is_automated", one.automated},
                                     {"description", one.description}});
    }
    return call.reply(200, array);
}

Result<void> inspect_distribution(Call& call) {
    auto registries = TRY(call.images().registries());
    auto found = registries->inspect(call.name(), auth_of(call), call.client_gone());
    if (!found.ok()) return unauthorized(call, found.error());
    json::Array platforms;
    for (const model::Platform& platform : found->platforms) platforms.push_back(platform_object(platform));
    return call.reply(200, json::Object{{"Descriptor", json::Object{{"mediaType", found->descriptor.media_type},
                                                                    {"digest", found->descriptor.digest.str()},
                                                                    {"size", found->descriptor.size}}},
                                        {"Platforms", platforms.empty() ? json::Value(nullptr) : platforms}});
}

} // namespace hull::api
