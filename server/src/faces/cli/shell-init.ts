import { completionScript } from "./completion.ts";
import type { Shell } from "./local-commands.ts";

/**
 * What a shell evaluates at its start: a function `imi` that runs the program and then changes into the directory the
 * program wrote to the file named by IMI_CD_FILE, ended by a NUL because paths may hold newlines. stdout stays the
 * answer, and the exit code stays the program's. `program` is a shell word that runs the program, not the function.
 */
export const shellInit = (shell: Shell, program: string): string =>
  `${functions[shell].replaceAll("@IMI@", () => program)}${completionScript(shell, program)}`;

// `function imi {` and not `imi() {`: an alias of that name would be expanded in the latter.
const posix = (read: string): string => `unalias imi 2>/dev/null || :
function imi {
  local imi_file imi_path imi_code=0
  imi_file=$(command mktemp "\${XDG_RUNTIME_DIR:-\${TMPDIR:-/tmp}}/imi-cd.XXXXXXXX" 2>/dev/null) || {
    @IMI@ "$@"
    return
  }
  IMI_CD_FILE=$imi_file @IMI@ "$@" || imi_code=$?
  if [ "$imi_code" -eq 0 ] && [ -s "$imi_file" ]; then
    ${read}
    builtin cd -- "$imi_path" || imi_code=$?
  fi
  command rm -f -- "$imi_file"
  return "$imi_code"
}
`;

const functions: Readonly<Record<Shell, string>> = {
  bash: posix(`IFS= read -r -d '' imi_path <"$imi_file"`),
  zsh: posix(`IFS= read -r -d $'\\0' imi_path <"$imi_file"`),
  fish: `functions -e imi
function imi --description 'Git worktrees for many developers and agents'
    set -l folder /tmp
    set -q TMPDIR; and set folder $TMPDIR
    set -q XDG_RUNTIME_DIR; and set folder $XDG_RUNTIME_DIR
    set -l file (command mktemp "$folder/imi-cd.XXXXXXXX" 2>/dev/null)
    or begin
        @IMI@ $argv
        return
    end
    IMI_CD_FILE=$file @IMI@ $argv
    set -l code $status
    if test $code -eq 0; and test -s $file
        read --null --local target <$file
        and cd $target
        or set code $status
    end
    command rm -f -- $file
    return $code
end
`,
};
