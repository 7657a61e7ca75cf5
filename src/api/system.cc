// The engine itself: ping, version, events.
#include "api/handlers.h"
#include "codec/json.h"

namespace hull::api {

namespace {

// How the stream of events is cut into messages; asked for by Accept.
enum class EventFraming : unsigned char { lines, sequence };

struct EventFormat {
    EventFraming framing = EventFraming::lines;
    const char* content_type = "application/json";
};

EventFormat event_format(const Call& call) {
    const http::Headers& headers = call.exchange().request().headers;
    if (!call.at_least(52)) return {};
    if (headers.has_token("Accept", "application/json-seq")) return {EventFraming::sequence, "application/json-seq"};
    if (call.at_least(53) && headers.has_token("Accept", "application/jsonl"))
        return {EventFraming::lines, "application/jsonl"};
    if (headers.has_token("Accept", "application/x-ndjson")) return {EventFraming::lines, "application/x-ndjson"};
    return {};
}

std::string event_text(const engine::Event& event, const Call& call, EventFraming framing) {
    json::Object object;
    if (event.has_legacy_members() && !call.at_least(52)) {
        object["status"] = event.action;
        object["id"] = event.actor;
        auto image = event.attributes.find("image");
        if (event.type == "container" && image != event.attributes.end()) object["from"] = image->second;
    }
    object["Type"] = event.type;
    object["Action"] = event.action;
    object["Actor"] = json::Object{{"ID", event.actor}, {"Attributes", json::encode(event.attributes)}};
    object["scope"] = "local";
    object["time"] = event.time.ns / 1'000'000'000;
    object["timeNano"] = event.time.ns;
    std::string text = framing == EventFraming::sequence ? "\x1e" : "";
    return text + json::print(object) + "\n";
}

std::string machine_to_docker(const std::string& machine) {
    if (machine == "x86_64") return "amd64";
    if (machine == "aarch64") return "arm64";
    return machine;
}

} // namespace

Result<void> ping(Call& call) {
    http::Headers headers = call.headers("text/plain; charset=utf-8");
    headers.add("Builder-Version", "2"); // BuildKit's protocol, too
    headers.add("Swarm", "inactive");
    headers.add("Cache-Control", "no-cache, no-store, must-revalidate");
    headers.add("Pragma", "no-cache");
    bool head = call.exchange().request().method == http::Method::head;
    call.exchange().respond({200, std::move(headers), head ? "" : "OK"});
    return {};
}

Result<void> version(Call& call) {
    engine::InfoView info = call.engine().info();
    const std::string& version = call.options().version;
    std::string arch = machine_to_docker(info.architecture);
    std::string compiler = "none (C++, " __VERSION__ ")";
    json::Object details{
        {"ApiVersion", newest_version.text()},
        {"Arch", arch},
        {"BuildTime", ""},
        {"Experimental", call.options().experimental ? "true" : "false"},
        {"GitCommit", ""},
        {"GoVersion", compiler},
        {"KernelVersion", info.kernel_version},
        {"MinAPIVersion", oldest_version.text()},
        {"Os", "linux"},
    };
    json::Array components{
        json::Object{{"Name", "Engine"}, {"Version", version}, {"Details", std::move(details)}},
        json::Object{{"Name", "hull-keeper"}, {"Version", version}, {"Details", json::Object{{"GitCommit", ""}}}},
        json::Object{{"Name", "hull-runtime"}, {"Version", version}, {"Details", json::Object{{"GitCommit", ""}}}},
    };
    return call.reply(200, json::Object{
                               {"Platform", json::Object{{"Name", "Hull"}}},
                               {"Components", std::move(components)},
                               {"Version", version},
                               {"ApiVersion", newest_version.text()},
                               {"MinAPIVersion", oldest_version.text()},
                               {"GitCommit", ""},
                               {"GoVersion", compiler},
                               {"Os", "linux"},
                               {"Arch", arch},
                               {"KernelVersion", info.kernel_version},
                               {"BuildTime", ""},
                           });
}

Result<void> events(Call& call) {
    auto filters = TRY(call.filters());
    TRY(engine::EventBus::check(filters));
    auto since = TRY(call.time("since"));
    auto until = TRY(call.time("until"));
    if (since && until && *since > *until)
        return Error(ErrorKind::invalid_argument, "`since` time (" + call.text("since") +
                                                      ") cannot be after `until` time (" + call.text("until") + ")");
    std::stop_token gone = call.client_gone();
    // Subscribe first: what happens while the headers travel is not missed.
    auto subscription = call.engine().events().subscribe(std::move(filters), since, until);
    EventFormat format = event_format(call);
    TRY(call.stream(200, format.content_type));
    while (auto event = subscription->next(gone)) {
        std::string text = event_text(*event, call, format.framing);
        while (subscription->ready() && text.size() < 65536) {
            auto more = subscription->next(gone);
            if (!more) break;
            text += event_text(*more, call, format.framing);
        }
        TRY(call.exchange().write(text));
    }
    return {};
}

} // namespace hull::api
