#include "apps/hull/building/values.h"

#include <algorithm>
#include <cstdlib>

#include "sys/file.h"

namespace hull::cli {

namespace {

Error flag_value_is_wrong(const std::string& flag, const std::string& text, const std::string& why) {
    return Error(ErrorKind::invalid_argument, "invalid argument \"" + text + "\" for \"--" + flag + "\" flag: " + why);
}

} // namespace

Result<std::vector<std::string>> csv_fields(std::string_view text) {
    std::vector<std::string> out(1);
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
            out.back() += text[++i];
        } else if (c == '"' && (quoted || out.back().empty())) {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            out.emplace_back();
        } else {
            out.back() += c;
        }
    }
    if (quoted) return Error(ErrorKind::invalid_argument, "a quote is not closed: " + std::string(text));
    return out;
}

Result<FieldPairs> csv_pairs(std::string_view text) {
    FieldPairs out;
    for (const std::string& field : TRY(csv_fields(text))) {
        const size_t equals = field.find('=');
        std::string key = field.substr(0, equals);
        std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::tolower(c); });
        out.emplace_back(std::move(key), equals == field.npos ? std::string() : field.substr(equals + 1));
    }
    return out;
}

Result<BuildSecret> parse_secret(const std::string& text) {
    BuildSecret secret;
    std::string type;
    for (auto& [key, value] : TRY(csv_pairs(text))) {
        if (key == "type") {
            if (value != "file" && value != "env")
                return flag_value_is_wrong("secret", text, "unsupported secret type \"" + value + "\"");
            type = value;
        } else if (key == "id") {
            secret.id = value;
        } else if (key == "source" || key == "src") {
            secret.file = value;
        } else if (key == "env") {
            secret.environment = value;
        } else {
            return flag_value_is_wrong("secret", text, "unexpected key '" + key + "'");
        }
    }
    if (secret.id.empty()) return flag_value_is_wrong("secret", text, "secret missing ID");
    if (type == "env" && secret.environment.empty()) secret.environment = std::exchange(secret.file, {});
    if (secret.environment.empty() && secret.file.empty())
        (std::getenv(secret.id.c_str()) && type != "file" ? secret.environment : secret.file) = secret.id;
    if (secret.environment.empty()) {
        auto found = sys::stat(secret.file);
        if (!found.ok()) return std::move(found).error().context("failed to stat the secret " + secret.file);
    }
    return secret;
}

Result<BuildAgent> parse_ssh(const std::string& text) {
    const size_t equals = text.find('=');
    BuildAgent agent{text.substr(0, equals), equals == text.npos ? std::string() : text.substr(equals + 1)};
    if (agent.id.empty()) return flag_value_is_wrong("ssh", text, "it is default|ID[=SOCKET]");
    if (agent.socket.empty())
        if (const char* known = std::getenv("SSH_AUTH_SOCK")) agent.socket = known;
    if (agent.socket.empty())
        return flag_value_is_wrong("ssh", text, "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
    auto found = sys::stat(agent.socket);
    if (!found.ok()) return std::move(found).error().context("--ssh " + text);
    if (!S_ISSOCK(found->st_mode))
        return flag_value_is_wrong("ssh", text,
                                   agent.socket + " is no socket of an agent; give the key to ssh-agent (ssh-add) and "
                                                  "name its socket");
    return agent;
}

Result<BuildTarget> parse_output(const std::string& text) {
    BuildTarget target;
    auto pairs = TRY(csv_pairs(text));
    if (pairs.size() == 1 && text.find('=') == text.npos) {
        // A folder, or the archive on standard output.
        target.type = text == "-" ? "tar" : "local";
        target.destination = text;
        return target;
    }
    target.type.clear();
    for (auto& [key, value] : pairs) {
        if (key == "type")
            target.type = value;
        else if (key == "dest")
            target.destination = value;
        else if (!target.attributes.emplace(key, value).second)
            return flag_value_is_wrong("output", text, key + " stands twice");
    }
    if (target.type.empty()) return flag_value_is_wrong("output", text, "type is required for output");
    if (target.type == "registry") {
        target.type = "image";
        target.attributes.emplace("push", "true");
    }
    const std::string& type = target.type;
    if (type == "local" && !target.destination)
        return flag_value_is_wrong("output", text, "dest is required for local output");
    // Files are copied beside what is there.
    if (auto mode = target.attributes.find("mode"); type == "local" && mode != target.attributes.end()) {
        if (mode->second != "copy")
            return Error(ErrorKind::unsupported, "--output: mode=" + mode->second + " is not supported: copy is");
        target.attributes.erase(mode);
    }
    if ((type == "image" || type == "cacheonly") && target.destination)
        return flag_value_is_wrong("output", text, "an output of type " + type + " has no dest");
    if ((type == "tar" || type == "oci") && !target.destination) target.destination = "-";
    // Without a place it is loaded into the engine, where it is already.
    if (type == "docker" && !target.destination) target.type = "image";
    return target;
}

Result<NamedContext> parse_build_context(const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == text.npos || equals == 0)
        return flag_value_is_wrong(
            "build-context", text,
            "it is NAME=FOLDER, NAME=docker-image://IMAGE, NAME=oci-layout://FOLDER or NAME=URL");
    NamedContext out{text.substr(0, equals), text.substr(equals + 1)};
    const std::string& value = out.value;
    out.is_folder = value.find("://") == value.npos && !value.starts_with("git@") && !value.starts_with("target:");
    if (value.starts_with("target:"))
        return Error(ErrorKind::unsupported, "--build-context " + text + ": targets of bake are not supported");
    if (out.is_folder) {
        auto found = sys::stat(value);
        if (!found.ok() || !S_ISDIR(found->st_mode))
            return flag_value_is_wrong("build-context", text, value + " is not a folder");
    }
    return out;
}

Result<BuildCache> parse_cache(const std::string& text, const char* flag) {
    BuildCache cache;
    if (text.find('=') == text.npos) {
        cache.type = text == "inline" ? "inline" : "registry";
        if (cache.type == "registry") cache.attributes["ref"] = text;
        return cache;
    }
    for (auto& [key, value] : TRY(csv_pairs(text))) {
        if (key == "type")
            cache.type = value;
        else
            cache.attributes[key] = value;
    }
    if (cache.type.empty()) return flag_value_is_wrong(flag, text, "type is required");
    return cache;
}

} // namespace hull::cli
