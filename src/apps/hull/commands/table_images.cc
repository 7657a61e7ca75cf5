// The commands on images, registries and the build cache.
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/rows.h"

namespace hull::cli {

namespace rows {
namespace {

using enum FlagType;

constexpr Flag history_flags[] = {
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"human", 'H', boolean, "", "true", "Sizes and dates for people", {}},
    {"no-trunc", 0, boolean, "", "", "Nothing cut short", {}},
    {"platform", 0, text, "string", "", "Of this platform (os/arch)", {}},
    {"quiet", 'q', boolean, "", "", "Only ids", {}},
};
constexpr Flag export_mount_flags[] = {{"output", 'o', text, "string", "", "A file, instead of standard output", {}}};
constexpr Flag build_flags[] = {
    {"add-host", 0, list, "list", "", "Entry of the steps' /etc/hosts (host:ip)", {}},
    {"build-arg", 0, list, "list", "", "Value of an ARG (name=value)", {}},
    {"build-context",
     0,
     list,
     "list",
     "",
     "Files or an image under a name (name=FOLDER, name=docker-image://IMAGE)",
     {}},
    {"cache-from", 0, list, "list", "", "Images to take for a cache, or type=local,src=FOLDER", {}},
    {"cache-to",
     0,
     list,
     "list",
     "",
     "Keep the cache for others (type=inline, type=local,dest=FOLDER, type=registry,ref=NAME)",
     {}},
    {"allow", 0, list, "list", "", "What steps may beyond the usual (network.host, security.insecure)", {}},
    {"call", 0, text, "string", "build", "What to do (build, check, outline, targets)", {}},
    {"cgroup-parent", 0, text, "string", "", "Parent cgroup of the steps", {}},
    {"check", 0, boolean, "", "", "Only check the Dockerfile (--call=check)", {}},
    {"cpu-period", 0, integer, "int", "", "Length of a CPU period, microseconds", {}},
    {"cpu-quota", 0, integer, "int", "", "CPU time in a period, microseconds", {}},
    {"cpu-shares", 'c', integer, "int", "", "CPU shares, relative to others", {}},
    {"cpuset-cpus", 0, text, "string", "", "CPUs that steps may use (0-3, 0,1)", {}},
    {"cpuset-mems", 0, text, "string", "", "Memory nodes that steps may use", {}},
    {"file", 'f', text, "string", "", "The Dockerfile (default: Dockerfile in the folder)", {}},
    {"force-rm", 0, boolean, "", "", "Remove the containers of steps that fail, too", {}},
    {"iidfile", 0, text, "string", "", "Write the image's id to this file", {}},
    {"label", 0, list, "list", "", "Label of the image (name=value)", {}},
    {"load", 0, boolean, "", "", "Keep the image in the engine (it is kept anyway)", {}},
    {"memory", 'm', bytes, "bytes", "", "Memory limit of a step", {}},
    {"memory-swap", 0, bytes, "bytes", "", "Memory and swap of a step; -1: no limit", {}},
    {"metadata-file", 0, text, "string", "", "Write what the build gave to this file, as JSON", {}},
    {"network", 0, text, "string", "", "Network of the steps", {}},
    {"no-cache", 0, boolean, "", "", "Run every step", {}},
    {"no-cache-filter", 0, list, "list", "", "Run every step of these stages", {}},
    {"on-failure", 0, text, "string", "", "When a RUN step fails: shell, opened in what the step began with", {}},
    {"output", 'o', list, "list", "", "Where the result goes (FOLDER, type=local|tar|oci|docker|image,dest=...)", {}},
    {"platform", 0, text, "string", "", "Platform of the image (os/arch)", {}},
    {"progress", 0, text, "string", "auto", "How progress is shown (auto, plain, tty, quiet, rawjson)", {}},
    {"pull", 0, boolean, "", "", "Base images anew from their registry", {}},
    {"push", 0, boolean, "", "", "Push the image when it is made", {}},
    {"quiet", 'q', boolean, "", "", "Only the image's id", {}},
    {"rm", 0, boolean, "", "true", "Remove the containers of steps", {}},
    {"secret", 0, list, "list", "", "Secret for RUN --mount=type=secret (id=NAME,src=FILE or env=VARIABLE)", {}},
    {"security-opt", 0, list, "list", "", "Security options of the steps", {}},
    {"shm-size", 0, bytes, "bytes", "", "Size of the steps' /dev/shm", {}},
    {"squash", 0, boolean, "", "", "", {}},
    {"ssh", 0, list, "list", "", "Agent for RUN --mount=type=ssh (default or ID=SOCKET)", {}},
    {"tag", 't', list, "list", "", "Name of the image (name:tag)", {}},
    {"target", 0, text, "string", "", "Stage to build", {}},
    {"ulimit", 0, list, "ulimit", "", "Limit of the steps (name=soft:hard)", {}},
    {"verify-reproducible", 0, boolean, "", "", "Build twice without a cache, and show which files are different", {}},
};
constexpr Flag image_diff_flags[] = {
    {"times", 0, boolean, "", "", "Also files that only have another time", {}},
};
constexpr Flag image_tree_flags[] = {
    {"files", 0, integer, "int", "5", "So many of a layer's biggest files", {}},
    {"no-trunc", 0, boolean, "", "", "Nothing cut short", {}},
};
constexpr Flag import_flags[] = {
    {"change", 'c', list, "list", "", "Dockerfile instruction to apply (CMD, ENV, ...)", {}},
    {"message", 'm', text, "string", "", "Comment in the image's history", {}},
    {"platform", 0, text, "string", "", "Platform of the image (os/arch)", {}},
};
constexpr Flag inspect_image_flags[] = {
    {"format", 'f', text, "string", "", "'json' or a Go template", {}},
    {"platform", 0, text, "string", "", "Of this platform (os/arch)", {}},
};
constexpr Flag load_flags[] = {
    {"input", 'i', text, "string", "", "Read this file instead of stdin", {}},
    {"platform", 0, list, "list", "", "Only this platform (os/arch)", {}},
    {"quiet", 'q', boolean, "", "", "No progress", {}},
};
constexpr Flag images_flags[] = {
    {"all", 'a', boolean, "", "", "Also intermediate images", {}},
    {"digests", 0, boolean, "", "", "Show digests", {}},
    {"filter", 'f', list, "filter", "", "Only those that fit (reference=x*, dangling=true, ...)", {}},
    {"format", 0, text, "string", "", HULL_FORMAT, {}},
    {"no-trunc", 0, boolean, "", "", "Nothing cut short", {}},
    {"quiet", 'q', boolean, "", "", "Only ids", {}},
    {"tree", 0, boolean, "", "", "As a tree of platforms (not supported yet)", {}},
};
constexpr Flag image_prune_flags[] = {
    {"all", 'a', boolean, "", "", "Every image that no container uses", {}},
    {"filter", 0, list, "filter", "", "Only those that fit (until=TIME, label=a=b)", {}},
    {"force", 'f', boolean, "", "", "Don't ask", {}},
};
constexpr Flag rmi_flags[] = {
    {"force", 'f', boolean, "", "", "Even if stopped containers use it", {}},
    {"no-prune", 0, boolean, "", "", "Keep untagged parents", {}},
    {"platform", 0, list, "list", "", "Only this platform (os/arch)", {}},
};
constexpr Flag save_flags[] = {
    {"output", 'o', text, "string", "", "Write to this file instead of stdout", {}},
    {"platform", 0, list, "list", "", "Only this platform (os/arch)", {}},
};
constexpr Flag bootstrap_flags[] = {
    {"quiet", 'q', boolean, "", "", "No progress, only the image's id", {}},
    {"tag", 't', text, "string", "", "Name of the image (default: NAME:TAG as given)", {}},
};
constexpr Flag pull_flags[] = {
    {"all-tags", 'a', boolean, "", "", "All tags of the repository", {}},
    {"disable-content-trust", 0, boolean, "", "true", "", {}},
    {"platform", 0, text, "string", "", "Platform of the image (os/arch)", {}},
    {"quiet", 'q', boolean, "", "", "No progress, only the name", {}},
};
constexpr Flag push_flags[] = {
    {"all-tags", 'a', boolean, "", "", "All tags of the repository", {}},
    {"disable-content-trust", 0, boolean, "", "true", "", {}},
    {"platform", 0, text, "string", "", "Only the image of this platform (os/arch)", {}},
    {"quiet", 'q', boolean, "", "", "No progress, only the name", {}},
};
constexpr Flag builder_prune_flags[] = {
    {"all", 'a', boolean, "", "", "Everything, also what images still use", {}},
    {"filter", 0, list, "filter", "", "Only those that fit (until=24h)", {}},
    {"force", 'f', boolean, "", "", "Don't ask", {}},
    {"keep-storage", 0, bytes, "bytes", "0", "The same as --reserved-space", {}},
    {"max-used-space", 0, bytes, "bytes", "0", "At most so many bytes stay", {}},
    {"min-free-space", 0, bytes, "bytes", "0", "So many bytes of the disk are to be free", {}},
    {"reserved-space", 0, bytes, "bytes", "0", "Keep so many bytes", {}},
};
constexpr Flag search_flags[] = {
    {"filter", 'f', list, "filter", "", "Only those that fit (is-official=true, stars=3)", {}},
    {"format", 0, text, "string", "", "How to print it: a Go template", {}},
    {"limit", 0, integer, "int", "0", "At most so many", {}},
    {"no-trunc", 0, boolean, "", "", "Nothing cut short", {}},
};
constexpr Flag login_flags[] = {
    {"password", 'p', text, "string", "", "Password or access token, - to read it from stdin", {}},
    {"password-stdin", 0, boolean, "", "", "Read the password from stdin", {}},
    {"username", 'u', text, "string", "", "User", {}},
};

} // namespace
} // namespace rows

