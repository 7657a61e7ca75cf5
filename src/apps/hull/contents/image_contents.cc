#include "apps/hull/contents/image_contents.h"

#include <cstdio>

#include "apps/hull/client/sha256.h"
#include "apps/hull/format/human.h"
#include "base/clock.h"
#include "codec/json.h"
#include "codec/tar_reader.h"

namespace hull::cli {

namespace {

class AnswerBytes : public ByteSource {
public:
    explicit AnswerBytes(Exchange& exchange) : exchange_(exchange) {}
    Result<size_t> read(std::span<char> into) override { return exchange_.read(into); }

private:
    Exchange& exchange_;
};

std::string octal_text(uint32_t mode) {
    char text[16];
    std::snprintf(text, sizeof text, "%o", mode);
    return text;
}

std::string change_text(const FileFacts& a, const FileFacts& b, Times times) {
    std::string out;
    auto add = [&](const std::string& what) { out += (out.empty() ? "" : ", ") + what; };
    if (a.type != b.type) add("kind");
    if (a.mode != b.mode) add("mode " + octal_text(a.mode) + " -> " + octal_text(b.mode));
    if (a.uid != b.uid || a.gid != b.gid)
        add("owner " + std::to_string(a.uid) + ":" + std::to_string(a.gid) + " -> " + std::to_string(b.uid) + ":" +
            std::to_string(b.gid));
    if (a.target != b.target) add("link to " + a.target + " -> " + b.target);
    if (a.size != b.size)
        add("size " + std::to_string(a.size) + " -> " + std::to_string(b.size));
    else if (a.digest != b.digest)
        add("contents");
    if (times == Times::compared && a.mtime_ns != b.mtime_ns)
        add("time " + to_rfc3339(WallTime{a.mtime_ns}) + " -> " + to_rfc3339(WallTime{b.mtime_ns}));
    return out;
}

} // namespace

Result<Contents> read_contents(ByteSource& source) {
    BufferedChunks chunks(source);
    tar::Reader reader(chunks);
    Contents out;
    tar::Entry entry;
    while (TRY(reader.next(entry))) {
        std::string path = entry.path;
        while (path.starts_with("./")) path.erase(0, 2);
        while (path.starts_with('/')) path.erase(0, 1);
        while (path.ends_with('/')) path.pop_back();
        if (path.empty() || path == ".") continue;
        FileFacts facts;
        facts.type = entry.type;
        facts.mode = entry.mode;
        facts.uid = entry.uid;
        facts.gid = entry.gid;
        facts.size = entry.size;
        facts.mtime_ns = entry.mtime * 1'000'000'000 + entry.mtime_ns;
        facts.target = entry.link_target;
        if (entry.type == tar::Type::file) {
            Sha256Sum sum;
            for (;;) {
                std::string_view data = TRY(reader.data());
                if (data.empty()) break;
                sum.update(data);
            }
            for (const tar::Segment& one : entry.segments)
                sum.update(std::to_string(one.offset) + "+" + std::to_string(one.length) + ";");
            facts.digest = sum.hex();
        }
        out.insert_or_assign(std::move(path), std::move(facts));
    }
    TRY(reader.drain());
    return out;
}

Result<Contents> image_contents(Engine& engine, const std::string& image) {
    json::Object request{{"Image", image}, {"Cmd", json::Array{"-"}}, {"NetworkDisabled", true}};
    Reply made = TRY(engine.post("/containers/create", {}, json::print(request)));
    const std::string id = text(TRY(made.json()), "Id");
    auto read = [&]() -> Result<Contents> {
        Exchange exchange = TRY(engine.begin({.method = http::Method::get,
                                              .path = "/containers/" + id + "/export",
                                              .query = {},
                                              .body = {},
                                              .headers = {}}));
        TRY(exchange.head());
        AnswerBytes bytes(exchange);
        return read_contents(bytes);
    };
    auto contents = read();
    (void)engine.remove("/containers/" + id, Query().add("force", "1").add("v", "1"));
    return std::move(contents).context("read the files of " + image);
}

std::vector<std::string> differences(const Contents& before, const Contents& after, Times times) {
    std::vector<std::string> out;
    auto a = before.begin();
    auto b = after.begin();
    while (a != before.end() || b != after.end()) {
        if (b == after.end() || (a != before.end() && a->first < b->first)) {
            out.push_back("D /" + a->first);
            ++a;
        } else if (a == before.end() || b->first < a->first) {
            out.push_back("A /" + b->first);
            ++b;
        } else {
            const std::string what = change_text(a->second, b->second, times);
            if (!what.empty()) out.push_back("C /" + a->first + " (" + what + ")");
            ++a, ++b;
        }
    }
    return out;
}

} // namespace hull::cli
