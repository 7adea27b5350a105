import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { DevnetError } from '../../examples/devnet/devnet-error.ts'
import { NodeProcess, type NodeProcessInit } from '../../examples/devnet/node-process.ts'
import type { NodeEvent } from '../../examples/devnet/node-protocol.ts'
import { isRunning } from './devnet-process.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-devnet-test-'))
})
after(() => rm(directory, { recursive: true }))

/** A node's process that is ready and does `script` with each message. */
async function scripted(script: string, init: Partial<NodeProcessInit> = {}) {
  const file = join(directory, `${Math.random()}.mjs`)
  await writeFile(
    file,
    `const tell = (message) => process.send(message)
     tell({ event: 'ready' })
     process.on('message', ({ id, call, argument }) => { ${script} })`
  )
  const events: NodeEvent[] = []
  const failure = Promise.withResolvers<DevnetError>()
  const node = new NodeProcess({
    name: 'node-x',
    script: file,
    onEvent: (event) => events.push(event),
    onFailure: failure.resolve,
    ...init
  })
  return { node, events, failed: failure.promise }
}

const stops = "if (call === 'stop') { tell({ id, answer: null }); return process.disconnect() }"

test('calls are answered, each with its own answer, and events come by', async () => {
  const { node, events } = await scripted(`${stops}
    tell({ event: 'handed-in', index: argument, at: 0 })
    setTimeout(() => tell({ id, answer: argument }), 20 - argument)`)
  assert.deepEqual(await Promise.all([1, 9, 5].map((index) => node.call('stopAt', index))), [1, 9, 5])
  assert.deepEqual(
    events.map((event) => event.event === 'handed-in' && event.index),
    [1, 9, 5]
  )
  await node.stop()
  await node.stop()
  assert.equal(isRunning(node.pid ?? 0), false)
})

test('a process that dies is a failure with its last words, for calls and without', async () => {
  const { node, failed } = await scripted(`console.error('disk on fire'); process.exit(3)`)
  const expected = { code: 'DEVNET_NODE_ENDED', message: /node-x ended with exit code 3.*\ndisk on fire/ }
  await assert.rejects(node.call('report', null), expected)
  await assert.rejects(node.call('report', null), expected)
  assert.equal((await failed).code, 'DEVNET_NODE_ENDED')
  await node.stop()
})

test('a process that does not load is a failure', async () => {
  const { node, failed } = await scripted('', { script: join(directory, 'nothing.mjs') })
  await assert.rejects(node.call('report', null), { code: 'DEVNET_NODE_ENDED', message: /Cannot find module/ })
  await failed
})

test('a node that says it failed is a failure, and stops', async () => {
  const { node, failed } = await scripted(`${stops} tell({ event: 'failed', message: 'the disk is full' })`)
  await assert.rejects(node.call('report', null), { code: 'DEVNET_NODE_FAILED', message: /the disk is full/ })
  assert.match((await failed).message, /node-x failed: the disk is full/)
  await node.stop()
  assert.equal(isRunning(node.pid ?? 0), false)
})

test('a call that fails in the node fails here, and the node goes on', async () => {
  const { node } = await scripted(`${stops}
    tell(call === 'report' ? { id, error: 'no such thing' } : { id, answer: argument })`)
  await assert.rejects(node.call('report', null), { code: 'DEVNET_NODE_FAILED', message: /no such thing/ })
  assert.equal(await node.call('stopAt', 4), 4)
  await node.stop()
})

test('a node that does not answer is given up', async () => {
  const { node } = await scripted(stops, { answerMs: 1 })
  await assert.rejects(node.call('report', null), { code: 'DEVNET_NODE_SILENT', message: /node-x .*"report"/ })
  await assert.rejects(node.stop(), { code: 'DEVNET_NODE_SILENT' }) // not even time to load
})

test('an aborted call throws the reason', async () => {
  const { node } = await scripted(stops)
  const controller = new AbortController()
  const called = node.call('report', null, controller.signal)
  controller.abort(new Error('interrupted'))
  await assert.rejects(called, { message: 'interrupted' })
  await assert.rejects(node.call('report', null, controller.signal), { message: 'interrupted' })
  await node.stop()
})

test('a node that breaks while it stops is a failure', async () => {
  const { node } = await scripted(`tell({ id, answer: null }); process.exitCode = 7; process.disconnect()`)
  await assert.rejects(node.stop(), { code: 'DEVNET_NODE_ENDED', message: /exit code 7/ })
})

test('a node that leaves something running is killed, and that is said', async () => {
  const { node } = await scripted(`${stops} setInterval(() => undefined, 1000); tell({ id, answer: null })`, {
    stopMs: 2_000
  })
  await node.call('report', null)
  await assert.rejects(node.stop(), { code: 'DEVNET_NODE_STUCK' })
  assert.equal(isRunning(node.pid ?? 0), false)
})
