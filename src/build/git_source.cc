#include "build/git_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include <fcntl.h>

#include "base/log.h"
#include "base/random.h"
#include "build/step_secrets.h"
#include "codec/base64.h"
#include "store/produced_source.h"
#include "store/tree_packer.h"
#include "sys/file.h"
#include "sys/resolve.h"
#include "sys/run_program.h"
#include "sys/tree.h"

namespace hull::build {

namespace {

constexpr size_t most_output = size_t{16} << 20;

bool is_commit(const std::string& ref) {
    return ref.size() >= 7 && ref.size() <= 64 &&
           std::ranges::all_of(ref, [](unsigned char c) { return std::isxdigit(c); });
}

// Of an address as ssh, http and git have it.
std::string host_of(const std::string& remote) {
    size_t begin = remote.find("://");
    begin = begin == remote.npos ? 0 : begin + 3;
    size_t end = std::min(remote.find_first_of(":/", begin), remote.size());
    size_t user = remote.rfind('@', end);
    if (user != remote.npos && user >= begin) begin = user + 1;
    return remote.substr(begin, end - begin);
}

// git's last words.
std::string last_lines(const std::string& text) {
    constexpr size_t most = 600;
    std::string_view shown = text;
    while (shown.ends_with('\n')) shown.remove_suffix(1);
    if (shown.size() > most) shown.remove_prefix(shown.size() - most);
    return std::string(shown);
}

// One repository in a folder of its own.
class Checkout {
public:
    Checkout(const GitFetch& fetch, const std::string& folder, const std::stop_token& stop)
        : fetch_(fetch), path_(folder + "/" + random_hex(16)), stop_(stop), secrets_(path_ + "/agent", fetch.client) {}
    ~Checkout() {
        if (auto gone = sys::remove_tree(path_); !gone.ok()) log::error("remove a git checkout", gone.error());
    }
    Checkout(const Checkout&) = delete;
    Checkout& operator=(const Checkout&) = delete;

    Result<std::shared_ptr<Context>> run(const std::string& spool_folder);

private:
    Result<void> prepare();
    Result<std::string> credentials();
    Result<std::string> git(std::vector<std::string> args);
    Result<void> take_commit();
    Result<void> write_tar(BorrowedFd tree, ByteSink& sink) const;
    std::string work() const { return path_ + "/work"; }

