#include "registry/session.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>

#include "codec/compress/sha256.h"
#include "codec/json.h"

namespace hull::registry {

namespace {

constexpr int longest_wait_s = 60;
constexpr size_t max_tags = 100'000, max_pages = 1000;
constexpr std::string_view manifest_types =
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws, application/json, */*";

Result<void> wait_ms(int64_t ms, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock held(mutex);
    changed.wait_for(held, stop, std::chrono::milliseconds(ms), [] { return false; });
    if (stop.stop_requested()) return Error(ErrorKind::cancelled, "context canceled");
    return {};
}

model::Digest digest_of_text(std::string_view text) { return model::Digest::from_sha256_hex(sha256_hex(text)); }

bool accepted(int status) { return status >= 200 && status < 300; }

std::string with_digest(const std::string& location, const model::Digest& digest) {
    return location + (location.find('?') == std::string::npos ? "?" : "&") + "digest=sha256%3A" + digest.hex();
}

} // namespace

Session::Session(std::shared_ptr<Client> client, model::Reference name, const Credentials& credentials, Use use)
    : client_(std::move(client)), name_(std::move(name)) {
    scopes_ = {"repository:" + name_.path + (use == Use::push ? ":pull,push" : ":pull")};
    for (Endpoint& endpoint : endpoints_of(client_->config(), name_.domain, use)) {
        // A mirror is another party: what was meant for the registry stays from it.
        Credentials own = endpoint.mirror ? endpoint.credentials : credentials;
        peers_.emplace_back(client_->transport(), std::move(endpoint), own);
    }
}

std::string Session::url_of(const Peer& peer, const std::string& rest) const {
    return peer.endpoint.url + "/v2/" + name_.path + "/" + rest;
}

Session::Peer& Session::peer_of(const std::string& url) {
    for (Peer& peer : peers_)
        if (origin_of(peer.endpoint.url) == origin_of(url)) return peer;
    for (Peer& peer : peers_)
        if (!peer.dead) return peer;
    return peers_.back();
}

Result<Answer> Session::ask_once(Peer& peer, const Request& request, const Scopes& scopes,
                                 const std::stop_token& stop) {
    const bool ours = origin_of(request.url) == origin_of(peer.endpoint.url);
    for (bool first = true;; first = false) {
        Request now = request;
        now.verified = peer.endpoint.verified;
        std::string authorization;
        if (ours) authorization = TRY(peer.authorizer.header(scopes, stop));
        if (!authorization.empty()) now.headers.add("Authorization", authorization);
        Answer answer = TRY(client_->transport().perform(std::move(now), stop));
        if (answer.status != 401 || !ours || !first) return answer;
        bool again = TRY(peer.authorizer.meet(answer, authorization, scopes, stop));
        if (!again) return answer;
        // A stream can't be sent twice: the caller begins anew.
        if (request.upload) return Error(ErrorKind::unavailable, "the registry's token ran out").with_code(401);
    }
}

Result<Answer> Session::ask(Peer& peer, Request request, const Scopes& scopes, Again again,
                            const std::stop_token& stop) {
    for (int attempt = 1;; ++attempt) {
        auto answer = ask_once(peer, request, scopes, stop);
        const bool last = attempt >= client_->config().attempts || again == Again::no || request.upload;
        if (!answer.ok()) {
            const Error& error = answer.error();
            // What came of a blob is whoever asked's to go on from.
            if (last || request.sink || error.kind() != ErrorKind::unavailable || connect_failed(error)) return answer;
            TRY(wait_ms(100L << attempt, stop));
            continue;
        }
        if (!is_temporary(answer->status) || last) return answer;
        const bool told = !answer->headers.get("Retry-After").empty();
        TRY(wait_ms(told ? 1000L * retry_after(*answer, 1, longest_wait_s) : 100L << attempt, stop));
    }
}

Result<Answer> Session::ask_all(const std::string& rest, const Request& request, const std::stop_token& stop) {
    std::optional<Error> failed;
    for (Peer& peer : peers_) {
        if (peer.dead && &peer != &peers_.back()) continue;
        Request own = request;
        own.url = url_of(peer, rest);
        // Nobody waits for a mirror to recover.
        auto answer = ask(peer, std::move(own), scopes_, peer.endpoint.mirror ? Again::no : Again::yes, stop);
        if (answer.ok()) {
            if (!peer.endpoint.mirror || accepted(answer->status)) return answer;
            continue;
        }
        if (answer.error().kind() == ErrorKind::cancelled) return answer;
        const bool reached = !connect_failed(answer.error());
        if (!reached) peer.dead = true;
        if (reached && !peer.endpoint.mirror) return answer;
        failed = std::move(answer).error();
    }
    if (!failed) return Error(ErrorKind::internal, "no endpoint for " + name_.domain);
    return std::move(*failed);
}

Error Session::not_there(const Failure& failure, const std::string& target) const {
    model::Reference wanted = name_;
    wanted.tag.clear();
    wanted.digest.reset();
    if (auto digest = model::Digest::parse(target); digest.ok())
        wanted.digest = std::move(digest).value();
    else
        wanted.tag = target;
    if (failure.code == "MANIFEST_UNKNOWN")
        return {ErrorKind::not_found, "manifest for " + wanted.familiar() + " not found: " + failure.message};
    if (failure.code == "NAME_UNKNOWN")
        return {ErrorKind::not_found, "repository " + wanted.familiar_name() + " not found: " + failure.message};
    if (failure.status == 404 && failure.code.empty())
        return {ErrorKind::not_found,
                "manifest for " + wanted.familiar() + " not found: manifest unknown: manifest unknown"};
    return error_of(failure);
}

Result<Document> Session::manifest(const std::string& target, const std::stop_token& stop) {
    Request request;
    request.headers.add("Accept", std::string(manifest_types));
    Answer answer = TRY(ask_all("manifests/" + target, request, stop));
    if (!accepted(answer.status)) return not_there(failure_of(answer), target);
    Document document;
    document.digest = digest_of_text(answer.body);
    document.media_type = std::string(answer.headers.get("Content-Type"));
    document.media_type = document.media_type.substr(0, document.media_type.find(';'));
    document.text = std::move(answer.body);
    if (target.find(':') != target.npos && document.digest.str() != target)
        return Error(ErrorKind::corrupt, "manifest verification failed for digest " + target);
    return document;
}

Result<Document> Session::manifest_head(const std::string& target, int64_t& size, const std::stop_token& stop) {
    Request request;
    request.method = "HEAD";
    request.headers.add("Accept", std::string(manifest_types));
    Answer answer = TRY(ask_all("manifests/" + target, request, stop));
    auto digest = model::Digest::parse(answer.headers.get("Docker-Content-Digest"));
    if (!accepted(answer.status) || !digest.ok()) { // HEAD gives no reasons
        Document document = TRY(manifest(target, stop));
        size = static_cast<int64_t>(document.text.size());
        document.text.clear();
        return document;
    }
    size = std::atoll(std::string(answer.headers.get("Content-Length")).c_str());
    return Document{{}, std::string(answer.headers.get("Content-Type")), *digest};
}

Result<std::vector<std::string>> Session::tags(const std::stop_token& stop) {
    std::vector<std::string> all;
    std::string rest = "tags/list";
    for (size_t page = 0; page < max_pages; ++page) {
        Answer answer = TRY(ask_all(rest, {}, stop));
        if (!accepted(answer.status)) return not_there(failure_of(answer), name_.tag);
        auto value = json::parse(answer.body, {.max_depth = 16, .max_bytes = size_t{4} << 20});
        if (!value.ok() || !value->is_object()) return invalid("the registry's list of tags is not JSON");
        const json::Value* list = value->get_object().if_contains("tags");
        if (list && list->is_array())
            for (const json::Value& tag : list->get_array()) {
                if (!tag.is_string()) return invalid("the registry's list of tags holds something else");
                all.emplace_back(tag.get_string());
            }
        if (all.size() > max_tags) return Error(ErrorKind::too_large, "the repository has too many tags");
        // Link: </v2/<name>/tags/list?last=x&n=100>; rel="next"
        std::string_view link = answer.headers.get("Link");
        size_t begin = link.find('<'), end = link.find('>'), query = link.find('?');
        if (link.find("rel=\"next\"") == link.npos || begin == link.npos || query == link.npos || query > end)
            return all;
        rest = "tags/list" + std::string(link.substr(query, end - query));
    }
    return all;
}

Result<void> Session::blob(const model::Digest& digest, uint64_t from, uint64_t to,
                           const std::function<Result<ByteSink*>(Served)>& open, const std::stop_token& stop) {
    Request request;
    if (from || to)
        request.headers.add("Range", "bytes=" + std::to_string(from) + "-" + (to ? std::to_string(to - 1) : ""));
    request.headers.add("Accept-Encoding", "identity");
    request.sink = [&](const Answer& head) -> Result<ByteSink*> {
        if (head.status != 206) return open(Served{0, false});
        const std::string wanted = "bytes " + std::to_string(from) + "-";
        if (!head.headers.get("Content-Range").starts_with(wanted))
            return invalid("the registry sends another part of blob " + digest.str() + " than it was asked for");
        return open(Served{from, true});
    };
    Answer answer = TRY(ask_all("blobs/" + digest.str(), request, stop));
    if (accepted(answer.status)) return {};
    if (answer.status == 404) return Error(ErrorKind::not_found, failure_of(answer).message);
    return error_of(failure_of(answer));
}

Result<std::string> Session::small_blob(const model::Descriptor& descriptor, const std::stop_token& stop) {
    TextSink sink;
    Request request;
    Answer answer = TRY(ask_all("blobs/" + descriptor.digest.str(), request, stop));
    if (!accepted(answer.status)) return error_of(failure_of(answer));
    if (digest_of_text(answer.body) != descriptor.digest)
        return Error(ErrorKind::corrupt, "image config verification failed for digest " + descriptor.digest.str());
    if (static_cast<int64_t>(answer.body.size()) != descriptor.size)
        return Error(ErrorKind::corrupt,
                     "blob " + descriptor.digest.str() + " is of another size than its manifest says");
    return std::move(answer.body);
}

Result<bool> Session::has_blob(const model::Digest& digest, const std::stop_token& stop) {
    Request request;
    request.method = "HEAD";
    Answer answer = TRY(ask_all("blobs/" + digest.str(), request, stop));
    if (answer.status == 404) return false;
    if (!accepted(answer.status)) return error_of(failure_of(answer));
    return true;
}

Result<std::string> Session::begin_upload(const model::Digest& digest, const std::string& mount_from,
                                          const std::stop_token& stop) {
    Request request;
    request.method = "POST";
    std::string rest = "blobs/uploads/";
    Scopes scopes = scopes_;
    if (!mount_from.empty()) {
        rest += "?mount=sha256%3A" + digest.hex() + "&from=" + mount_from;
        scopes.push_back("repository:" + mount_from + ":pull");
    }
    std::optional<Error> failed;
    for (Peer& peer : peers_) {
        if (peer.dead && &peer != &peers_.back()) continue;
        Request own = request;
        own.url = url_of(peer, rest);
        auto answer = ask(peer, std::move(own), scopes, Again::yes, stop);
        if (!answer.ok()) {
            if (!connect_failed(answer.error())) return std::move(answer).error();
            peer.dead = true;
            failed = std::move(answer).error();
            continue;
        }
        if (answer->status == 201 && !mount_from.empty()) return std::string();
        if (!accepted(answer->status)) return error_of(failure_of(*answer));
        std::string location = absolute_url(answer->url, std::string(answer->headers.get("Location")));
        if (location.empty()) return invalid("the registry doesn't say where to upload to");
        // Registries behind a proxy that ends TLS don't know that they have it.
        if (answer->url.starts_with("https://") && location.starts_with("http://")) location.replace(0, 7, "https://");
        return location;
    }
    return std::move(*failed);
}

// Of an upload: what may be tried again is told from what may not.
Result<void> Session::check_upload(const Answer& answer) const {
    if (accepted(answer.status)) return {};
    Failure failure = failure_of(answer);
    if (is_temporary(answer.status)) return Error(ErrorKind::unavailable, failure.message).with_code(answer.status);
    return error_of(failure);
}

Result<void> Session::upload(const std::string& location, const model::Digest& digest, uint64_t size,
                             ByteSource& source, const std::stop_token& stop) {
    Request request;
    request.method = "PUT";
    request.url = with_digest(location, digest);
    request.headers.add("Content-Type", "application/octet-stream");
    request.upload = &source;
    request.upload_size = size;
    Answer answer = TRY(ask(peer_of(location), std::move(request), scopes_, Again::no, stop));
    return check_upload(answer);
}

Result<void> Session::upload_chunks(const std::string& location, ByteSource& source,
                                    const std::function<Result<model::Digest>()>& finish, const std::stop_token& stop) {
    Request request;
    request.method = "PATCH";
    request.url = location;
    request.headers.add("Content-Type", "application/octet-stream");
    request.upload = &source;
    Answer answer = TRY(ask(peer_of(location), std::move(request), scopes_, Again::no, stop));
    TRY(check_upload(answer));
    std::string next = absolute_url(location, std::string(answer.headers.get("Location")));
    if (next.empty()) next = location;
    if (location.starts_with("https://") && next.starts_with("http://")) next.replace(0, 7, "https://");
    Request last;
    last.method = "PUT";
    model::Digest digest = TRY(finish());
    last.url = with_digest(next, digest);
    Answer done = TRY(ask(peer_of(location), std::move(last), scopes_, Again::no, stop));
    return check_upload(done);
}

Result<model::Digest> Session::put_manifest(const std::string& target, std::string text, const std::string& media_type,
                                            const std::stop_token& stop) {
    Request request;
    request.method = "PUT";
    request.headers.add("Content-Type", media_type);
    model::Digest digest = digest_of_text(text);
    request.body = std::move(text);
    Answer answer = TRY(ask_all("manifests/" + target, request, stop));
    if (!accepted(answer.status)) return error_of(failure_of(answer));
    return digest;
}

Result<std::string> Session::log_in(const std::stop_token& stop) {
    std::optional<Error> failed;
    for (Peer& peer : peers_) {
        peer.authorizer.want_refresh_token();
        Request request;
        request.url = peer.endpoint.url + "/v2/";
        auto answer = ask(peer, std::move(request), {}, Again::no, stop);
        if (!answer.ok()) {
            if (!connect_failed(answer.error())) return std::move(answer).error();
            failed = std::move(answer).error();
            continue;
        }
        if (answer->status == 401 || answer->status == 403) {
            Failure failure = failure_of(*answer);
            return Error(ErrorKind::forbidden, "login attempt to " + peer.endpoint.url +
                                                   "/v2/ failed with status: " + std::to_string(answer->status) + " " +
                                                   std::string(http::reason_of(answer->status)))
                .with_code(401);
        }
        if (!accepted(answer->status)) return error_of(failure_of(*answer));
        return peer.authorizer.refresh_token();
    }
    return std::move(*failed);
}

} // namespace hull::registry
