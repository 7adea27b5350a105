import assert from 'node:assert/strict'
import { access, glob, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { instructionsOf, readDockerfile, type Stage } from './dockerfile.ts'

const root = new URL('../../', import.meta.url)
const stages = await readDockerfile(new URL('operations/Dockerfile', root))
const last = stages.at(-1) as Stage

test('the image is of a Node that is pinned, the one that the project is tested with', async () => {
  const { devDependencies } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'))
  for (const { base } of stages) assert.equal(base, `node:${devDependencies.node}-bookworm-slim`)
})

test('what is copied is there, and is not kept back by .dockerignore, which keeps all else back', async () => {
  const ignore = (await readFile(new URL('.dockerignore', root), 'utf8')).split('\n')
  assert.ok(ignore.includes('*'))
  const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const copied = stages
    .flatMap((stage) => instructionsOf(stage, 'COPY'))
    .filter(({ text }) => !text.startsWith('--from'))
    .flatMap(({ text }) => text.split(' ').slice(0, -1))
  for (const source of copied) {
    const found = await Array.fromAsync(glob(source, { cwd: fileURLToPath(root) }))
    assert.ok(found.length > 0, source)
    assert.ok(
      allowed.some((path) => source === path || source.startsWith(`${path}/`)),
      `${source} is kept back`
    )
  }
  for (const path of allowed) {
    await access(new URL(path, root))
    assert.ok(
      copied.some((source) => source === path || source.startsWith(`${path}/`)),
      `${path} is not copied`
    )
  }
})

test('production dependencies only go into the image, and nobody in it is root', () => {
  const [dependencies] = stages
  assert.match(instructionsOf(dependencies as Stage, 'RUN')[0]?.text ?? '', /^npm ci --omit=dev /)
  assert.deepEqual(
    instructionsOf(last, 'COPY').flatMap(
      ({ text }) => /^--from=(\w+) \S+\/(node_modules|dist)\//.exec(text)?.slice(1) ?? []
    ),
    ['dependencies', 'node_modules', 'build', 'dist']
  )
  const order = last.instructions.map(({ name }) => name)
  assert.equal(instructionsOf(last, 'USER')[0]?.text, 'soma-p2p')
  assert.ok(order.lastIndexOf('RUN') < order.indexOf('USER') && order.indexOf('USER') < order.indexOf('ENTRYPOINT'))
})

test('it is stopped as a node is, says whether it is well by Node itself, and keeps its data in a volume', () => {
  const one = (name: string): string => instructionsOf(last, name)[0]?.text ?? ''
  assert.equal(one('STOPSIGNAL'), 'SIGTERM')
  assert.equal(one('VOLUME'), '/var/lib/soma-p2p')
  const [command] = instructionsOf(last, 'CMD')
  const words = command?.words ?? []
  const after = (flag: string): string => words[words.indexOf(flag) + 1] ?? ''
  assert.equal(after('--data-dir'), one('VOLUME'))
  const [health] = instructionsOf(last, 'HEALTHCHECK')
  assert.equal(health?.words?.[0], 'node')
  const port = after('--http').split(':')[1]
  assert.ok(health?.text.includes(`http://127.0.0.1:${port}/healthz`))
  assert.equal(one('EXPOSE'), `${after('--listen').split('/').at(-1)}/tcp ${port}/tcp`)
})
