// run and create.
#include <fcntl.h>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/commands/pull.h"
#include "apps/hull/options/create.h"
#include "model/image.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

using ProxyVariables = std::vector<std::pair<std::string, std::string>>;

// What "proxies" of the client configuration gives to new containers.
Result<ProxyVariables> proxy_variables(Session& session) {
    ProxyVariables out;
    const auto& proxies = TRY(session.config())->proxies;
    auto found = proxies.find(TRY(session.address()).host);
    if (found == proxies.end()) found = proxies.find("default");
    if (found == proxies.end()) return out;
    constexpr std::pair<const char*, const char*> names[] = {{"httpProxy", "http_proxy"},
                                                             {"httpsProxy", "https_proxy"},
                                                             {"noProxy", "no_proxy"},
                                                             {"ftpProxy", "ftp_proxy"},
                                                             {"allProxy", "all_proxy"}};
    for (const auto& [key, lower] : names) {
        auto value = found->second.find(key);
        if (value == found->second.end() || value->second.empty()) continue;
        std::string upper;
        for (const char* c = lower; *c; ++c) upper += *c == '_' ? '_' : static_cast<char>(*c - ('a' - 'A'));
        out.emplace_back(upper, value->second);
        out.emplace_back(lower, value->second);
    }
    return out;
}

// --cidfile: must not be there before, holds the id after, goes away when
// nothing was made.
class IdFile {
public:
    static Result<IdFile> reserve(const std::string& path) {
        if (!path.empty() && sys::exists(path))
            return Error(ErrorKind::conflict,
                         "container ID file found, make sure the other container isn't running or delete " + path);
        if (path.empty()) return IdFile("", UniqueFd());
        auto file = sys::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (!file.ok()) return std::move(file).error().context("failed to create the container ID file");
        return IdFile(path, std::move(file).value());
    }
    IdFile(IdFile&&) = default;
    ~IdFile() {
        if (file_ && !written_) (void)sys::unlink(path_).ok();
    }
    Result<void> write(const std::string& id) {
        if (!file_) return {};
        TRY(sys::write_all(file_, id).context("write the container ID file"));
        written_ = true;
        return {};
    }

private:
    IdFile(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}
    std::string path_;
    UniqueFd file_;
    bool written_ = false;
};

std::string create_body(const model::CreateRequest& request) {
    boost::json::value config = model::to_json(request.config);
    boost::json::object& body = config.as_object();
    body["HostConfig"] = model::to_json(request.host_config);
    boost::json::object endpoints;
    for (const auto& [name, settings] : request.networking_config.endpoints_config)
        endpoints[name] = model::to_json(settings);
    body["NetworkingConfig"] = boost::json::object{{"EndpointsConfig", std::move(endpoints)}};
    return boost::json::serialize(config);
}

bool image_is_missing(const Error& error) {
    return error.kind() == ErrorKind::not_found && error.message().find("No such image") != std::string::npos;
}

// Makes the container, with a pull where --pull wants one; its id.
Result<std::string> create(Session& session, const Creation& creation) {
    Engine& engine = *TRY(session.engine());
    IdFile id_file = TRY(IdFile::reserve(creation.cidfile));
    const std::string& image = creation.request.config.image;
    if (creation.pull == "always") TRY(pull_image(session, image, creation.platform, creation.quiet));
    Query query;
    query.add_unless_empty("name", creation.name).add_unless_empty("platform", creation.platform);
    std::string body = create_body(creation.request);
    auto reply = engine.post("/containers/create", query, body);
    if (!reply.ok() && creation.pull == "missing" && image_is_missing(reply.error())) {
        auto reference = TRY(model::Reference::parse(image));
        if (!creation.quiet) print_error("Unable to find image '" + reference.familiar() + "' locally\n");
        TRY(pull_image(session, image, creation.platform, creation.quiet));
        reply = engine.post("/containers/create", query, body);
    }
    if (!reply.ok()) return std::move(reply).error();
    Json answer = TRY(reply->json());
    std::string id = text(answer, "Id");
    for (const Json& warning : list(answer, "Warnings"))
        if (warning.is_string()) print_error("WARNING: " + std::string(warning.get_string()) + "\n");
    TRY(id_file.write(id));
    return id;
}

int report_start(Session& session, const Error& error) {
    print_error("hull: " + error.message() + "\n\nRun '" + display_name(session.command()) +
                " --help' for more information\n");
    return exit_code_of_start_error(error.message());
}

// A combination that docker refuses before it asks the engine: exit code 1.
int refuse(const std::string& why) {
    print_error(why + "\n");
    return 1;
}

// Attach and wait are sent together and answered side by side; only then the
// start, so that no byte and no end is missed.
Result<int> run_attached(Session& session, const Creation& creation, const Attachment& attachment) {
    Engine& engine = *TRY(session.engine());
    const Flags& flags = session.flags();
    DetachKeys keys = TRY(detach_keys_of(session));
    bool tty = creation.request.config.tty;
    bool auto_remove = creation.request.host_config.auto_remove;
    std::string id = TRY(create(session, creation));

    Streams streams{.in = attachment.in,
                    .out = attachment.out,
                    .err = attachment.err,
                    .tty = tty,
                    .detach_keys = keys.bytes,
                    .resize = {},
                    .forward = {}};
    connect_controls(streams, engine, id, flags.on("sig-proxy") && !tty);
    SignalGuard signals = TRY(SignalGuard::create(streams));
    Exchange attach = TRY(begin_attach(engine, id, streams, keys.given));
    ExitWaiter waiter = TRY(ExitWaiter::begin(engine, id, auto_remove ? "removed" : "next-exit"));
    TRY(attach.head());
    TRY(waiter.settle());

    auto started = engine.post(container_path(id, "start"));
    if (!started.ok()) {
        int code = report_start(session, started.error());
        if (auto_remove) (void)waiter.code().ok(); // gone before we are
        return code;
    }
    PumpEnd end = TRY(pump(attach.take_stream(), streams, signals));
    if (end == PumpEnd::detached) {
        print_error("read escape sequence\n");
        return 0;
    }
    auto code = waiter.code();
    if (!code.ok()) {
        print_error("Error waiting for container: " + code.error().message() + "\n");
        return 125;
    }
    return code;
}

} // namespace

Result<int> create_container(Session& session) {
    Creation creation = TRY(read_creation(session.flags(), TRY(proxy_variables(session))));
    TRY(read_attachment(session.flags(), false, creation.request.config));
    print(TRY(create(session, creation)) + "\n");
    return 0;
}

Result<int> run_container(Session& session) {
    const Flags& flags = session.flags();
    Creation creation = TRY(read_creation(flags, TRY(proxy_variables(session))));
    bool detach = flags.on("detach");
    if (detach && flags.given("attach"))
        return refuse("conflicting options: cannot specify both --attach and --detach");
    Attachment attachment = TRY(read_attachment(flags, detach, creation.request.config));
    if (auto checked = check_terminal(attachment.in, creation.request.config.tty); !checked.ok())
        return refuse(checked.error().message());
    if (!detach && (attachment.in || attachment.out || attachment.err))
        return run_attached(session, creation, attachment);

    std::string id = TRY(create(session, creation));
    auto started = TRY(session.engine())->post(container_path(id, "start"));
    if (!started.ok()) {
        if (detach) print(id + "\n");
        return report_start(session, started.error());
    }
    print(id + "\n");
    return 0;
}

} // namespace hull::cli
