/** Tells our hooks from everybody else's; also where somebody else's program has moved one. */
export const mark = "# iMi enforcement: `imi enforce off` takes this away and puts back what was here.";

/**
 * The hook, a shell script without another program: git runs it for every change of a ref. It asks the files that
 * `mirror.ts` keeps beside git's records. Without a claim everything passes, and so does what a claim does not mean.
 * `before` is shell text that names the hook that was here.
 */
export const hookScript = (before: string): string => `#!/bin/sh
${mark}
hook=\${0##*/}
before=${before}

dir=\${GIT_DIR-}
if [ -z "$dir" ]; then
  if [ -d .git ]; then dir=.git
  elif [ -f .git ]; then read -r _ dir <.git
  else dir=.
  fi
fi
common=$dir
if [ -f "$dir/commondir" ]; then
  read -r common <"$dir/commondir"
  case $common in /*) ;; *) common=$dir/$common ;; esac
fi

# Whether the claim in a file keeps this process from what it does.
forbids() {
  [ -r "$1" ] || return 1
  { read -r agent && read -r token && read -r expires && read -r boot && read -r since && read -r until && read -r name; } <"$1" || return 1
  [ "$agent" = "\${IMI_AGENT_ID-}" ] && [ "$token" = "\${IMI_CLAIM_TOKEN-}" ] && return 1
  # All claims of a VS Code window, as agent:token, with spaces between.
  case " \${IMI_CLAIMS-} " in *" $agent:$token "*) return 1 ;; esac
  if [ -r /proc/uptime ] && [ -r /proc/sys/kernel/random/boot_id ]; then
    read -r now </proc/sys/kernel/random/boot_id
    [ "$now" = "$boot" ] || return 1
    read -r up _ </proc/uptime
    [ "\${up%%.*}" -lt "$expires" ] || return 1
  fi
  return 0
}

refuse() {
  # Before a reset, a checkout or a fast forward asks about a ref, git has changed the files.
  kept='Nothing was changed.'
  [ "$hook" = pre-commit ] || kept='No branch was changed; git may have changed files before it asked.'
  if [ -n "\${IMI_AGENT_ID-}" ] && [ -n "\${IMI_CLAIM_TOKEN-}" ]; then
    echo "iMi: $IMI_AGENT_ID does not hold $name with token $IMI_CLAIM_TOKEN: $agent holds it since $since, until $until. $kept" >&2
    echo "iMi: Stop working in it. To go on, claim it again: imi claim $name --agent $IMI_AGENT_ID --wait" >&2
  else
    echo "iMi: $name is held by $agent since $since, until $until. $kept" >&2
    echo "iMi: Work in another worktree, or queue for this one: imi claim $name --agent ID --wait. Its holder sets IMI_AGENT_ID and IMI_CLAIM_TOKEN." >&2
  fi
  exit 1
}

own=$dir/imi-claim
if [ "$hook" = pre-commit ] && forbids "$own"; then refuse; fi

if [ "$hook" = reference-transaction ] && [ "\${1-}" = prepared ]; then
  set -- "$1" "$common"/imi-claim "$common"/worktrees/*/imi-claim
  input=
  claimed=
  state=$1
  shift
  for file; do [ -f "$file" ] && claimed=yes; done
  if [ -n "$claimed" ]; then
    while read -r old new ref; do
      input="$input$old $new $ref
"
      case $ref in
        HEAD | refs/stash) forbids "$own" && refuse; continue ;;
        # A linked worktree's record is nobody else's; in the main checkout others make branches and worktrees too.
        refs/heads/*) [ "$dir" != "$common" ] && forbids "$own" && refuse ;;
        *) continue ;;
      esac
      for file; do
        [ -f "$file" ] && read -r head <"\${file%imi-claim}HEAD" && [ "$head" = "ref: $ref" ] && forbids "$file" && refuse
      done
    done
    if [ -x "$before" ]; then
      printf %s "$input" | "$before" "$state"
      exit
    fi
    exit 0
  fi
  set -- "$state"
fi

if [ -x "$before" ]; then exec "$before" "$@"; fi
exit 0
`;
