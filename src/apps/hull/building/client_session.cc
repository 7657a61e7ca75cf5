#include "apps/hull/building/client_session.h"

#include <array>
#include <cstdlib>
#include <thread>

#include <fcntl.h>

#include "apps/hull/building/send_folder.h"
#include "apps/hull/client/credentials.h"
#include "base/random.h"
#include "codec/protobuf.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "sys/stream_socket.h"

namespace hull::cli {

namespace {

constexpr size_t most_secret_bytes = size_t{500} << 10; // as BuildKit
constexpr const char* offered_methods[] = {
    "/grpc.health.v1.Health/Check",       "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.Auth/Credentials", "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent",
};
constexpr const char* method_for_archives = "/moby.filesync.v1.FileSend/DiffCopy";

Result<std::string> whole_request(rpc::Call& call) {
    auto message = TRY(call.receive());
    return message ? std::move(*message) : std::string();
}

Result<std::string> text_field(std::string_view message, unsigned number) {
    protobuf::Reader reader(message);
    protobuf::Field field;
    std::string value;
    while (TRY(reader.next(field)))
        if (field.is_text(number)) value = field.text;
    return value;
}

// The bytes of a call's messages.
class MessageBytes : public ByteSource {
public:
    explicit MessageBytes(rpc::Call& call) : call_(call) {}
    Result<size_t> read(std::span<char> into) override {
        while (used_ == piece_.size()) {
            auto message = TRY(call_.receive());
            if (!message) return size_t{0};
            piece_ = TRY(text_field(*message, 1));
            used_ = 0;
        }
        const size_t n = piece_.copy(into.data(), into.size(), used_);
        used_ += n;
        return n;
    }

private:
    rpc::Call& call_;
    std::string piece_;
    size_t used_ = 0;
};

} // namespace

ClientSession::ClientSession(const ClientOffers& offers) : offers_(offers), id_(random_hex(12)) {}

ClientSession::~ClientSession() {
    if (!connection_) return;
    connection_->close();
    connection_->wait_closed();
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return calls_ == 0; });
}

Result<std::unique_ptr<ClientSession>> ClientSession::open(Engine& engine, const ClientOffers& offers) {
    auto session = std::unique_ptr<ClientSession>(new ClientSession(offers));
    http::Headers headers{{"Connection", "Upgrade"},
                          {"Upgrade", "h2c"},
                          {"X-Docker-Expose-Session-Uuid", session->id_},
                          {"X-Docker-Expose-Session-Name", "hull"},
                          {"X-Docker-Expose-Session-Sharedkey", offers.shared_key}};
    for (const char* method : offered_methods) headers.add("X-Docker-Expose-Session-Grpc-Method", method);
    if (offers.take_archive) headers.add("X-Docker-Expose-Session-Grpc-Method", method_for_archives);
    Exchange exchange = TRY(engine.begin(
        {.method = http::Method::post, .path = "/session", .query = {}, .body = {}, .headers = std::move(headers)}));
    http::ResponseHead head = TRY(exchange.head());
    if (head.status != 101)
        return Error(ErrorKind::unsupported, "the engine has no sessions (it answered " + std::to_string(head.status) +
                                                 "): build with DOCKER_BUILDKIT=0");
    auto stream = exchange.take_stream();
    session->connection_ = TRY(rpc::Connection::server(std::move(stream.socket), std::move(stream.early),
                                                       [own = session.get()](const auto& call) { own->serve(call); }));
    return session;
}

void ClientSession::serve(const rpc::CallPtr& call) {
    {
        std::lock_guard lock(mutex_);
        ++calls_;
    }
    call->finish(route(*call));
    std::lock_guard lock(mutex_);
    --calls_;
    ended_.notify_all();
}

