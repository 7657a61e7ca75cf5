// build with BuildKit's protocol: a session behind which the engine finds our
// files, and POST /build?version=2, whose stream tells how it goes.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

#include <fcntl.h>

#include "apps/hull/building/answers.h"
#include "apps/hull/building/client_session.h"
#include "apps/hull/building/local_cache.h"
#include "apps/hull/building/oci_layout.h"
#include "apps/hull/building/progress.h"
#include "apps/hull/building/request.h"
#include "apps/hull/client/sha256.h"
#include "apps/hull/commands/pull.h"
#include "apps/hull/contents/image_contents.h"
#include "apps/hull/stream/local_tar.h"
#include "base/random.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "model/image.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

class BuildScratch { // with what is in it
public:
    BuildScratch() = default;
    ~BuildScratch() {
        if (!path_.empty()) (void)sys::remove_tree(path_);
    }
    BuildScratch(const BuildScratch&) = delete;
    BuildScratch& operator=(const BuildScratch&) = delete;
    Result<std::string> path() {
        if (path_.empty()) {
            const char* place = std::getenv("TMPDIR");
            const std::string made = std::string(place && *place ? place : "/tmp") + "/hull-build-" + random_hex(12);
            TRY(sys::mkdir(made, 0700));
            path_ = made;
        }
        return path_;
    }

private:
    std::string path_;
};

bool is_remote(const std::string& context) {
    return context.find("://") != context.npos || context.starts_with("git@") || context.starts_with("github.com/");
}

