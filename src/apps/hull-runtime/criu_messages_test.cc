#include "apps/hull-runtime/criu_messages.h"

#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "apps/hull-runtime/protobuf.h"

namespace hull::oci_runtime {
namespace {

using namespace std::string_literals;

TEST(Protobuf, HasTheDocumentedBytes) {
    // The examples of the format's own documentation.
    EXPECT_EQ(ProtoWriter().number(1, 150).bytes(), "\x08\x96\x01"s);
    EXPECT_EQ(ProtoWriter().text(2, "testing").bytes(), "\x12\x07testing"s);
    ProtoWriter inner;
    inner.number(1, 150);
    EXPECT_EQ(ProtoWriter().message(3, inner).bytes(), "\x1a\x03\x08\x96\x01"s);
    EXPECT_EQ(ProtoWriter().number(2, -1).bytes(), "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s);
}

RC_GTEST_PROP(Protobuf, ReadsWhatItWrote, (uint32_t any, int64_t number, const std::string& text)) {
    uint32_t field = any % 1000 + 1;
    ProtoWriter writer;
    writer.number(field, number).text(field + 1, text);
    ProtoReader reader(writer.bytes());
    auto first = reader.next();
    auto second = reader.next();
    RC_ASSERT(first && second && !reader.next() && reader.complete());
    RC_ASSERT(first->number == field && first->value == number);
    RC_ASSERT(second->number == field + 1 && second->text == text);
}

RC_GTEST_PROP(Protobuf, AnyBytesAreReadOrRefused, (const std::string& bytes)) {
    ProtoReader reader(bytes);
    while (reader.next()) {}
    (void)decode_criu_response(bytes).ok();
}

TEST(CriuMessages, AskForWhatWasWanted) {
    CriuOptions options;
    options.images_dir = 7;
    options.pid = 1234;
    options.log_file = "dump.log";
    options.leave_running = true;
    options.external_mounts = {{"/data", "/srv"}};
    options.inherited = {{"pipe:[5]", 1}};
    options.cgroup_mode = CgroupMode::ignore;
    std::string bytes = encode_criu_request(CriuRequest::dump, options);
    ProtoReader reader(bytes);
    auto type = reader.next();
    auto opts = reader.next();
    ASSERT_TRUE(type && opts && !reader.next() && reader.complete());
    EXPECT_EQ(type->value, 1);
    ProtoReader fields(opts->text);
    std::map<uint32_t, ProtoField> found;
    while (auto field = fields.next()) found[field->number] = *field;
    EXPECT_TRUE(fields.complete());
    EXPECT_EQ(found[1].value, 7);
    EXPECT_EQ(found[2].value, 1234);
    EXPECT_EQ(found[3].value, 1);
    EXPECT_EQ(found[10].text, "dump.log");
    EXPECT_EQ(found[23].text, "\x0a\x05/data\x12\x04/srv");
    EXPECT_EQ(found[27].text, "\x0a\x08pipe:[5]\x10\x01");
    EXPECT_EQ(found[34].value, 0);
    EXPECT_FALSE(found.contains(5));
}

TEST(CriuMessages, UnderstandResponses) {
    ProtoWriter notify;
    notify.text(1, "post-restore").number(2, 99);
    ProtoWriter response;
    response.number(1, 6).number(2, 1).message(5, notify).text(9, "why").number(77, 5);
    auto decoded = decode_criu_response(response.bytes());
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->type, CriuRequest::notify);
    EXPECT_TRUE(decoded->success);
    EXPECT_EQ(decoded->script, "post-restore");
    EXPECT_EQ(decoded->pid, 99);
    EXPECT_EQ(decoded->message, "why");
    EXPECT_EQ(decode_criu_response("\x08").error().message(), "malformed response of criu");
    EXPECT_FALSE(decode_criu_response("\x2a\x05xx").ok());
}

TEST(CriuMessages, KnowTheModesOfCgroups) {
    EXPECT_EQ(*parse_cgroup_mode(""), CgroupMode::by_default);
    EXPECT_EQ(*parse_cgroup_mode("strict"), CgroupMode::strict);
    EXPECT_EQ(parse_cgroup_mode("hard").error().message(), "invalid manage-cgroups-mode value");
}

} // namespace
} // namespace hull::oci_runtime
