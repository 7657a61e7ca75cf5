#include "build/session/receive_files.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <fcntl.h>

#include "build/session/send_files.h"
#include "build/wire/file_packets.h"
#include "sys/file.h"
#include "sys/socket.h"

namespace hull::build {

namespace {

using wire::FilePacket;

class ReceiveFiles : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "/hull-files-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        root_ = name;
        std::filesystem::create_directories(root_ + "/from/sub");
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    void write(const std::string& path, const std::string& text) { std::ofstream(root_ + "/from/" + path) << text; }

    void serve(rpc::CallHandler handler) {
        auto [a, b] = MUST(sys::socket_pair(sys::SocketType::stream));
        client_ = MUST(rpc::Connection::client(std::move(a), ""));
        server_ = MUST(rpc::Connection::server(std::move(b), "", std::move(handler)));
    }
    // As a client with the folder does it.
    void serve_folder() {
        serve([this](const rpc::CallPtr& call) {
            FolderTree tree(MUST(sys::open(root_ + "/from", O_PATH | O_DIRECTORY)));
            call->finish(answer_files(*call, tree));
        });
    }
    static Result<void> answer_files(rpc::Call& call, const Tree& tree) { return send_files(call, tree, {}); }

    Result<std::shared_ptr<const Context>> receive(std::shared_ptr<const Context> before = nullptr) {
        received_ = 0;
        return receive_files(*client_, {.folder = "context"}, before, root_, [&](uint64_t n) { received_ = n; }, {});
    }
    // A client that says just these, and what becomes of it.
    Error refused(std::vector<FilePacket> packets) {
        serve([packets = std::move(packets)](const rpc::CallPtr& call) {
            for (const FilePacket& packet : packets)
                if (!call->send(print(packet)).ok()) return;
            for (auto message = call->receive(); message.ok() && *message;) message = call->receive();
        });
        auto got = receive();
        EXPECT_FALSE(got.ok());
        return got.ok() ? Error(ErrorKind::internal, "it was taken") : std::move(got).error();
    }
    static FilePacket stat(const std::string& path, Node node = {}) {
        FilePacket packet;
        packet.stat = wire::FileStat{path, std::move(node)};
        return packet;
    }

    std::string root_;
    std::shared_ptr<rpc::Connection> client_, server_;
    uint64_t received_ = 0;
};

TEST_F(ReceiveFiles, a_folder_comes_as_it_is) {
    const std::string big(1'000'000, 'b');
    write("a", "one");
    write("empty", "");
    write("sub/big", big);
    std::filesystem::create_symlink("a", root_ + "/from/link");
    serve_folder();
    auto context = MUST(receive());
    EXPECT_EQ(*context->read("a", 100), "one");
    EXPECT_EQ(*context->read("empty", 100), "");
    EXPECT_EQ(*context->read("sub/big", 10'000'000), big);
    EXPECT_EQ(*context->read("link", 100), "one");
    EXPECT_TRUE((*context->look("sub"))->is_folder());
    EXPECT_EQ(context->known_digest("a"), "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
}

TEST_F(ReceiveFiles, many_files_come) {
    for (int i = 0; i < 1000; ++i) write("sub/" + std::to_string(i), std::to_string(i));
    serve_folder();
    auto context = MUST(receive());
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(*context->read("sub/" + std::to_string(i), 100), std::to_string(i));
}

// As hull's own client does it.
TEST_F(ReceiveFiles, a_client_with_the_same_stats_need_not_send_them) {
    write("a", "one");
    serve_folder();
    auto first = MUST(receive());
    ASSERT_FALSE(first->stats_digest().empty());
    auto again = MUST(receive());
    EXPECT_EQ(again->stats_digest(), first->stats_digest());
    std::string told;
    serve([&](const rpc::CallPtr& call) {
        told = call->metadata(wire::known_stats);
        (void)call->send(print(FilePacket{.type = FilePacket::Type::same}));
        (void)call->receive();
        call->finish(call->send(print(FilePacket{.type = FilePacket::Type::finish})));
    });
    auto same = MUST(receive(first));
    EXPECT_EQ(told, first->stats_digest());
    EXPECT_EQ(same, first);
}

TEST_F(ReceiveFiles, the_same_as_nothing_is_refused) {
    EXPECT_EQ(refused({{.type = FilePacket::Type::same}}).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused({stat("a"), {.type = FilePacket::Type::same}}).kind(), ErrorKind::invalid_argument);
}

TEST_F(ReceiveFiles, what_did_not_change_is_not_sent_again) {
    write("big", std::string(1'000'000, 'b'));
    write("small", "1");
    serve_folder();
    auto first = MUST(receive());
    EXPECT_GT(received_, 1'000'000u);
    write("small", "22");
    auto second = MUST(receive(first));
    EXPECT_LT(received_, 1000u);
    EXPECT_EQ(*second->read("small", 10), "22");
    EXPECT_EQ(second->read("big", 10'000'000)->size(), 1'000'000u);
    // The first is as it was.
    EXPECT_EQ(*first->read("small", 10), "1");
}

TEST_F(ReceiveFiles, names_that_lead_elsewhere_are_refused) {
    for (const char* path : {"../x", "/x", "a/../../x", "a//b", ".", ""})
        EXPECT_EQ(refused({stat(path)}).kind(), ErrorKind::invalid_argument) << path;
}

TEST_F(ReceiveFiles, what_breaks_the_protocol_is_refused) {
    FilePacket data{.type = FilePacket::Type::data, .id = 5, .data = "x"};
    EXPECT_EQ(refused({data}).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused({FilePacket{}, stat("late")}).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused({FilePacket{.type = FilePacket::Type::request}}).kind(), ErrorKind::invalid_argument);
    Node link;
    link.target = "nowhere";
    Node huge;
    huge.size = uint64_t{1} << 60;
    EXPECT_EQ(refused({stat("huge", huge)}).kind(), ErrorKind::too_large);
    auto error = refused({FilePacket{.type = FilePacket::Type::error, .data = "no such folder"}});
    EXPECT_EQ(error.message(), "error from sender: no such folder");
}

TEST_F(ReceiveFiles, a_file_that_grows_is_cut_and_one_that_shrinks_is_short) {
    serve([](const rpc::CallPtr& call) {
        Node node;
        node.mode = 0644;
        node.size = 4;
        for (const char* name : {"grown", "short"}) {
            FilePacket packet;
            packet.stat = wire::FileStat{name, node};
            ASSERT_TRUE(call->send(print(packet)).ok());
        }
        ASSERT_TRUE(call->send(print(FilePacket{})).ok());
        for (int i = 0; i < 2; ++i) {
            auto asked = MUST(wire::parse_file_packet(*MUST(call->receive())));
            FilePacket data{.type = FilePacket::Type::data, .id = asked.id, .data = asked.id == 0 ? "123456" : "12"};
            ASSERT_TRUE(call->send(print(data)).ok());
            data.data.clear();
            ASSERT_TRUE(call->send(print(data)).ok());
        }
        ASSERT_TRUE(call->receive().ok());
        ASSERT_TRUE(call->send(print(FilePacket{.type = FilePacket::Type::finish})).ok());
        call->finish({});
    });
    auto context = MUST(receive());
    EXPECT_EQ(*context->read("grown", 100), "1234");
    EXPECT_EQ(*context->read("short", 100), "12");
}

} // namespace

} // namespace hull::build
