#include "build/session/session_client.h"

#include <algorithm>
#include <array>
#include <thread>

#include "build/session/receive_files.h"
#include "build/session/send_files.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/protobuf.h"
#include "sys/stream_socket.h"

namespace hull::build {

namespace {

constexpr size_t most_folders = 8;
constexpr uint64_t most_folder_bytes = uint64_t{8} << 30; // of all of them
constexpr size_t most_secret_bytes = 500 << 10;           // as BuildKit

// A message with one bytes or string field.
std::string one_field(std::string_view value) {
    protobuf::Writer out;
    return out.text(1, value).take();
}
Result<std::string> field_of(std::string_view message, unsigned number) {
    protobuf::Reader reader(message);
    protobuf::Field field;
    std::string value;
    while (TRY(reader.next(field)))
        if (field.is_text(number)) value = field.text;
    return value;
}

// Bytes as messages of a call.
class CallSink : public ByteSink {
public:
    explicit CallSink(rpc::CallPtr call) : call_(std::move(call)) {}
    Result<void> write(std::string_view data) override {
        constexpr size_t piece = size_t{32} << 10;
        for (; !data.empty(); data.remove_prefix(std::min(piece, data.size())))
            TRY(call_->send(one_field(data.substr(0, piece))));
        return {};
    }
    Result<void> finish() {
        TRY(call_->end_sending());
        while (TRY(call_->receive())) {}
        return {};
    }

private:
    rpc::CallPtr call_;
};

class SessionClient final : public BuildClient {
public:
    SessionClient(std::shared_ptr<const Session> session, KnownFolders& known, std::string folder)
        : session_(std::move(session)), known_(known), folder_(std::move(folder)) {}

    Result<std::shared_ptr<const Context>> files(const FileRequest& request, const ReceivedBytes& progress,
                                                 const std::stop_token& stop) override {
        std::string key;
        if (request.keep && !session_->shared_key.empty()) key = session_->shared_key + "\n" + request.folder;
        auto before = key.empty() ? nullptr : known_.find(key);
        auto context = TRY(receive_files(*session_->connection, request, before, folder_, progress, stop).context([&] {
            return "read the client's " + request.folder;
        }));
        if (!key.empty()) known_.keep(key, context);
        return context;
    }

    Result<std::optional<std::string>> secret(const std::string& id) override {
        const std::string method = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
        if (!session_->offers(method)) return std::optional<std::string>();
        auto answer = session_->connection->unary(method, one_field(id));
        if (!answer.ok() && answer.error().kind() == ErrorKind::not_found) return std::optional<std::string>();
        std::string text = TRY(std::move(answer).context("secret " + id));
        std::string value = TRY(field_of(text, 1));
        if (value.size() > most_secret_bytes)
            return Error(ErrorKind::too_large, "secret " + id + " is larger than 500 KiB");
        return std::optional(std::move(value));
    }

    Result<bool> has_agent(const std::string& id) override {
        const std::string method = "/moby.sshforward.v1.SSH/CheckAgent";
        if (!session_->offers(method)) return false;
        auto answer = session_->connection->unary(method, one_field(id));
        return answer.ok();
    }

    Result<void> forward_agent(const std::string& id, UniqueFd socket, const std::stop_token& stop) override {
        auto call = TRY(session_->connection->call("/moby.sshforward.v1.SSH/ForwardAgent", {{"buildkit.ssh.id", id}}));
        std::stop_callback on_stop(stop, [&] {
            call->cancel();
            sys::shut_down(socket);
        });
        std::jthread to_agent([&] {
            std::array<char, 32768> buffer; // NOLINT: filled before it is read
            for (;;) {
                auto size = sys::receive(socket, buffer);
                if (!size.ok() || *size == 0) break;
                if (!call->send(one_field({buffer.data(), *size})).ok()) break;
            }
            (void)call->end_sending();
        });
        auto back = [&]() -> Result<void> {
            while (auto message = TRY(call->receive())) {
                std::string bytes = TRY(field_of(*message, 1));
                std::array<std::string_view, 1> parts{bytes};
                TRY(sys::send_all(socket, parts));
            }
            return {};
        };
        auto ended = back();
        sys::shut_down(socket);
        return ended;
    }

    Result<std::string> credentials(const std::string& host) override {
        const std::string method = "/moby.filesync.v1.Auth/Credentials";
        if (!session_->offers(method)) return std::string();
        auto answer = session_->connection->unary(method, one_field(host));
        if (!answer.ok()) return std::string();
        std::string user = TRY(field_of(*answer, 1)), secret = TRY(field_of(*answer, 2));
        if (user.empty() && secret.empty()) return std::string();
        json::Object auth{{"serveraddress", host}};
        if (user.empty()) {
            auth["identitytoken"] = secret;
        } else {
            auth["username"] = user;
            auth["password"] = secret;
        }
        return base64_encode(json::print(auth));
    }

    Result<void> send_files(const Tree& tree, const ReceivedBytes& progress, const std::stop_token& stop) override {
        auto call = TRY(session_->connection->call("/moby.filesync.v1.FileSend/DiffCopy"));
        std::stop_callback on_stop(stop, [&] { call->cancel(); });
        return build::send_files(*call, tree, progress);
    }

    Result<std::unique_ptr<ByteSink>> send_bytes() override {
        auto call = TRY(session_->connection->call("/moby.filesync.v1.FileSend/DiffCopy"));
        return std::unique_ptr<ByteSink>(std::make_unique<CallSink>(std::move(call)));
    }
    Result<void> finish_bytes(ByteSink& sink) override { return static_cast<CallSink&>(sink).finish(); }

private:
    std::shared_ptr<const Session> session_;
    KnownFolders& known_;
    std::string folder_;
};

} // namespace

std::shared_ptr<const Context> KnownFolders::find(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto it = std::ranges::find(folders_, key, [](const auto& entry) { return entry.first; });
    if (it == folders_.end()) return nullptr;
    folders_.splice(folders_.begin(), folders_, it);
    return it->second;
}

void KnownFolders::keep(const std::string& key, std::shared_ptr<const Context> context) {
    std::lock_guard lock(mutex_);
    std::erase_if(folders_, [&](const auto& entry) { return entry.first == key; });
    folders_.emplace_front(key, std::move(context));
    uint64_t bytes = 0;
    for (const auto& entry : folders_) bytes += entry.second->spool_bytes();
    while (folders_.size() > 1 && (folders_.size() > most_folders || bytes > most_folder_bytes)) {
        bytes -= folders_.back().second->spool_bytes();
        folders_.pop_back();
    }
}

void KnownFolders::forget_all() {
    std::lock_guard lock(mutex_);
    folders_.clear();
}

uint64_t KnownFolders::bytes() const {
    std::lock_guard lock(mutex_);
    uint64_t bytes = 0;
    for (const auto& entry : folders_) bytes += entry.second->spool_bytes();
    return bytes;
}

std::unique_ptr<BuildClient> make_session_client(std::shared_ptr<const Session> session, KnownFolders& known,
                                                 std::string folder) {
    return std::make_unique<SessionClient>(std::move(session), known, std::move(folder));
}

} // namespace hull::build
