import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWhenIdle } from '../../examples/end-when-idle.ts'
import { createNode } from '../../src/node/create-node.ts'
import { createNodeMetrics } from '../../src/operator/index.ts'
import { buildChain, commitAt } from '../../src/testing/index.ts'

// A process that makes, measures, uses and stops two nodes, and then does nothing: it ends by itself only if they left nothing running.
const chain = buildChain({ commits: 50 })
const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-stopped-'))
const options = {
  genesis: chain.genesis,
  config: { signatureWorkers: 2, discoveryIntervalMs: 100, privateNetwork: true }
}
const [ofServer, ofClient] = [createNodeMetrics({ directory }), createNodeMetrics({ directory })]
const server = await createNode({ ...options, metrics: ofServer, store: join(directory, 'server') })
await server.start()
for (let index = 1; index <= 50; index++) await server.consensus.sendCommit(commitAt(chain, index))
const clientOptions = { store: join(directory, 'client'), seeds: server.addresses() }
const client = await createNode({ ...options, ...clientOptions, metrics: ofClient })
await client.start()
for await (const { commit } of client.subscribe({ name: 'reader', from: 1 })) if (commit.ref.index === 50) break
for (const metrics of [ofServer, ofClient]) assert.match(await metrics.text(), /^soma_p2p_highest_synced_commit 50$/m)
await Promise.all([client.stop(), server.stop()])
await rm(directory, { recursive: true })

process.disconnect?.()
await new Promise((resolve) => setImmediate(resolve))
const left = process
  .getActiveResourcesInfo()
  .filter((kind) => !/^(PipeWrap|TTYWrap|Immediate|FSReqPromise|CloseReq)$/.test(kind))
assert.deepEqual(left, [], `left running: ${left.join(', ')}`)
endWhenIdle()