// Where an archive that is built goes: beside its name until it is whole.
Result<void> keep_archive(ByteSource& source, const std::string& destination) {
    auto copy = [&](BorrowedFd to) -> Result<void> {
        std::string piece(size_t{256} << 10, '\0');
        while (size_t n = TRY(source.read(piece))) TRY(sys::write_all(to, std::string_view(piece).substr(0, n)));
        return {};
    };
    if (destination == "-") return copy(BorrowedFd(1));
    const std::string part = destination + ".part-" + random_hex(6);
    UniqueFd file = TRY(sys::open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    auto done = copy(file);
    if (done.ok()) done = sys::rename(part, destination);
    if (!done.ok()) (void)sys::unlink(part);
    return std::move(done).context("write " + destination);
}

Result<void> keep_files(ByteSource& source, const std::string& folder) {
    TRY(sys::mkdir_parents(folder, 0755));
    UniqueFd opened = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    TRY(extract_tar(source, opened, std::nullopt, sys::identity().effective_uid == 0 ? Owners::kept : Owners::ours));
    return {};
}

class StepsBuild {
public:
    enum class Turn : unsigned char { only, first, second }; // of a build that is done twice
    StepsBuild(Session& session, const std::string& context, Turn turn = Turn::only)
        : session_(session), context_(context), turn_(turn) {}
    Result<int> run();
    const std::string& id() const { return id_; } // of the image; empty: none

private:
    Result<void> choose_output();
    Result<void> choose_context();
    Result<void> choose_dockerfile();
    Result<void> add_cache(const std::string& text, Engine& engine, std::vector<std::string>& images);
    Result<void> add_own_fields(Engine& engine);
    Result<std::string> wanted_platform(Engine& engine) const;
    Result<void> listen(Exchange& exchange, BuildDisplay& display);
    Result<void> end(const Result<void>& ended);
    Result<void> write_metadata() const;
    Result<void> open_shell(Engine& engine);

    Session& session_;
    const std::string& context_;
    Turn turn_;
    ClientOffers offers_;
    BuildTarget target_;
    Query query_;
    std::string dockerfile_ = "Dockerfile";
    BuildScratch scratch_;
    bool upload_ = false; // the context comes by standard input
    std::string id_;      // of the image
    std::string failed_;  // an image to look at, when a step failed
    std::vector<build::wire::VertexWarning> warnings_;
    BuildCall call_;
    Json answer_;                           // to the call
    std::string cache_folder_;              // of --cache-to type=local
    std::vector<std::string> cache_images_; // what goes there
    std::vector<LocalCache> local_images_;  // of --cache-from type=local, --build-context oci-layout://
};

Result<void> StepsBuild::choose_output() {
    const Flags& flags = session_.flags();
    auto outputs = flags.list("output");
    if (outputs.size() > 1) return Error(ErrorKind::unsupported, "multiple outputs not supported");
    if (!outputs.empty()) target_ = TRY(parse_output(outputs.front()));
    for (const char* name : {"push", "load"}) {
        if (!flags.on(name)) continue;
        if (target_.type != "image")
            return Error(ErrorKind::invalid_argument,
                         std::string("--") + name + " and an output of type " + target_.type + " exclude each other");
        if (name == std::string_view("push")) target_.attributes["push"] = "true";
    }
    if (!target_.destination) return {};
    const std::string destination = *target_.destination;
    if (target_.type == "local") {
        offers_.take_archive = [destination](ByteSource& source) { return keep_files(source, destination); };
        return {};
    }
    if (destination == "-" && sys::is_terminal(BorrowedFd(1)))
        return Error(ErrorKind::invalid_argument,
                     "dest file is required for " + target_.type + " exporter. refusing to write to console");
    offers_.take_archive = [destination](ByteSource& source) { return keep_archive(source, destination); };
    return {};
}

Result<void> StepsBuild::choose_dockerfile() {
    const std::string file = session_.flags().text("file");
    if (is_remote(context_) || upload_) {
        if (file == "-") return Error(ErrorKind::unsupported, "the Dockerfile on stdin needs a folder as the context");
        if (!file.empty()) dockerfile_ = file;
        return {};
    }
    if (file == "-") {
        if (context_ == "-")
            return Error(ErrorKind::invalid_argument, "can't use stdin for both build context and dockerfile");
        const std::string folder = TRY(scratch_.path());
        TRY(sys::replace_file(folder + "/Dockerfile", TRY(sys::read_file("/proc/self/fd/0", max_file_bytes)), 0600));
        offers_.folders["dockerfile"] = folder;
        return {};
    }
    const std::string path = file.empty() ? context_ + "/Dockerfile" : file;
    if (file.empty() && !sys::exists(path) && !sys::exists(context_ + "/dockerfile"))
        return Error(ErrorKind::invalid_argument,
                     "failed to read dockerfile: open Dockerfile: no such file or directory");
    const size_t slash = path.rfind('/');
    offers_.folders["dockerfile"] = slash == path.npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
    dockerfile_ = path.substr(slash == path.npos ? 0 : slash + 1);
    return {};
}

Result<void> StepsBuild::choose_context() {
    if (context_ == "-") {
        upload_ = true;
        query_.add("remote", "upload-request");
    } else if (is_remote(context_)) {
        query_.add("remote", context_);
    } else {
        auto real = real_path_of(context_);
        auto found = sys::stat(context_);
        if (!real.ok() || !found.ok() || !S_ISDIR(found->st_mode))
            return Error(ErrorKind::invalid_argument, "unable to prepare context: path \"" + context_ + "\" not found");
        offers_.folders["context"] = *real;
        offers_.shared_key = sha256_hex("hull build\n" + *real);
        query_.add("remote", "client-session");
    }
    return choose_dockerfile();
}

// A cache that can't be had is no reason not to build.
Result<void> StepsBuild::add_cache(const std::string& text, Engine& engine, std::vector<std::string>& images) {
    BuildCache cache = TRY(parse_cache(text, "cache-from"));
    if (cache.type != "local") {
        images.push_back(TRY(cache_image(cache, text)));
        return {};
    }
    auto place = cache.attributes.find("src");
    if (place == cache.attributes.end() || cache.attributes.size() != 1)
        return Error(ErrorKind::invalid_argument, "--cache-from " + text + ": it is type=local,src=FOLDER");
    auto loaded = LocalCache::load(engine, place->second);
    if (!loaded.ok()) {
        print_error("hull: the cache in " + place->second + " is not used: " + loaded.error().message() + "\n");
        return {};
    }
    images.insert(images.end(), loaded->ids().begin(), loaded->ids().end());
    local_images_.push_back(std::move(*loaded));
    return {};
}

// The first that is built for: "linux/amd64".
Result<std::string> StepsBuild::wanted_platform(Engine& engine) const {
    if (const std::string asked = session_.flags().text("platform"); !asked.empty())
        return asked.substr(0, asked.find(','));
    const Json version = TRY(engine.get("/version"));
    return text(version, "Os") + "/" + text(version, "Arch");
}

// What docker's client has no parameters for.
Result<void> StepsBuild::add_own_fields(Engine& engine) {
    const Flags& flags = session_.flags();
    json::Object contexts;
    constexpr std::string_view layout = "oci-layout://";
    for (const std::string& text : flags.list("build-context")) {
        NamedContext context = TRY(parse_build_context(text));
        if (context.value.starts_with(layout)) {
            const LayoutPlace place = TRY(parse_layout_place(context.value.substr(layout.size())));
            local_images_.push_back(TRY(load_layout(engine, place, TRY(wanted_platform(engine)))));
            context.value = "docker-image://" + local_images_.back().ids().front();
        }
        if (context.is_folder) {
            offers_.folders[context.name] = context.value;
            context.value = "local:" + context.name;
        }
        contexts[context.name] = context.value;
    }
    bool own = false;
    auto add = [&](const char* name, const std::string& value) {
        query_.add(name, value);
        own = true;
    };
    if (!contexts.empty()) add("hull-contexts", json::print(contexts));
    if (auto stages = flags.list("no-cache-filter"); !stages.empty()) {
        std::vector<std::string> names;
        for (const std::string& text : stages)
            for (std::string& name : TRY(csv_fields(text))) names.push_back(std::move(name));
        add("hull-no-cache-filter", json_text(names));
    }
    if (auto allowed = flags.list("allow"); !allowed.empty()) {
        for (const std::string& name : allowed)
            if (name != "network.host" && name != "security.insecure")
                return Error(ErrorKind::invalid_argument,
                             "--allow " + name + ": there are network.host and security.insecure");
        add("hull-allow", json_text(allowed));
    }
    if (const std::string failing = flags.text("on-failure"); failing == "shell")
        add("hull-keep-failed", "1");
    else if (!failing.empty())
        return Error(ErrorKind::invalid_argument, "--on-failure " + failing + ": there is only shell");
    if (!call_.builds()) add("hull-call", call_.method);
    json::Array caches;
    for (const std::string& text : flags.list("cache-to")) {
        BuildCache cache = TRY(parse_cache(text, "cache-to"));
        if (cache.type == "local") {
            auto place = cache.attributes.find("dest");
            if (place == cache.attributes.end() || !cache_folder_.empty())
                return Error(ErrorKind::invalid_argument, "--cache-to " + text + ": it is one type=local,dest=FOLDER");
            cache_folder_ = place->second;
            cache.attributes.erase(place);
        }
        json::Object entry{{"type", cache.type}};
        for (const auto& [name, value] : cache.attributes) entry[name] = value;
        caches.push_back(std::move(entry));
    }
    if (!caches.empty()) add("hull-cache-to", json::print(caches));
    if (!own) return {};
    // Another engine would pass over them.
    Reply reply = TRY(TRY(session_.engine())->call({.path = "/_ping", .query = {}, .body = {}, .headers = {}}));
    if (!std::string_view(reply.headers.get("Server")).starts_with("Hull/"))
        return Error(ErrorKind::unsupported, "this engine is not hulld: --build-context, --no-cache-filter, --check, "
                                             "--call, --allow, --on-failure and --cache-to need it");
    return {};
}

Result<void> StepsBuild::listen(Exchange& exchange, BuildDisplay& display) {
    TRY(exchange.head());
    return read_progress(exchange, [&](const Json& message) {
        const std::string kind = text(message, "id");
        if (kind == "moby.buildkit.trace") {
            auto bytes = base64_decode(text(message, "aux"));
            auto progress = build::wire::parse_progress(bytes ? *bytes : std::string());
            if (!progress.ok()) return;
            warnings_.insert(warnings_.end(), progress->warnings.begin(), progress->warnings.end());
            display.take(*progress);
        } else if (kind == "moby.image.id") {
            id_ = text(message, "aux.ID");
        } else if (kind == "hull.cache") {
            for (const Json& one : list(message, "aux.Images"))
                if (one.is_string()) cache_images_.emplace_back(std::string(one.get_string()));
        } else if (kind == "hull.answer") {
            if (const Json* found = at(message, "aux")) answer_ = *found;
        } else if (kind == "hull.failed") {
            failed_ = text(message, "aux.Image");
        }
    });
}

Result<void> StepsBuild::write_metadata() const {
    const std::string file = session_.flags().text("metadata-file");
    if (file.empty()) return {};
    json::Object out;
    if (!id_.empty()) {
        out["containerimage.config.digest"] = id_;
        out["containerimage.digest"] = id_;
        std::string names;
        for (const std::string& tag : session_.flags().list("tag")) {
            auto reference = TRY(model::Reference::parse(tag));
            if (reference.tag.empty()) reference.tag = "latest";
            names += (names.empty() ? "" : ",") + reference.full();
        }
        if (!names.empty()) out["image.name"] = names;
    }
    return sys::replace_file(file, json::print(out) + "\n", 0644).context("--metadata-file");
}

// In a container of what the step that failed had; both go with the shell.
Result<void> StepsBuild::open_shell(Engine& engine) {
    print_error("A shell in what the failed step began with; its exit ends the build.\n");
    std::vector<std::string> args = {"run", "--rm", "-i"};
    if (sys::is_terminal(BorrowedFd(0)) && sys::is_terminal(BorrowedFd(1))) args.emplace_back("-t");
    if (const std::string network = session_.flags().text("network"); !network.empty())
        args.insert(args.end(), {"--network", network});
    args.push_back(failed_);
    (void)run_part(args, session_.globals());
    TRY(engine.remove("/images/" + failed_, Query().add("force", "1")));
    return {};
}

Result<int> StepsBuild::run() {
    const Flags& flags = session_.flags();
    call_ = flags.on("check") ? BuildCall{"check", false} : TRY(parse_call(flags.text("call")));
    const bool quiet = flags.on("quiet");
    const auto style =
        quiet || !call_.builds() ? ProgressStyle::quiet : TRY(parse_progress_style(flags.text("progress")));
    TRY(choose_output());
    TRY(choose_context());
    for (const std::string& text : flags.list("secret")) offers_.secrets.push_back(TRY(parse_secret(text)));
    for (const std::string& text : flags.list("ssh")) offers_.agents.push_back(TRY(parse_ssh(text)));
    offers_.config_folder = session_.globals().config_folder;
    Engine& engine = *TRY(session_.engine());
    std::vector<std::string> images; // whose layers steps may take
    for (const std::string& text : flags.list("cache-from")) TRY(add_cache(text, engine, images));
    Query query = TRY(build_query(flags, dockerfile_, images, turn_ != Turn::second));
    query.add_if(turn_ != Turn::only && !flags.on("no-cache"), "nocache", "1");
    TRY(add_own_fields(engine));
    auto session = TRY(ClientSession::open(engine, offers_));
    const std::string build_id = random_hex(12);
    query_.add("version", "2").add("session", session->id()).add("buildid", build_id);
    json::Object attributes;
    for (const auto& [name, value] : target_.attributes) attributes[name] = value;
    // Of local files an archive is sent, and unpacked here.
    const std::string type = target_.type == "local" ? "tar" : target_.type;
    if (type != "image" || !attributes.empty())
        query_.add("outputs", json::print(json::Array{json::Object{{"Type", type}, {"Attrs", attributes}}}));
    std::jthread sender;
    Result<void> sent;
    if (upload_)
        sender = std::jthread([&] {
            auto exchange =
                engine.upload({.method = http::Method::post,
                               .path = "/build",
                               .query = Query().add("version", "2").add("buildid", "upload-request:" + build_id).str(),
                               .body = {},
                               .headers = {{"Content-Type", "application/x-tar"}}},
                              [](std::span<char> into) { return sys::read(BorrowedFd(0), into); });
            sent = exchange.ok() ? Result<void>() : Result<void>(std::move(exchange).error());
            if (!sent.ok()) return;
            auto head = exchange->head();
            if (!head.ok()) sent = std::move(head).error();
        });
    auto display = BuildDisplay::create(style);
    Exchange exchange = TRY(engine.begin({.method = http::Method::post,
                                          .path = "/build",
                                          .query = query.str() + "&" + query_.str().substr(1),
                                          .body = {},
                                          .headers = {}}));
    auto ended = listen(exchange, *display);
    display->finish(!ended.ok());
    display.reset();
    if (!call_.builds() && ended.ok()) {
        print(answer_text(call_, answer_, warnings_));
        return warnings_.empty() ? 0 : 1;
    }
    if (style != ProgressStyle::raw_json && !quiet) print_error(warnings_summary(warnings_, session_.globals().debug));
    if (!failed_.empty())
        if (auto opened = open_shell(engine); !opened.ok()) print_error(opened.error().message() + "\n");
    TRY(std::move(ended));
    if (sender.joinable()) sender.join();
    if (turn_ == Turn::second) return 0;
    if (quiet && !id_.empty()) print(id_ + "\n");
    if (!cache_folder_.empty()) TRY(save_local_cache(engine, cache_images_, cache_folder_));
    TRY(write_id_file(session_, id_));
    TRY(write_metadata());
    return 0;
}

} // namespace

