import { allCommands, type CompletedCommand, type ValueKind } from './completion-tree.ts'

/** A completion script for zsh, to be put as `_soma-p2p` into a directory of `$fpath`. */
export function zshCompletion(name: string, tree: CompletedCommand): string {
  const functions = allCommands(tree).map((command) => functionOf(name, command))
  const main = functionName(name, [])
  return `#compdef ${name}
# zsh completion for ${name}: put it as _${name} into a directory of $fpath, or source it after compinit

${functions.join('\n\n')}

if [[ $funcstack[1] == _${name} ]]; then ${main} "$@"; else compdef ${main} ${name}; fi
`
}

function functionOf(name: string, { path, commands, options, args }: CompletedCommand): string {
  const specs = options.map(({ long, short, description, value }) => {
    const text = `[${escaped(description)}]${value === undefined ? '' : `:value:${actionOf(value)}`}`
    return short === undefined
      ? quoted(`${long}${text}`)
      : `${quoted(`(${short} ${long})`)}{${short},${long}}${quoted(text)}`
  })
  if (commands.length === 0) {
    const places = args.map((arg, at) => quoted(`${at + 1}:${arg.name}:${actionOf(arg.value)}`))
    return `${functionName(name, path)}() {\n  _arguments ${[...specs, ...places].join(' \\\n    ')}\n}`
  }
  const inner = commands.map(({ path, summary }) => quoted(`${path.at(-1)}:${summary}`))
  const cases = commands.map(({ path }) => `${path.at(-1)}) ${functionName(name, path)} ;;`)
  return `${functionName(name, path)}() {
  local context state line
  typeset -A opt_args
  _arguments -C ${[...specs, "'1: :->command'", "'*:: :->rest'"].join(' \\\n    ')}
  case $state in
    command)
      local -a commands=(
        ${inner.join('\n        ')}
      )
      _describe 'command' commands
      ;;
    rest)
      case $line[1] in
        ${cases.join('\n        ')}
      esac
      ;;
  esac
}`
}

function functionName(name: string, path: readonly string[]): string {
  return ['_', name, ...path].join('_').replaceAll('-', '_')
}

function actionOf(value: ValueKind): string {
  switch (value.kind) {
    case 'choices':
      return `(${value.choices.join(' ')})`
    case 'file':
      return '_files'
    case 'directory':
      return '_files -/'
    case 'text':
      return ' '
  }
}

/** Within the brackets of a description. */
function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
