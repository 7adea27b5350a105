import { allCommands, type CompletedCommand, type ValueKind } from './completion-tree.ts'

/** A completion script for bash from 4.0 on. It knows everything by itself: no process is started while somebody types. */
export function bashCompletion(name: string, tree: CompletedCommand): string {
  const commands = allCommands(tree)
  const fn = `_${name.replaceAll('-', '_')}`
  const withValue = commands.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== undefined)
      .flatMap((option) => flagsOf(option).map((flag) => key(path, flag)))
  )
  const entered = commands
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => key(path.slice(0, -1), path.at(-1) ?? ''))
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap((option) =>
      option.value === undefined
        ? []
        : `      ${flagsOf(option)
            .map((flag) => quoted(key(path, flag)))
            .join(' | ')}) ${reply(option.value)} ;;`
    )
  )
  const words = commands.map(({ path, commands: inner, options, args }) => {
    const flags = options.flatMap(flagsOf).join(' ')
    const first = args[0]?.value
    const rest =
      inner.length > 0
        ? wordsReply(inner.map(({ path }) => path.at(-1) ?? ''))
        : first === undefined
          ? ':'
          : reply(first)
    return `    ${quoted(path.join(' '))}) if [[ $cur == -* ]]; then ${wordsReply([flags])}; else ${rest}; fi ;;`
  })
  return `# bash completion for ${name}: source it, or put it into /etc/bash_completion.d/
${fn}_reply() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@" -- "$cur")
}
${fn}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path='' value='' word i
  COMPREPLY=()
  # bash takes an equals sign for a word of its own
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = ]]; then continue; fi
    if [[ -n $value ]]; then
      value=''
      continue
    fi
    case "$path $word" in
      ${withValue.map(quoted).join(' | ')}) value=1 ;;
      ${entered.map(quoted).join(' | ')}) path="\${path:+$path }$word" ;;
    esac
  done
  if [[ -n $value ]]; then
    case "$path $prev" in
${values.join('\n')}
    esac
    return
  fi
  case "$path" in
${words.join('\n')}
  esac
}
complete -F ${fn} ${name}
`.replaceAll('@reply', `${fn}_reply`)
}

function flagsOf({ long, short }: { long: string; short: string | undefined }): string[] {
  return short === undefined ? [long] : [short, long]
}

function key(path: readonly string[], word: string): string {
  return `${path.join(' ')} ${word}`
}

function reply(value: ValueKind): string {
  switch (value.kind) {
    case 'choices':
      return wordsReply(value.choices)
    case 'file':
      return 'compopt -o filenames 2>/dev/null; @reply -f'
    case 'directory':
      return 'compopt -o filenames 2>/dev/null; @reply -d'
    case 'text':
      return ':'
  }
}

function wordsReply(words: readonly string[]): string {
  return `@reply -W ${quoted(words.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