    const GitFetch& fetch_;
    std::string path_;
    std::stop_token stop_;
    StepSecrets secrets_;
    std::vector<std::string> environment_;
};

// Of the client, for http: a line of the configuration, which only root can read.
Result<std::string> Checkout::credentials() {
    if (!fetch_.client || !is_web_address(fetch_.from.remote)) return std::string();
    const std::string host = host_of(fetch_.from.remote);
    for (const std::string& suffix : {"." + host, std::string()}) {
        if (auto header = TRY(fetch_.client->secret("GIT_AUTH_HEADER" + suffix)))
            return "[http]\n\textraheader = \"Authorization: " + *header + "\"\n";
        if (auto token = TRY(fetch_.client->secret("GIT_AUTH_TOKEN" + suffix)))
            return "[http]\n\textraheader = Authorization: basic " + base64_encode("x-access-token:" + *token) + "\n";
    }
    return std::string();
}

Result<void> Checkout::prepare() {
    TRY(sys::mkdir(path_, 0700));
    TRY(sys::mkdir(path_ + "/agent", 0700));
    TRY(sys::mkdir(work(), 0755));
    std::string config = "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tsymlinks = true\n"
                         "[protocol \"file\"]\n\tallow = never\n[protocol \"ext\"]\n\tallow = never\n"
                         "[http]\n\tlowSpeedLimit = 100\n\tlowSpeedTime = 60\n"
                         "[gc]\n\tauto = 0\n[advice]\n\tdetachedHead = false\n[init]\n\tdefaultBranch = main\n";
    config += TRY(credentials());
    TRY(sys::replace_file(path_ + "/config", config, 0600));
    environment_ = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + path_, "LC_ALL=C",
                    "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + path_ + "/config", "GIT_TERMINAL_PROMPT=0",
                    "GIT_ASKPASS=/bin/false",
                    // Who it talks to can't be known before; who may read is up to the keys.
                    "GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=accept-new "
                    "-o UserKnownHostsFile=" +
                        path_ + "/known_hosts"};
    for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"})
        if (const char* value = std::getenv(name)) environment_.push_back(std::string(name) + "=" + value);
    if (fetch_.client && TRY(fetch_.client->has_agent("default")))
        environment_.push_back("SSH_AUTH_SOCK=" + TRY(secrets_.agent("default", {0600, 0, 0})));
    return {};
}

// What it says; an error with that when it fails.
Result<std::string> Checkout::git(std::vector<std::string> args) {
    const std::string what = "git " + args.front();
    args.insert(args.begin(), {"git", "-C", work()});
    auto done = sys::run_program("git", args, most_output, {.environment = environment_, .stop = stop_});
    if (!done.ok() && done.error().code() == ENOENT)
        return Error(ErrorKind::unavailable,
                     fetch_.from.remote +
                         " can't be fetched: the program git is not installed on the engine's machine");
    if (!done.ok()) return std::move(done).error();
    if (done->exit_code != 0)
        return Error(ErrorKind::unavailable, what + " of " + fetch_.from.remote + ": " + last_lines(done->output));
    return std::move(done->output);
}

Result<void> Checkout::take_commit() {
    const std::string ref = fetch_.from.ref.empty() ? "HEAD" : fetch_.from.ref;
    TRY(git({"init", "-q"}));
    TRY(git({"remote", "add", "origin", fetch_.from.remote}));
    // One commit alone, where the server can do that. A commit that isn't a ref's may be had with all of them only.
    auto fetched = git({"fetch", "-q", "--depth", "1", "--no-tags", "origin", ref});
    if (!fetched.ok() && fetched.error().kind() != ErrorKind::cancelled)
        fetched = git({"fetch", "-q", "--no-tags", "origin", ref});
    std::string found = "FETCH_HEAD";
    if (!fetched.ok() && is_commit(ref) && fetched.error().kind() != ErrorKind::cancelled) {
        fetched = git({"fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"});
        found = ref;
    }
    if (!fetched.ok() && fetched.error().message().find("couldn't find remote ref") != std::string::npos)
        return Error(ErrorKind::not_found, "repository " + fetch_.from.remote + " does not contain ref " + ref);
    if (!fetched.ok()) return std::move(fetched).error();
    TRY(git({"checkout", "-q", found, "--"}));
    if (!fetch_.commit.empty()) {
        std::string commit = TRY(git({"rev-parse", "HEAD"}));
        if (!commit.starts_with(fetch_.commit))
            return invalid("expected checksum to match " + fetch_.commit + ", got " +
                           commit.substr(0, commit.find('\n')));
    }
    if (sys::exists(work() + "/.gitmodules"))
        TRY(git({"submodule", "update", "-q", "--init", "--recursive", "--depth=1"}));
    return {};
}

Result<void> Checkout::write_tar(BorrowedFd tree, ByteSink& sink) const {
    store::TreePacker packer(sink);
    for (const std::string& name : TRY(sys::names_in(tree))) {
        if (name == ".git" && !fetch_.keep_git) continue;
        TRY(store::pack_tree(packer, tree, name, name));
    }
    return packer.finish();
}

Result<std::shared_ptr<Context>> Checkout::run(const std::string& spool_folder) {
    TRY(prepare());
    TRY(take_commit());
    std::string date = TRY(git({"log", "-1", "--format=%ct"}));
    int64_t seconds = 0;
    std::from_chars(date.data(), date.data() + date.size(), seconds);
    UniqueFd root = TRY(sys::open(work(), O_PATH | O_DIRECTORY));
    const std::string inner = fetch_.from.folder.empty() ? "." : fetch_.from.folder;
    auto opened = sys::open_beneath(root, inner, O_RDONLY | O_DIRECTORY, sys::Links::in_root);
    if (!opened.ok())
        return Error(ErrorKind::not_found, "repository " + fetch_.from.remote + " has no folder " + fetch_.from.folder);
    store::ProducedSource tar([&](ByteSink& sink) { return write_tar(*opened, sink); });
    std::shared_ptr<Context> files = TRY(Context::from_tar(tar, spool_folder));
    files->date(seconds);
    return files;
}

} // namespace

bool is_git_address(const std::string& text) {
    if (text.starts_with("git@") || text.starts_with("git://") || text.starts_with("ssh://") ||
        text.starts_with("github.com/"))
        return true;
    std::string_view plain(text);
    plain = plain.substr(0, plain.find_first_of("?#"));
    return is_web_address(text) && plain.ends_with(".git");
}

Result<GitAddress> parse_git_address(const std::string& text) {
    GitAddress address;
    std::string_view rest(text);
    if (size_t hash = rest.find('#'); hash != rest.npos) {
        std::string_view fragment = rest.substr(hash + 1);
        rest = rest.substr(0, hash);
        size_t colon = fragment.find(':');
        address.ref = fragment.substr(0, colon);
        if (colon != fragment.npos) address.folder = fragment.substr(colon + 1);
    }
    if (size_t query = rest.find('?'); query != rest.npos) {
        std::string_view pairs = rest.substr(query + 1);
        rest = rest.substr(0, query);
        while (!pairs.empty()) {
            std::string_view pair = pairs.substr(0, pairs.find('&'));
            pairs.remove_prefix(std::min(pair.size() + 1, pairs.size()));
            size_t equals = std::min(pair.find('='), pair.size());
            std::string_view name = pair.substr(0, equals);
            const std::string value(pair.substr(std::min(equals + 1, pair.size())));
            if (name == "ref" || name == "tag" || name == "branch" || name == "commit")
                address.ref = value;
            else if (name == "subdir")
                address.folder = value;
            else
                return invalid("unexpected query " + std::string(name) + " of the git address " + text);
        }
    }
    address.remote = rest.starts_with("github.com/") ? "https://" + std::string(rest) : std::string(rest);
    bool odd = std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7f; });
    if (odd || address.ref.starts_with('-') || address.ref.find_first_of(":^~*[\\") != std::string::npos)
        return invalid("invalid git address: " + text);
    return address;
}

Result<std::shared_ptr<Context>> fetch_git(const GitFetch& fetch, const std::string& folder,
                                           const std::stop_token& stop) {
    return Checkout(fetch, folder, stop).run(folder);
}

} // namespace hull::build
