import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { after, mock, test } from 'node:test'
import { main } from '../../examples/cli/main.ts'
import { type Placed, ROOT, readDocuments } from './markdown.ts'

const documents = await readDocuments()
const { scripts } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> }
const console_ = mock.method(console, 'log', () => {})
after(() => console_.mock.restore())

interface Help {
  readonly commands: ReadonlySet<string>
  readonly flags: ReadonlySet<string>
}

const helps = new Map<string, Promise<Help>>()

/** What a command of the command line says of itself. */
function helpOf(path: readonly string[]): Promise<Help> {
  const key = path.join(' ')
  const known = helps.get(key)
  if (known !== undefined) return known
  const help = readHelp(path)
  helps.set(key, help)
  return help
}

async function readHelp(path: readonly string[]): Promise<Help> {
  console_.mock.resetCalls()
  assert.equal(await main([...path, '--help']), 0, path.join(' '))
  const text = console_.mock.calls.map((call) => String(call.arguments[0])).join('\n')
  const section = (title: string): string => (text.split(`\n${title}:\n`)[1] ?? '').split('\n\n')[0] ?? ''
  // commands stand in groups with titles of their own, behind the options
  const commands = [...(text.split('\nOptions:\n')[1] ?? '').matchAll(/^ {2}([a-z][\w-]*)/gm)].map(
    ([, name]) => name as string
  )
  const flags = [...section('Options').matchAll(/^ {2}(-\w)?(?:, )?(--[\w-]+)?/gm)].flatMap(([, ...names]) => names)
  return { commands: new Set(commands), flags: new Set(flags.filter((flag) => flag !== undefined)) }
}

/** What is wrong with the arguments of `soma-p2p`. */
async function wrongArguments(args: readonly string[]): Promise<string | undefined> {
  const path: string[] = []
  let help = await helpOf(path)
  let at = 0
  for (; help.commands.has(args[at] ?? ''); at++) {
    path.push(args[at] as string)
    help = await helpOf(path)
  }
  const name = ['soma-p2p', ...path].join(' ')
  const next = args[at]
  if (next !== undefined && help.commands.size > 0 && /^\w/.test(next)) return `${name} has no command ${next}`
  const flags = args.slice(at).filter((arg) => /^--?[a-z]/.test(arg))
  const wrong = flags.find((flag) => !help.flags.has(flag.split('=')[0] as string))
  return wrong === undefined ? undefined : `${name} has no flag ${wrong}`
}

/** Commands of a Unix machine, and of npm, that a reader has or is told to install. */
const OTHERS = new Set(
  'cat cd chmod chown cp curl diff docker echo false git gzip head jq journalctl kill ls mkdir mv prometheus promtool rm scp ssh systemctl tail tar tee test true useradd'.split(
    ' '
  )
)
const NPM = new Set(['ci', 'init', 'install', 'pack', 'pkg', 'test'])

/** What is wrong with one command and its arguments. */
async function wrongCommand([command = '', ...args]: readonly string[]): Promise<string | undefined> {
  if (command === 'sudo' && args[0] === '-u') return await wrongCommand(args.slice(2))
  if (/^\w+=/.test(command) || ['sudo', 'exec', 'time'].includes(command)) return await wrongCommand(args)
  if (command === 'npx') return await wrongCommand(args)
  if (command === 'soma-p2p' || command.endsWith('bin/soma-p2p')) return await wrongArguments(args)
  if (command === 'node') {
    const file = args.filter((arg, at) => !arg.startsWith('-') && args[at - 1] !== '-C')[0] ?? ''
    return !file.includes('/') || existsSync(`${ROOT}${file}`) ? undefined : `there is no ${file}`
  }
  if (command === 'npm') {
    const [script = '', ...rest] = args
    const given = rest.includes('--') ? rest.slice(rest.indexOf('--') + 1) : []
    if (script === 'start') return await wrongArguments(['devnet', ...given])
    const file = given.find((arg) => /^test\/[a-z/.-]+$/.test(arg) && !existsSync(`${ROOT}${arg}`))
    if (file !== undefined) return `there is no ${file}`
    if (script === 'run') return (rest[0] ?? '') in scripts ? undefined : `npm has no script ${rest[0]}`
    return NPM.has(script) ? undefined : `npm ${script} is no command that the documents may use`
  }
  return OTHERS.has(command) ? undefined : `${command} is no command that the documents may use`
}

/** The simple commands of a shell's text. Here-documents and loops are none of the documents' business. */
function commandsOf(text: string): string[][] {
  return text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/&&|;|\s\|\|?\s/))
    .map((part) => part.replaceAll(/[0-9]?>>?\s*(&\d|\S+)|&\s*$/g, ' ').trim())
    .filter((part) => part !== '')
    .map((part) => (part.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, '$2')))
}

async function wrongIn(texts: readonly (Placed & { readonly text: string })[]): Promise<string[]> {
  const wrong: string[] = []
  for (const { where, text } of texts) {
    for (const words of commandsOf(text)) {
      const what = await wrongCommand(words)
      if (what !== undefined) wrong.push(`${where}: ${what}`)
    }
  }
  return wrong
}

test('the command line tells its commands and their flags', async () => {
  assert.ok((await helpOf([])).commands.has('node'))
  assert.ok((await helpOf(['node'])).flags.has('--data-dir'))
  assert.equal(await wrongArguments(['nod']), 'soma-p2p has no command nod')
  assert.equal(await wrongArguments(['node', '--sede', 'x']), 'soma-p2p node has no flag --sede')
})

test('every shell block holds commands, scripts and flags that exist', async () => {
  const blocks = documents
    .flatMap((document) => document.blocks)
    .filter(({ language }) => /^(sh|bash|shell)$/.test(language))
  assert.ok(blocks.length > 5)
  assert.deepEqual(await wrongIn(blocks.map(({ where, code }) => ({ where, text: code }))), [])
})

test('every command named in a text exists, with its flags', async () => {
  const isOurs = /^(npx )?(soma-p2p [a-z]|npm (start|run|test)\b)/
  const spans = documents.flatMap((document) => document.spans).filter(({ text }) => isOurs.test(text))
  assert.ok(spans.length > 5)
  assert.deepEqual(await wrongIn(spans), [])
})
