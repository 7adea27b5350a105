import { allCommands, type CompletedCommand, type ValueKind } from './completion-tree.ts'

/** A completion script for fish, to be put into `~/.config/fish/completions/`. */
export function fishCompletion(name: string, tree: CompletedCommand): string {
  const lines = allCommands(tree).flatMap((command) => linesOf(name, command))
  return `# fish completion for ${name}: put it into ~/.config/fish/completions/${name}.fish
complete -c ${name} -e
complete -c ${name} -f
${lines.join('\n')}
`
}

function linesOf(name: string, { path, commands, options, args }: CompletedCommand): string[] {
  const start = `complete -c ${name} -n ${quoted(conditionOf(path, commands))}`
  return [
    ...commands.map(({ path, summary }) => `${start} -a ${path.at(-1)} -d ${quoted(summary)}`),
    ...options.map(({ long, short, description, value }) => {
      const flags = `-l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}`
      return `${start} ${flags}${value === undefined ? '' : ` ${value.kind === 'file' ? '-r' : '-x'} ${valueFlags(value)}`} -d ${quoted(description)}`.replaceAll(
        '  ',
        ' '
      )
    }),
    ...args.flatMap(({ value }) => (value.kind === 'text' ? [] : [`${start} ${valueFlags(value)}`]))
  ]
}

function conditionOf(path: readonly string[], commands: readonly CompletedCommand[]): string {
  const entered = path.map((word) => `__fish_seen_subcommand_from ${word}`)
  const inner = commands.map((command) => command.path.at(-1)).join(' ')
  const isHere = inner === '' ? [] : [`not __fish_seen_subcommand_from ${inner}`]
  return [...entered, ...isHere].join('; and ')
}

function valueFlags(value: ValueKind): string {
  switch (value.kind) {
    case 'choices':
      return `-a ${quoted(value.choices.join(' '))}`
    case 'file':
      return '-F'
    case 'directory':
      return "-a '(__fish_complete_directories)'"
    case 'text':
      return ''
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