std::vector<Command> image_commands() {
    using namespace rows;
    return {
        command("image bootstrap", "", "", {"NAME[:TAG]", 1, 1},
                "Make a base image from this machine's own package sources (debian:SUITE, ubuntu:SUITE, busybox)",
                {bootstrap_flags, {}}, bootstrap_image),
        command("image history", "history", "", {"IMAGE", 1, 1}, "Show how an image was made", {history_flags, {}},
                show_history),
        command("image diff", "", "", {"IMAGE IMAGE", 2, 2}, "Show which files two images have different",
                {image_diff_flags, {}}, diff_images),
        command("image tree", "", "", {"IMAGE", 1, 1}, "Show which instruction made which layer, and its biggest files",
                {image_tree_flags, {}}, show_image_tree),
        command("image import", "import", "", {"file|URL|- [REPOSITORY[:TAG]]", 1, 2},
                "Make an image from a tar archive of a file system", {import_flags, {}}, import_image),
        command("image inspect", "", "", images, "Show all there is to know about images", {inspect_image_flags, {}},
                inspect_images),
        command("image build", "build", "", {"PATH | URL | -", 1, 1}, "Build an image from a Dockerfile",
                {build_flags, {}}, build_image),
        command("image load", "load", "", none, "Load images that were saved", {load_flags, {}}, load_images),
        command("image ls", "images", "list", {"[REPOSITORY[:TAG]]", 0, 1}, "List images", {images_flags, {}},
                list_images),
        command("image prune", "", "", none, "Remove images that nothing uses", {image_prune_flags, {}}, prune_images),
        command("image rm", "rmi", "remove", images, "Remove images", {rmi_flags, {}}, remove_images),
        command("image save", "save", "", images, "Save images to a tar archive", {save_flags, {}}, save_images),
        command("image tag", "tag", "", {"SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", 2, 2}, "Give an image another name",
                {}, tag_image),
        command("image pull", "pull", "", {"NAME[:TAG|@DIGEST]", 1, 1}, "Get an image from a registry",
                {pull_flags, {}}, pull_images),
        command("image push", "push", "", {"NAME[:TAG]", 1, 1}, "Send an image to a registry", {push_flags, {}},
                push_images),
        command("builder build", "", "", {"PATH | URL | -", 1, 1}, "Build an image from a Dockerfile",
                {build_flags, {}}, build_image),
        command("builder export-mount", "", "", {"ID", 1, 1}, "Write what a cache mount of RUN holds as a tar archive",
                {export_mount_flags, {}}, export_build_mount),
        command("builder import-mount", "", "", {"ID [file|-]", 1, 2}, "Fill a cache mount of RUN from a tar archive",
                {}, import_build_mount),
        command("builder prune", "", "", none, "Remove the build cache", {builder_prune_flags, {}}, prune_build_cache),
        command("login", "login", "", {"[SERVER]", 0, 1}, "Log in to a registry", {login_flags, {}}, log_in),
        command("logout", "logout", "", {"[SERVER]", 0, 1}, "Forget the credentials for a registry", {}, log_out),
        command("search", "search", "", {"TERM", 1, 1}, "Search a registry for images", {search_flags, {}},
                search_images),
    };
}

} // namespace hull::cli
