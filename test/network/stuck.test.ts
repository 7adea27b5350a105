import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { pino } from 'pino'
import type { NodeEvent } from '../../src/node/node-events.ts'
import { pinoLogger } from '../../src/node/pino-logger.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import type { SyncWait } from '../../src/state-sync/index.ts'
import {
  buildChain,
  changingValidators,
  commitAt,
  FailingDisk,
  forkChain,
  lastCommitOfEpoch,
  TestNetwork,
  unusedPort
} from '../../src/testing/index.ts'
import { haltStore } from './meet-halt.ts'
import { Meeting } from './meet-liar.ts'

const LENGTH = 40
const chain = buildChain({ commits: LENGTH })
const epochs = { commits: 8, validators: changingValidators({ sizes: [4, 7] }), proofs: false }
const unproven = buildChain({ commits: 24, validators: 4, epochs })
/** As quick as it goes: no test waits long for a line. */
const config = { stuckMs: 1_000, commitsPerRange: 10 }

/** A line of the log. */
type Line = Pick<NodeEvent, 'text' | 'kind'> & {
  readonly component: string
  readonly level: number
  readonly cause?: string
}

/** A node's log, as an operator's tools would read it. */
function logOf(context: TestContext) {
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  const write = (json: string) => {
    const { msg: text, event: kind, ...rest } = JSON.parse(json)
    lines.push({ text, kind, ...rest })
    if (process.env.SHOW_LOG !== undefined) context.diagnostic(json.trimEnd())
    for (const wake of waiting) wake()
  }
  /** The first line about an event of a kind, and a cause, now or later: on a busy machine the first connection may be late, which is told first. */
  const said = async (kind: string, cause?: SyncWait['cause']): Promise<Line> => {
    const signal = AbortSignal.timeout(60_000)
    for (;;) {
      const line = lines.find((other) => other.kind === kind && (cause === undefined || other.cause === cause))
      if (line !== undefined) return line
      if (signal.aborted) assert.fail(`no line of ${kind} ${cause}, but ${lines.map(({ text }) => text).join('\n')}`)
      await new Promise<void>((resolve) => {
        waiting.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      waiting.clear()
    }
  }
  return { said, lines, logger: pinoLogger(pino({ level: 'info' }, { write })) }
}

/** The log and the status name the cause, in the same words, and the same events are in the status. */
async function assertStuck(node: SomaNode, line: Line, cause: SyncWait['cause'], ...facts: RegExp[]): Promise<void> {
  const { sync, events, highestSynced } = await node.status()
  assert.equal(sync.waiting?.cause, cause)
  assert.equal(sync.waiting.commit, highestSynced.index + 1)
  assert.equal(line.cause, cause)
  assert.equal(line.component, 'soma-p2p:state-sync')
  for (const fact of facts) {
    assert.match(line.text, fact)
    assert.match(`${sync.waiting.explanation} ${JSON.stringify(sync.waiting.asked)}`, fact)
  }
  assert.ok(events.some(({ text, kind }) => text === line.text && kind === line.kind))
}

describe('a stuck sync explains itself in the log and the status', { concurrency: 3 }, () => {
  it('nobody can be reached: who was dialled, where and how it failed; and it goes on when somebody can', async (context) => {
    await using network = new TestNetwork(chain)
    const port = await unusedPort()
    const { peerId } = await network.start({ validator: 0 })
    await network.stop(network.nodes[0] ?? assert.fail())
    const address = `/ip4/127.0.0.1/tcp/${port}`
    const log = logOf(context)
    const node = await network.start({ seeds: [`${address}/p2p/${peerId}`], logger: log.logger, config })
    const line = await log.said('stuck', 'no-peers')
    await assertStuck(node, line, 'no-peers', /no peer is connected/, /ECONNREFUSED/, new RegExp(address), /firewall/)
    assert.ok((await node.status()).sync.waiting?.asked.some((asked) => asked.peerId === peerId.toString()))
    await network.start({ validator: 0, commits: LENGTH, listen: [address] })
    assert.match((await log.said('going-on')).text, /the sync goes on, at commit \d+: it stood for \d+ s/)
    await network.reached(node, LENGTH)
  })

  it('all have pruned what it lacks: from where on they have commits, and that a checkpoint helps', async (context) => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ validator: 0, commits: LENGTH, prunedBelow: 20 })
    const log = logOf(context)
    const node = await network.start({ seeds: [server], logger: log.logger, config })
    const line = await log.said('stuck', 'pruned-everywhere')
    await assertStuck(
      node,
      line,
      'pruned-everywhere',
      /pruned what lies before commit 20/,
      /has commits 20 to 40/,
      new RegExp(`${server.peerId}`)
    )
    assert.match(line.text, /trusted checkpoint/)
    await network.start({ validator: 1, commits: LENGTH, seeds: [node] })
    await log.said('going-on')
    await network.reached(node, LENGTH)
  })

  it('the disk takes nothing: what it says; and it goes on when there is room', async (context) => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ validator: 0, commits: LENGTH })
    const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-stuck-'))
    const disk = new FailingDisk()
    const store = await disk.openStore(join(directory, 'chain'), { genesis: chain.genesis })
    const log = logOf(context)
    const node = await network.start({ store, logger: log.logger, config })
    context.after(async () => {
      await network.stop(node)
      await store.close()
      await rm(directory, { recursive: true })
    })
    disk.fail({ writes: 'full' })
    node.setConfiguredPeers(server.addresses())
    const line = await log.said('stuck', 'store-failing')
    await assertStuck(node, line, 'store-failing', /STORAGE_WRITE_FAILED/, /No space left on device/)
    assert.equal(line.level, 50)
    disk.heal()
    await log.said('going-on')
    await network.reached(node, LENGTH)
  })

  it('the executor has failed, and the sync is as far ahead as it may be: where it stands, and what it says', async (context) => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ validator: 0, commits: LENGTH })
    const log = logOf(context)
    const node = await network.start({ logger: log.logger, config: { ...config, maxExecutorLead: 10 } })
    const executor = node.subscribe({ name: 'executor' })[Symbol.asyncIterator]()
    const first = executor.next()
    node.setConfiguredPeers(server.addresses())
    await first
    node.reportHealth('executor', {
      state: 'failed',
      reason: 'commit 1 hands over another state [LEDGER_STATE_DIFFERS]'
    })
    const line = await log.said('stuck', 'executor-behind')
    await assertStuck(
      node,
      line,
      'executor-behind',
      /the executor stands at commit 0/,
      /10 commits ahead/,
      /LEDGER_STATE_DIFFERS/
    )
    node.reportHealth('executor', { state: 'ok' })
    for (let index = 2; index <= LENGTH; index++) await executor.next()
    await log.said('going-on')
    await network.reached(node, LENGTH)
  })

  it('the chain has forked: it halts, names the code and the evidence, as an error', async (context) => {
    const halt = await haltStore(context, chain.genesis)
    const log = logOf(context)
    const fork = forkChain(chain, { after: 10, commits: LENGTH })
    await using meeting = await Meeting.begin(
      chain,
      { chain: fork },
      { commits: 20, store: halt.store, logger: log.logger, config }
    )
    await halt.record
    const line = await log.said('halted')
    await assertStuck(
      meeting.victim,
      line,
      'halted',
      /SYNC_FORK: certified commit 21 does not follow/,
      /state-sync\/halt/
    )
    assert.equal(line.level, 50)
  })

  it('the peer that has it does not deliver: what it answered, how often', async (context) => {
    const log = logOf(context)
    const failing = { fetchBlocks: { answer: (): never => assert.fail('a server that fails inside') } }
    await using meeting = await Meeting.begin(chain, { script: failing }, { logger: log.logger, config })
    const line = await log.said('stuck', 'peers-fail')
    await assertStuck(
      meeting.victim,
      line,
      'peers-fail',
      /peers that have commit 1 were asked and do not deliver it/,
      /RPC_[A-Z_]+/
    )
    assert.equal((await meeting.victim.status()).sync.waiting?.asked[0]?.peerId, meeting.liar.peerId.toString())
    await meeting.recover()
    await log.said('going-on')
  })

  it('a committee is to be inserted: of which epoch, and by whom', async (context) => {
    await using network = new TestNetwork(unproven)
    const handOver = 'inserted'
    const server = await network.start({ commits: 24, handOver })
    const log = logOf(context)
    const node = await network.start({ seeds: [server], handOver, logger: log.logger, config })
    const line = await log.said('stuck', 'committee-awaited')
    await assertStuck(node, line, 'committee-awaited', /commit 9 is of epoch 1/, /whether it has executed commit 8/)
    const last = lastCommitOfEpoch(unproven, 0)
    const [, committee] = unproven.committees
    await node.insertCommittee(committee ?? assert.fail(), commitAt(unproven, last).subDag.commit.ref)
    await network.reached(node, 16)
  })
})