namespace {

// The same twice: what is different says what isn't reproducible.
Result<int> build_twice(Session& session, const std::string& context) {
    const Flags& flags = session.flags();
    for (const char* name : {"output", "push", "check"})
        if (flags.given(name))
            return Error(ErrorKind::unsupported, std::string("--verify-reproducible and --") + name +
                                                     " exclude each other: it compares images");
    if (context == "-" || flags.text("file") == "-")
        return Error(ErrorKind::unsupported, "--verify-reproducible reads its input twice: give it files");
    StepsBuild first(session, context, StepsBuild::Turn::first), second(session, context, StepsBuild::Turn::second);
    if (int code = TRY(first.run())) return code;
    if (int code = TRY(second.run())) return code;
    if (first.id() == second.id()) {
        print("reproducible: both builds gave " + first.id() + "\n");
        return 0;
    }
    Engine& engine = *TRY(session.engine());
    auto compare = [&]() -> Result<std::vector<std::string>> {
        return differences(TRY(image_contents(engine, first.id())), TRY(image_contents(engine, second.id())),
                           Times::compared);
    };
    auto lines = compare();
    (void)engine.remove("/images/" + second.id(), Query().add("force", "1"));
    print("not reproducible: " + first.id() + " and " + second.id() + "\n");
    for (const std::string& line : TRY(std::move(lines))) print(line + "\n");
    return 1;
}

} // namespace

Result<int> build_with_steps(Session& session, const std::string& context) {
    if (session.flags().on("verify-reproducible")) return build_twice(session, context);
    return StepsBuild(session, context).run();
}

} // namespace hull::cli
