// A conversation with a registry about one repository, for one pull or push.
//
// Endpoints are asked in order: mirrors, HTTPS, plain HTTP where allowed; one
// that can't be connected to isn't asked again. Temporary refusals (429, 5xx) and
// connections that break before an answer are tried again after a while.
//
// Errors of all calls: not_found, worded for an image's name as Docker does;
// forbidden with code() 401 or 403; unavailable (see transport.h); cancelled;
// invalid_argument for answers that make no sense; system for other refusals.
// Thread-safe: several blobs travel at the same time. Each call blocks.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "codec/stream.h"
#include "model/image.h"
#include "registry/authorizer.h"
#include "registry/failure.h"

namespace hull::registry {

// What sessions share: settings and connections. Thread-safe.
class Client {
public:
    explicit Client(Config config) : config_(std::move(config)), transport_(config_) {}
    const Config& config() const { return config_; }
    Transport& transport() { return transport_; }

private:
    Config config_;
    Transport transport_;
};

struct Document { // a manifest or an index, as it came
    std::string text, media_type;
    model::Digest digest;
};

class Session {
public:
    // name: its domain and path count.
    Session(std::shared_ptr<Client> client, model::Reference name, const Credentials& credentials, Use use);

    const model::Reference& name() const { return name_; }

    // target: a tag or a digest; a digest is verified. At most 4 MiB.
    Result<Document> manifest(const std::string& target, const std::stop_token& stop);
    // Only what the headers say: no text. For HEAD requests.
    Result<Document> manifest_head(const std::string& target, int64_t& size, const std::stop_token& stop);
    Result<std::vector<std::string>> tags(const std::stop_token& stop);

    struct Served {
        uint64_t from = 0; // 0 although more was asked for: the server knows no ranges
        bool ranged = false;
    };
    // Bytes [from, to) of a blob, to = 0: to its end. open gives the sink once the
    // server answers; it is called again when another try or endpoint begins.
    Result<void> blob(const model::Digest& digest, uint64_t from, uint64_t to,
                      const std::function<Result<ByteSink*>(Served)>& open, const std::stop_token& stop);
    // A small one, whole and verified.
    Result<std::string> small_blob(const model::Descriptor& descriptor, const std::stop_token& stop);

    Result<bool> has_blob(const model::Digest& digest, const std::stop_token& stop);
    // Where to send a blob to; empty location: it was mounted from the repository
    // given (of the same registry, may be empty).
    Result<std::string> begin_upload(const model::Digest& digest, const std::string& mount_from,
                                     const std::stop_token& stop);
    // The whole blob, of known size and digest, in one request.
    Result<void> upload(const std::string& location, const model::Digest& digest, uint64_t size, ByteSource& source,
                        const std::stop_token& stop);
    // Of unknown size: chunks first, then the digest that finish() tells.
    Result<void> upload_chunks(const std::string& location, ByteSource& source,
                               const std::function<Result<model::Digest>()>& finish, const std::stop_token& stop);
    Result<model::Digest> put_manifest(const std::string& target, std::string text, const std::string& media_type,
                                       const std::stop_token& stop);

    // What GET /v2/ says to our credentials; a refresh token, if there is one.
    Result<std::string> log_in(const std::stop_token& stop);

private:
    struct Peer { // an endpoint and what we know of it
        Peer(Transport& transport, Endpoint where, const Credentials& credentials)
            : endpoint(std::move(where)), authorizer(transport, endpoint, credentials) {}
        Endpoint endpoint;
        Authorizer authorizer;
        std::atomic<bool> dead = false;
    };
    enum class Again : bool { no, yes }; // after temporary refusals

    std::string url_of(const Peer& peer, const std::string& rest) const;
    Result<Answer> ask(Peer& peer, Request request, const Scopes& scopes, Again again, const std::stop_token& stop);
    Result<Answer> ask_once(Peer& peer, const Request& request, const Scopes& scopes, const std::stop_token& stop);
    // Of the first endpoint that has an answer; rest: behind /v2/<path>/.
    Result<Answer> ask_all(const std::string& rest, const Request& request, const std::stop_token& stop);
    Peer& peer_of(const std::string& url); // for an upload's location
    Result<void> check_upload(const Answer& answer) const;
    Error not_there(const Failure& failure, const std::string& target) const;

    std::shared_ptr<Client> client_;
    model::Reference name_;
    Scopes scopes_;
    std::deque<Peer> peers_;
};

} // namespace hull::registry
