import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { PeerReport } from '../../src/index.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { fetchBlocks } from '../../src/state-sync/protocols.ts'
import { buildChain, commitAt, TestNetwork } from '../../src/testing/index.ts'
import type { AttackName, ServingAttackOptions } from './serving-attackers.ts'

const COMMITS = 60
/** Blocks of some 20 kB, so that an answer is more than fits into a stream's window. */
const chain = buildChain({ commits: COMMITS, transactions: 10, transactionBytes: 2_000 })
const PATIENCE_MS = 180_000

interface Siege extends AsyncDisposable {
  readonly network: TestNetwork
  readonly server: SomaNode
  readonly reports: readonly PeerReport[]
}

/** A validator with the whole chain that is attacked by peers of another process. */
async function besiege(
  attack: AttackName,
  { peers, streams }: Pick<ServingAttackOptions, 'peers' | 'streams'>
): Promise<Siege> {
  const network = new TestNetwork(chain)
  const reports: PeerReport[] = []
  const config = { maxConnections: 1_000 }
  const onPeerReport = (report: PeerReport) => reports.push(report)
  const server = await network.start({ validator: 0, commits: COMMITS, config, onPeerReport })
  const [address = ''] = server.addresses()
  const refs = chain.commits.flatMap(({ subDag }) => subDag.commit.commit.blocks)
  const options: ServingAttackOptions = {
    attack,
    genesis: toHex(chain.genesis.bytes),
    address,
    peers,
    streams,
    blocks: toHex(fetchBlocks.request.encode({ refs }))
  }
  const attackers = fork(new URL('serving-attackers.ts', import.meta.url), [JSON.stringify(options)])
  const lift = async () => {
    attackers.kill('SIGKILL')
    if (attackers.exitCode === null && attackers.signalCode === null) await once(attackers, 'exit')
    await network[Symbol.asyncDispose]()
  }
  try {
    await once(attackers, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })
  } catch (thrown) {
    await lift()
    throw thrown
  }
  return { network, server, reports, [Symbol.asyncDispose]: lift }
}

/** A newcomer that knows the besieged node alone gets the whole chain from it, while the attack goes on. */
async function assertServes({ network, server }: Pick<Siege, 'network' | 'server'>): Promise<void> {
  const newcomer = await network.start({ seeds: [server] })
  await network.reached(newcomer, COMMITS, { signal: AbortSignal.timeout(PATIENCE_MS) })
  const stored = await newcomer.store.getCommit(COMMITS)
  assert.deepEqual(stored?.ref, commitAt(chain, COMMITS).subDag.commit.ref)
}

/** Resolves when a peer was reported for something, and that had a consequence. */
async function reported(
  reports: readonly PeerReport[],
  code: string,
  consequence: PeerReport['consequence']
): Promise<void> {
  const deadline = AbortSignal.timeout(PATIENCE_MS)
  while (!reports.some((report) => report.code === code && report.consequence === consequence)) {
    await delay(50, undefined, { signal: deadline })
  }
}

describe('a server under attack goes on serving', () => {
  it('a hundred peers hoard a thousand streams each', async () => {
    await using siege = await besiege('hoard', { peers: 100, streams: 1_000 })
    await assertServes(siege)
  })

  it('peers begin requests on many streams and never end them', async () => {
    await using siege = await besiege('half-open', { peers: 30, streams: 90 })
    await assertServes(siege)
    await reported(siege.reports, 'RPC_TIMEOUT', 'backoff')
  })

  it('peers send a request a byte at a time', async () => {
    await using siege = await besiege('trickle', { peers: 30, streams: 40 })
    await assertServes(siege)
  })

  it('peers ask for all blocks on many streams and read nothing', async () => {
    await using siege = await besiege('never-read', { peers: 60, streams: 8 })
    await assertServes(siege)
  })

  it('peers ask on and on, whatever they are answered: they are banned', async () => {
    await using siege = await besiege('flood', { peers: 20, streams: 10 })
    await assertServes(siege)
    await reported(siege.reports, 'RPC_UNEXPECTED_FRAME', 'ban')
  })

  it('peers ask for a thousand blocks that are not there, over and over', async () => {
    await using siege = await besiege('cost', { peers: 20, streams: 10 })
    await assertServes(siege)
    await reported(siege.reports, 'RPC_UNEXPECTED_FRAME', 'ban')
  })

  it('peers open streams and reset them without a pause', async () => {
    await using siege = await besiege('rapid-reset', { peers: 20, streams: 20 })
    await assertServes(siege)
    await reported(siege.reports, 'RPC_TOO_MANY_STREAMS', 'ban')
  })

  it('connections are opened by the hundred, and say nothing', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ validator: 0, commits: COMMITS })
    const port = Number(server.addresses()[0]?.split('/')[4])
    const sockets = Array.from({ length: 300 }, () => connect({ host: '127.0.0.1', port }).on('error', () => {}))
    try {
      await assertServes({ network, server })
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  })
})
