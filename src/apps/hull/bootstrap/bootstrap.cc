#include "apps/hull/bootstrap/bootstrap.h"

#include <cstdlib>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/pull.h"
#include "base/random.h"
#include "model/image.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

// The release this machine runs, for a name without a tag.
std::string own_codename() {
    auto file = sys::read_file("/etc/os-release");
    if (!file.ok()) return "";
    constexpr std::string_view key = "VERSION_CODENAME=";
    size_t at = file->find(key);
    if (at == file->npos) return "";
    std::string value = file->substr(at + key.size());
    value.resize(std::min(value.find('\n'), value.size()));
    std::erase(value, '"');
    return value;
}

bool plain_suite(const std::string& suite) {
    return !suite.empty() && suite.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == suite.npos;
}

} // namespace

Result<ScratchFolder> ScratchFolder::create() {
    const char* base = std::getenv("TMPDIR");
    std::string path = std::string(base && *base ? base : "/tmp") + "/hull-bootstrap-" + random_hex(12);
    TRY(sys::mkdir(path, 0700));
    return ScratchFolder(std::move(path));
}

ScratchFolder::~ScratchFolder() {
    if (!path_.empty()) (void)sys::remove_tree(path_).ok();
}

Result<std::string> import_base(Engine& engine, const BaseImage& image, const TarSource& source) {
    Query query;
    query.add("fromSrc", "-").add("repo", image.reference).add("message", image.message);
    for (const std::string& change : image.changes) query.add("changes", change);
    Exchange exchange = TRY(engine.upload(
        {.method = http::Method::post, .path = "/images/create", .query = query.str(), .body = {}, .headers = {}},
        source));
    TRY(exchange.head());
    std::string id;
    TRY(read_progress(exchange, [&](const Json& message) {
        if (std::string status = text(message, "status"); status.starts_with("sha256:")) id = status;
    }));
    return id;
}

Result<int> bootstrap_image(Session& session) {
    const Flags& flags = session.flags();
    const std::string& operand = session.operands()[0];
    size_t colon = operand.find(':');
    std::string name = operand.substr(0, colon), tag = colon == operand.npos ? "" : operand.substr(colon + 1);
    bool quiet = flags.on("quiet");
    BaseImage image;
    image.reference = flags.text("tag").empty() ? operand : flags.text("tag");
    auto reference = model::Reference::parse(image.reference);
    if (!reference.ok()) return std::move(reference).error();
    image.reference = reference->familiar();
    image.message = "made by hull image bootstrap " + operand;
    Engine& engine = *TRY(session.engine());
    // Ask it now: nobody wants to hear after minutes that there is no engine.
    TRY(engine.version());

    std::string id;
    if (name == "busybox") {
        if (!tag.empty() && tag != "latest")
            return Error(ErrorKind::invalid_argument,
                         "busybox has one version here, the one of busybox-static; use busybox or busybox:latest");
        id = TRY(bootstrap_busybox(engine, image, quiet));
    } else if (name == "debian" || name == "ubuntu") {
        std::string suite = tag.empty() || tag == "latest" ? own_codename() : tag;
        if (!plain_suite(suite))
            return Error(ErrorKind::invalid_argument, "\"" + suite + "\" is no release of " + name +
                                                          "; give one, e.g. debian:bookworm or ubuntu:noble");
        id = TRY(bootstrap_debian(engine, name, suite, image, quiet));
    } else {
        return Error(ErrorKind::invalid_argument, "can't make \"" + operand +
                                                      "\" from this machine's packages; there are debian:SUITE, "
                                                      "ubuntu:SUITE and busybox");
    }
    print(quiet ? id + "\n" : image.reference + " " + id + "\n");
    return 0;
}

} // namespace hull::cli
