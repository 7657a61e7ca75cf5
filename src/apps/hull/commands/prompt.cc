#include "apps/hull/commands/prompt.h"

#include <cctype>
#include <string>

#include "apps/hull/cli/session.h"
#include "sys/file.h"

namespace hull::cli {

Result<bool> confirm(std::string_view question) {
    print(std::string(question) + " [y/N] ");
    std::string answer;
    char c;
    while (TRY(sys::read(BorrowedFd(0), std::span(&c, 1))) == 1 && c != '\n')
        if (answer.size() < 16) answer += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return answer == "y" || answer == "yes";
}

} // namespace hull::cli
