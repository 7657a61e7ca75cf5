// port.
#include <algorithm>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/options/values.h"

namespace hull::cli {

namespace {

std::string binding_text(const Json& binding) {
    std::string ip = text(binding, "HostIp");
    if (ip.find(':') != ip.npos) ip = "[" + ip + "]";
    return ip + ":" + text(binding, "HostPort");
}

// "add web 8080:80", "rm web 80": as -p has them.
Result<int> change_ports(Session& session) {
    const auto& operands = session.operands();
    const bool add = operands[0] == "add";
    if (!add && operands[0] != "rm" && operands[0] != "remove")
        return Error(ErrorKind::invalid_argument,
                     "one container and one port are wanted, or: port add|rm CONTAINER PORT...");
    auto ports = TRY(port_bindings({operands.begin() + 2, operands.end()}));
    boost::json::object changes{{add ? "Add" : "Remove", std::move(ports)}};
    Engine* engine = TRY(session.engine());
    TRY(engine->post(container_path(operands[1], "update"), {},
                     boost::json::serialize(boost::json::object{{"PublishedPorts", std::move(changes)}})));
    return 0;
}

} // namespace

Result<boost::json::object> port_bindings(const std::vector<std::string>& ports) {
    model::HostConfig host;
    model::ContainerConfig config;
    for (const std::string& one : ports) TRY(add_port(one, host, config));
    boost::json::object out;
    for (const auto& [port, bindings] : host.port_bindings) {
        boost::json::array list;
        for (const model::PortBinding& one : bindings)
            list.push_back(boost::json::object{{"HostIp", one.host_ip}, {"HostPort", one.host_port}});
        out[port] = std::move(list);
    }
    return out;
}

Result<int> show_ports(Session& session) {
    const auto& operands = session.operands();
    if (operands.size() > 2) return change_ports(session);
    Engine* engine = TRY(session.engine());
    Json answer = TRY(engine->get(container_path(operands[0], "json")));
    const auto& ports = object(answer, "NetworkSettings.Ports");
    std::string out;
    if (operands.size() > 1) {
        std::string wanted = operands[1];
        if (wanted.find('/') == wanted.npos) wanted += "/tcp";
        const Json* bindings = ports.if_contains(wanted);
        if (!bindings || !bindings->is_array() || bindings->get_array().empty())
            return Error(ErrorKind::not_found, "no public port '" + operands[1] + "' published for " + operands[0]);
        for (const Json& one : bindings->get_array()) out += binding_text(one) + "\n";
    } else {
        // By number, then by protocol, as people count.
        std::vector<std::pair<std::pair<int, std::string>, std::string>> lines;
        for (const auto& entry : ports) {
            std::string port(entry.key());
            if (!entry.value().is_array()) continue;
            for (const Json& one : entry.value().get_array())
                lines.emplace_back(std::pair(std::atoi(port.c_str()), port.substr(port.find('/') + 1)),
                                   port + " -> " + binding_text(one) + "\n");
        }
        std::ranges::stable_sort(lines, {}, &decltype(lines)::value_type::first);
        for (const auto& [key, line] : lines) out += line;
    }
    print(out);
    return 0;
}

} // namespace hull::cli
