// completion: scripts for shells, which ask `hull __complete WORD...` for words.
#include <algorithm>

#include <boost/json.hpp>

#include "apps/hull/cli/completion.h"
#include "apps/hull/commands/commands.h"

namespace hull::cli {

namespace {

constexpr std::string_view bash_script =
    R"sh(# bash completion of hull; put it in /usr/share/bash-completion/completions/hull
_hull() {
    local IFS=$'\n' cur="${COMP_WORDS[COMP_CWORD]}"
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null | cut -f1)" -- "$cur"))
    [[ ${#COMPREPLY[@]} -gt 0 ]] || compopt -o default 2>/dev/null
}
complete -F _hull hull
)sh";
constexpr std::string_view zsh_script = R"sh(#compdef hull
_hull() {
    local -a found
    local line
    while IFS=$'\t' read -r name text; do
        found+=("${name//:/\\:}:$text")
    done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#found} )); then _describe 'hull' found; else _files; fi
}
compdef _hull hull
)sh";
constexpr std::string_view fish_script = R"sh(# fish completion of hull; put it in ~/.config/fish/completions/hull.fish
function __hull_complete
    set -l words (commandline -opc) (commandline -ct)
    command $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c hull -f -a '(__hull_complete)'
)sh";

} // namespace

Result<int> print_completion(Session& session) {
    const std::string& shell = session.operands()[0];
    for (auto [name, script] :
         {std::pair("bash", bash_script), std::pair("zsh", zsh_script), std::pair("fish", fish_script)})
        if (shell == name) {
            print(script);
            return 0;
        }
    return Error(ErrorKind::invalid_argument,
                 "no completion for the shell \"" + shell + "\": bash, zsh and fish have one");
}

} // namespace hull::cli
