#include "net/peers.h"

#include <algorithm>

#include "sys/file.h"

namespace hull::net {
namespace {

constexpr size_t k_most_peers = 1024, k_longest_file = 1 << 20;

Error bad_peer(std::string text) { return {ErrorKind::invalid_argument, std::move(text)}; }

} // namespace

Result<std::vector<IpAddress>> parse_peers(const std::string& text) {
    std::vector<IpAddress> out;
    bool remark = false;
    std::string word;
    auto finish = [&]() -> Result<void> {
        if (word.empty()) return {};
        auto ip = IpAddress::parse(word);
        if (!ip.ok() || ip->unspecified() || ip->loopback())
            return bad_peer("invalid peer \"" + word + "\": an IP address of another machine is wanted");
        if (!out.empty() && out.front().is_v6() != ip->is_v6())
            return bad_peer("peers of an overlay network have addresses of one family: " + word + " is of another");
        if (std::ranges::find(out, *ip) == out.end()) out.push_back(*ip);
        if (out.size() > k_most_peers) return bad_peer("more than 1024 peers");
        word.clear();
        return {};
    };
    for (const char c : text + "\n") {
        if (c == '\n') remark = false;
        if (c == '#') remark = true;
        if (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#')
            TRY(finish());
        else if (!remark)
            word += c;
    }
    if (out.empty()) return bad_peer("an overlay network wants the addresses of its machines: none were given");
    return out;
}

Result<std::vector<IpAddress>> read_peers(const std::string& path) {
    const std::string text = TRY(sys::read_file(path, k_longest_file).context("read the peers' addresses"));
    return parse_peers(text);
}

} // namespace hull::net
