import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { askNode } from '../../examples/cli/control-client.ts'
import { type ControlRoutes, openControlServer } from '../../examples/cli/control-server.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-control-'))
})
after(() => rm(directory, { recursive: true }))

async function dataDirectory(name: string): Promise<string> {
  const path = join(directory, name)
  await mkdir(path)
  return path
}

function open(dataDir: string, routes: ControlRoutes = { 'GET /status': async () => ({ height: 7 }) }) {
  return openControlServer(dataDir, routes, (error) => assert.fail(error))
}

test('a running node answers, and no more once it has stopped', async () => {
  const dataDir = await dataDirectory('answers')
  const server = await open(dataDir)
  assert.deepEqual(await askNode(dataDir, 'GET /status'), { height: 7 })
  await server.stop()
  await server.stop()
  await assert.rejects(askNode(dataDir, 'GET /status'), { code: 'CONTROL_NO_NODE' })
})

test('only the owner can connect', async () => {
  const dataDir = await dataDirectory('owner')
  const server = await open(dataDir)
  const { mode } = await stat(join(dataDir, 'control.sock'))
  assert.equal(mode & 0o777, 0o600)
  await server.stop()
})

test('a second node on the data directory is refused and the first goes on', async () => {
  const dataDir = await dataDirectory('second')
  const server = await open(dataDir)
  await assert.rejects(open(dataDir), { code: 'CONTROL_NODE_RUNNING' })
  assert.deepEqual(await askNode(dataDir, 'GET /status'), { height: 7 })
  await server.stop()
})

test('the socket of a process that died is replaced', async () => {
  const dataDir = await dataDirectory('stale')
  const path = JSON.stringify(join(dataDir, 'control.sock'))
  const dying = `require('node:net').createServer().listen(${path}, () => process.kill(process.pid, 'SIGKILL'))`
  assert.equal(spawnSync(process.execPath, ['-e', dying]).signal, 'SIGKILL')
  assert.ok((await stat(join(dataDir, 'control.sock'))).isSocket(), 'the dead process left its socket behind')
  await assert.rejects(askNode(dataDir, 'GET /status'), { code: 'CONTROL_NO_NODE' })
  const server = await open(dataDir)
  assert.deepEqual(await askNode(dataDir, 'GET /status'), { height: 7 })
  await server.stop()
})

test('a file of that name that is no socket is left alone', async () => {
  const dataDir = await dataDirectory('file')
  await writeFile(join(dataDir, 'control.sock'), 'precious')
  await assert.rejects(open(dataDir), { code: 'CONTROL_UNAVAILABLE', message: /no socket/ })
  assert.ok((await stat(join(dataDir, 'control.sock'))).isFile())
})

test('a failing route, an unknown one and an unserialisable answer are answered with an error', async () => {
  const dataDir = await dataDirectory('failing')
  const server = await open(dataDir, {
    'GET /status': async () => {
      throw new Error('the store is closed')
    },
    'GET /large': async () => ({ number: 1n })
  })
  await assert.rejects(askNode(dataDir, 'GET /status'), { code: 'CONTROL_REFUSED', message: /the store is closed/ })
  await assert.rejects(askNode(dataDir, 'GET /large'), { code: 'CONTROL_REFUSED', message: /BigInt/ })
  await assert.rejects(askNode(dataDir, 'GET /other'), { code: 'CONTROL_REFUSED', message: /no GET \/other here/ })
  await server.stop()
})

test('a node that does not answer is given up on, and can stop meanwhile', async () => {
  const dataDir = await dataDirectory('silent')
  const asking = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const reached = asking.map(({ promise }) => promise)
  const server = await open(dataDir, {
    'GET /status': () => {
      asking.shift()?.resolve()
      return new Promise(() => {})
    }
  })
  await assert.rejects(askNode(dataDir, 'GET /status', { timeoutMs: 200 }), { code: 'CONTROL_TIMEOUT' })
  const cutOff = assert.rejects(askNode(dataDir, 'GET /status'), { code: 'CONTROL_UNAVAILABLE' })
  await Promise.all(reached)
  await server.stop()
  await cutOff
})

test('a data directory too deep for a socket is refused in words', async () => {
  const dataDir = join(directory, 'x'.repeat(120))
  await assert.rejects(open(dataDir), { code: 'CONTROL_PATH_TOO_LONG', message: /longer path than the \d+ bytes/ })
  await assert.rejects(askNode(dataDir, 'GET /status'), { code: 'CONTROL_PATH_TOO_LONG' })
})
