import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, glob, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { instructionsOf, readDockerfile, type Stage } from './dockerfile.ts'

/*
 * Does what operations/Dockerfile says, instruction by instruction, in folders in place of images: for machines without Docker.
 *
 *   node -C source test/operations/run-dockerfile.ts
 *
 * COPY, WORKDIR and every RUN of npm are done as they stand; users are not made, for a folder has none. Then the command runs, the health check is asked until it is
 * content, and SIGTERM has to end it with exit code 0. It needs the registry of npm, and some minutes.
 */
const context = fileURLToPath(new URL('../../', import.meta.url))
const place = await mkdtemp(join(tmpdir(), 'soma-dockerfile-'))
const stages = await readDockerfile(new URL('../../operations/Dockerfile', import.meta.url))
const rootOf = (name: string | undefined): string => join(place, name ?? 'image')

try {
  for (const stage of stages) await build(stage)
  await runImage(stages.at(-1) as Stage)
} finally {
  await rm(place, { recursive: true, force: true })
}

async function build(stage: Stage): Promise<void> {
  const root = rootOf(stage.name)
  let cwd = root
  await mkdir(cwd, { recursive: true })
  for (const { name, text } of stage.instructions) {
    console.log(`${stage.name ?? 'image'}: ${name} ${text}`)
    if (name === 'WORKDIR') {
      cwd = join(root, text)
      await mkdir(cwd, { recursive: true })
    }
    if (name === 'COPY') await copy(text, cwd)
    if (name === 'RUN' && text.startsWith('npm ')) must(spawnSync('sh', ['-c', text], { cwd, stdio: 'inherit' }).status)
    else if (name === 'RUN') console.log('  (left out: it makes users)')
  }
}

/** A directory goes with its content, as Docker has it. */
async function copy(text: string, cwd: string): Promise<void> {
  const words = text.split(' ')
  const [, from] = /^--from=(\w+)$/.exec(words[0] ?? '') ?? []
  const base = from === undefined ? context : rootOf(from)
  const sources = words.slice(from === undefined ? 0 : 1, -1)
  const target = join(cwd, words.at(-1) ?? '')
  for (const source of sources) {
    if (source.endsWith('/')) await cp(join(base, source), target, { recursive: true, verbatimSymlinks: true })
    else
      for await (const file of glob(source, { cwd: base })) {
        const path = target.endsWith('/') ? join(target, basename(file)) : target
        await mkdir(dirname(path), { recursive: true })
        await cp(join(base, file), path)
      }
  }
}

async function runImage(image: Stage): Promise<void> {
  const root = rootOf(undefined)
  const ports = new Map(await Promise.all(['9000', '9100'].map(async (port) => [port, await freePort()] as const)))
  const inFolder = (word: string): string =>
    word
      .replace(/^\/(opt|etc|var)\//, `${root}/$1/`)
      .replaceAll(/\b(9000|9100)\b/g, (port) => ports.get(port) ?? port)
      .replace('0.0.0.0', '127.0.0.1')
  const wordsOf = (name: string): string[] => (instructionsOf(image, name)[0]?.words ?? []).map(inFolder)
  const entry = wordsOf('ENTRYPOINT').slice(1)
  const etc = join(root, 'etc/soma-p2p')
  await mkdir(etc, { recursive: true })
  await writeFile(join(etc, 'node.yaml'), 'genesis: genesis.bin\nkey: validator.json\nconsensus: scripted\n')
  const tool = (...args: string[]): void =>
    must(spawnSync(process.execPath, [...entry, ...args], { cwd: etc, stdio: 'inherit' }).status)
  tool('keygen', '--out', 'validator.json')
  tool('genesis', '--validator', 'validator.pub.json', '--out', 'genesis.bin')
  const node = spawn(process.execPath, [...entry, ...wordsOf('CMD')], {
    stdio: 'inherit',
    cwd: join(root, 'opt/soma-p2p')
  })
  try {
    await untilHealthy(node, wordsOf('HEALTHCHECK').slice(1))
    console.log('healthy: stopping it')
  } finally {
    node.kill('SIGTERM')
  }
  const [code] = await once(node, 'exit')
  must(code)
  console.log('the Dockerfile does what it says, but for what only Docker can show')
}

async function untilHealthy(node: ChildProcess, check: readonly string[]): Promise<void> {
  while (node.exitCode === null) {
    if (spawnSync(process.execPath, check).status === 0) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error('the node ended')
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return String(typeof address === 'object' ? address?.port : address)
}

function must(status: number | null): void {
  if (status !== 0) throw new Error(`it ended with ${status}`)
}