Result<void> ClientSession::route(rpc::Call& call) {
    const std::string& path = call.path();
    if (path == "/moby.filesync.v1.FileSync/DiffCopy") return send_files(call);
    if (path == method_for_archives && offers_.take_archive) return take_archive(call);
    if (path == "/moby.sshforward.v1.SSH/ForwardAgent") return forward(call);
    const std::string request = TRY(whole_request(call));
    if (path == "/grpc.health.v1.Health/Check") {
        protobuf::Writer serving;
        return call.send(serving.number(1, 1).bytes());
    }
    if (path == "/moby.buildkit.secrets.v1.Secrets/GetSecret") return call.send(TRY(secret(request)));
    if (path == "/moby.filesync.v1.Auth/Credentials") return call.send(TRY(credentials(request)));
    if (path == "/moby.sshforward.v1.SSH/CheckAgent") {
        TRY(agent(TRY(text_field(request, 1))));
        return call.send("");
    }
    return Error(ErrorKind::unsupported, "unknown method " + path);
}

Result<void> ClientSession::send_files(rpc::Call& call) {
    const std::string name(call.metadata("dir-name"));
    auto folder = offers_.folders.find(name);
    if (folder == offers_.folders.end())
        return Error(ErrorKind::forbidden, "no access allowed to dir \"" + name + "\"");
    build::FolderTree tree(TRY(sys::open(folder->second, O_PATH | O_DIRECTORY)));
    return send_folder(call, tree);
}

Result<void> ClientSession::take_archive(rpc::Call& call) {
    MessageBytes bytes(call);
    return offers_.take_archive(bytes);
}

Result<std::string> ClientSession::secret(std::string_view request) const {
    const std::string id = TRY(text_field(request, 1));
    for (const BuildSecret& one : offers_.secrets) {
        if (one.id != id) continue;
        std::string value;
        if (!one.environment.empty()) {
            if (const char* known = std::getenv(one.environment.c_str())) value = known;
        } else {
            value = TRY(sys::read_file(one.file, most_secret_bytes).context("read the secret " + id));
        }
        protobuf::Writer out;
        return out.text(1, value).take();
    }
    return Error(ErrorKind::not_found, "secret " + id + " not found");
}

Result<std::string> ClientSession::credentials(std::string_view request) const {
    const std::string host = TRY(text_field(request, 1));
    const std::string key = host == "registry-1.docker.io" ? hub_index : credentials_key(host);
    const RegistryCredentials known = TRY(load_credentials(offers_.config_folder, key));
    protobuf::Writer out;
    if (!known.identity_token.empty())
        out.text(2, known.identity_token);
    else
        out.text(1, known.username).text(2, known.password);
    return out.take();
}

Result<const BuildAgent*> ClientSession::agent(const std::string& id) const {
    for (const BuildAgent& one : offers_.agents)
        if (one.id == (id.empty() ? "default" : id)) return &one;
    return Error(ErrorKind::not_found, "unset ssh forward key " + id);
}

Result<void> ClientSession::forward(rpc::Call& call) const {
    const BuildAgent* known = TRY(agent(std::string(call.metadata("buildkit.ssh.id"))));
    UniqueFd socket = TRY(sys::connect_unix(known->socket, sys::SocketType::stream).context("ssh agent " + known->id));
    std::jthread to_engine([&] {
        std::array<char, 32768> buffer; // NOLINT: filled before it is read
        for (;;) {
            auto size = sys::receive(socket, buffer);
            if (!size.ok() || *size == 0) break;
            protobuf::Writer out;
            if (!call.send(out.text(1, {buffer.data(), *size}).bytes()).ok()) break;
        }
    });
    auto to_agent = [&]() -> Result<void> {
        while (auto message = TRY(call.receive())) {
            const std::string bytes = TRY(text_field(*message, 1));
            std::array<std::string_view, 1> parts{bytes};
            TRY(sys::send_all(socket, parts));
        }
        return {};
    };
    auto ended = to_agent();
    sys::shut_down(socket);
    return ended;
}

} // namespace hull::cli
