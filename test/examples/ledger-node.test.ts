import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pino } from 'pino'
import { SupervisedExecutor } from '../../examples/cli/supervised-executor.ts'
import { type ExecutedCommit, type Ledger, type LedgerOptions, openLedger } from '../../examples/ledger/ledger.ts'
import { runExecutor } from '../../examples/ledger/run-executor.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import { buildChain, type Chain, TestNetwork } from '../../src/testing/index.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { FailingLevel } from '../storage/failing-level.ts'
import { buildExecutedChain } from './ledger-epoch-chain.ts'

const PER_EPOCH = 4
const LENGTH = 3 * PER_EPOCH + 2
const unproven = await buildExecutedChain({ commits: LENGTH, perEpoch: PER_EPOCH, proofs: false })
const { epochEnds } = unproven
const silent = pino({ level: 'silent' })

interface Running extends AsyncDisposable {
  readonly ledger: Ledger
  readonly executed: ExecutedCommit[]
}

/** A ledger of the unproven chain, and whoever executes the commits of a node into it. */
async function execute(node: SomaNode, upTo = 0, options: Partial<LedgerOptions> = {}): Promise<Running> {
  const ledger = await openLedger('memory', {
    genesis: unproven.genesis,
    transactions: 'certified',
    epochEnds,
    level: createMemoryLevel(),
    ...options
  })
  await ledger.execute(unproven.commits.slice(0, upTo).map(({ subDag }) => subDag))
  const stop = new AbortController()
  const executed: ExecutedCommit[] = []
  const running = runExecutor({ node, ledger, signal: stop.signal, onExecuted: (commit) => executed.push(commit) })
  running.catch(() => undefined) // told at the end
  return {
    ledger,
    executed,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await ledger.close()
    }
  }
}

function disposable(ledger: Ledger): Ledger & AsyncDisposable {
  return Object.assign(ledger, { [Symbol.asyncDispose]: () => ledger.close() })
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((wake) => setTimeout(wake, 10))
}

const startInserted = (network: TestNetwork, options: Parameters<TestNetwork['start']>[0]) =>
  network.start({ handOver: 'inserted', ...options })

describe('an executing node of a chain without proofs', { timeout: 120_000 }, () => {
  it('ends each epoch for its own sync, and executes synced commits as those of local consensus', async () => {
    await using network = new TestNetwork(unproven)
    const validator = await startInserted(network, { validator: 0 })
    const node = await startInserted(network, { seeds: [validator] })
    await using made = await execute(validator)
    await using synced = await execute(node)
    for (let index = 1; index <= LENGTH; index++) {
      const { epoch } = unproven.commits[index - 1]?.subDag.commit.commit ?? assert.fail()
      await until(async () => (await validator.status()).epoch === epoch)
      await network.commit(index, [validator])
    }
    for (const { ledger, executed } of [made, synced]) {
      assert.equal(toHex(await ledger.stateAfter(LENGTH)), toHex(unproven.states[LENGTH] ?? assert.fail()))
      assert.deepEqual(
        executed.map(({ index, stateDigest }) => [index, toHex(stateDigest)]),
        unproven.states.map((state, index) => [index, toHex(state)]).slice(1)
      )
    }
  })

  for (const { name, commits, executed } of [
    { name: 'has executed an epoch and not told its node', commits: PER_EPOCH, executed: PER_EPOCH },
    { name: 'has executed an epoch, and the store beneath it was taken away', commits: 0, executed: PER_EPOCH },
    { name: 'is ahead of its store by two epochs', commits: 2, executed: 2 * PER_EPOCH + 1 },
    { name: 'has executed less than its node has stored', commits: PER_EPOCH, executed: 1 }
  ]) {
    it(`goes on when it ${name}`, async () => {
      await using network = new TestNetwork(unproven)
      const server = await startInserted(network, { commits: LENGTH })
      const node = await startInserted(network, { commits, seeds: [server] })
      await using running = await execute(node, executed)
      assert.deepEqual(await running.ledger.stateAfter(LENGTH), unproven.states[LENGTH])
      await network.reached(node, LENGTH)
      assert.equal(running.executed[0]?.index, executed + 1)
    })
  }

  it('halts its sync when it says that another committee comes than the chain has gone on with', async () => {
    await using network = new TestNetwork(unproven)
    const node = await startInserted(network, { commits: LENGTH })
    const wrong = (epoch: number) => {
      const { nextCommittee, lastCommit } = epochEnds(epoch) ?? assert.fail()
      return { lastCommit, nextCommittee: { ...nextCommittee, digest: new Uint8Array(32) } }
    }
    const level = createMemoryLevel()
    const ledger = await openLedger('', { ...unproven, transactions: 'certified', epochEnds: wrong, level })
    const running = runExecutor({ node, ledger, signal: new AbortController().signal })
    await assert.rejects(running, { code: 'SYNC_COMMITTEE_CONFLICT' })
    assert.match(JSON.stringify((await node.status()).health['state-sync']), /SYNC_COMMITTEE_CONFLICT/)
    await ledger.close()
  })
})

describe('an executor that fails', { timeout: 120_000 }, () => {
  const chain = buildChain({ commits: 300 })

  /** Supervised, by a clock that stands still. */
  async function supervise(node: SomaNode, of: Pick<Chain, 'genesis'>, options: Partial<LedgerOptions>) {
    const ledger = await openLedger('', { genesis: of.genesis, ...options })
    const clock = new ManualClock()
    const stop = new AbortController()
    const running = new SupervisedExecutor({ node, ledger, clock, signal: stop.signal, log: silent }).run()
    const end = async () => {
      stop.abort()
      await running
      await ledger.close()
    }
    return { ledger, clock, end }
  }

  for (const outcome of ['torn', 'unflushed'] as const) {
    it(`at a write that is ${outcome} lets the sync go on, says so, and resumes at that commit`, async () => {
      await using network = new TestNetwork(chain)
      const validator = await network.start({ validator: 0, commits: 200 })
      const node = await network.start({ seeds: [validator] })
      const level = new FailingLevel()
      level.onWrite('done', outcome)
      const { ledger, clock, end } = await supervise(node, chain, { level })
      await until(() => clock.sleeping > 0)
      const stuck = ledger.highestExecuted
      assert(stuck > 0, 'the first write was done')
      const { health } = await node.status()
      assert.equal(health.executor?.state, 'degraded')
      assert.match(health.executor?.reason ?? '', /LEDGER_WRITE_FAILED/)

      for (let index = 201; index <= 300; index++) await network.commit(index, [validator])
      await network.reached(node, 300)
      assert.equal(ledger.highestExecuted, stuck)
      level.onOpen('fails') // no room for the database to open, either
      clock.advance(60_000)
      await until(() => clock.sleeping > 0)
      assert.equal(ledger.highestExecuted, stuck)

      clock.advance(60_000)
      await ledger.stateAfter(300)
      assert.deepEqual((await node.status()).health.executor, { state: 'ok' })
      const undisturbed = await openLedger('', { genesis: chain.genesis, level: createMemoryLevel() })
      const subDags = chain.commits.map(({ subDag }) => subDag)
      for (const { index, stateDigest } of await undisturbed.execute(subDags)) {
        assert.deepEqual(await ledger.getStateDigest(index), stateDigest, `commit ${index}`)
      }
      assert.equal(ledger.transactions, undisturbed.transactions)
      await undisturbed.close()
      await end()
    })
  }

  it('at the last write of an epoch that the disk kept tells its node of the next', async () => {
    await using network = new TestNetwork(unproven)
    const server = await startInserted(network, { commits: LENGTH })
    const node = await startInserted(network, { commits: PER_EPOCH, seeds: [server] })
    const level = new FailingLevel()
    level.onWrite('unflushed')
    const { ledger, clock, end } = await supervise(node, unproven, { transactions: 'certified', epochEnds, level })
    await until(() => clock.sleeping > 0)
    assert.equal(ledger.highestExecuted, 0)
    clock.advance(60_000)
    assert.deepEqual(await ledger.stateAfter(LENGTH), unproven.states[LENGTH])
    assert.deepEqual((await node.status()).health.executor, { state: 'ok' })
    await end()
  })

  it('at a state that is not its own says that it has failed, and harms nothing else', async () => {
    const tampered = await buildExecutedChain({ commits: 6, perEpoch: 6, tamper: () => new Uint8Array(32).fill(9) })
    await using network = new TestNetwork(tampered)
    const validator = await network.start({ validator: 0, commits: 6 })
    const node = await network.start({ seeds: [validator] })
    const options = { transactions: 'certified', level: createMemoryLevel() } as const
    const { ledger, clock, end } = await supervise(node, tampered, options)
    await until(() => clock.sleeping > 0 && ledger.highestExecuted === 5)
    await until(async () => (await node.status()).health.executor?.state === 'failed')
    assert.match((await node.status()).health.executor?.reason ?? '', /LEDGER_STATE_DIVERGED/)
    await network.reached(node, 6)
    assert.equal((await node.status()).epoch, 1)
    await end()

    // the next node asks this ledger before it stores
    await using ledgerAgain = disposable(await openLedger('', { genesis: tampered.genesis, ...options }))
    const localStateHash = (last: number) => ledgerAgain.getStateDigest(last - 1)
    const asking = await network.start({ commits: 5, seeds: [validator], localStateHash })
    await until(async () => (await asking.status()).health['state-sync']?.state === 'failed')
    assert.equal(asking.store.watermarks.highestSynced.index, 5)
  })
})

describe('subscribers of one node', { timeout: 120_000 }, () => {
  const chain = buildChain({ commits: 300 })

  it('go at their own pace, each from where it likes, beside one that never comes back and one that gives up', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ validator: 0, commits: 300 })
    const node = await network.start({ seeds: [validator] })
    const stuck = node.subscribe({ name: 'stuck' })[Symbol.asyncIterator]()
    assert.equal((await stuck.next()).value?.commit.ref.index, 1)

    const follow = async (from: number, pause: () => Promise<unknown>): Promise<number[]> => {
      const seen: number[] = []
      for await (const { commit } of node.subscribe({ from })) {
        seen.push(commit.ref.index)
        await pause()
        if (commit.ref.index === 300) break
      }
      return seen
    }
    const giveUp = new AbortController()
    const [quick, slow, given] = await Promise.all([
      follow(1, async () => undefined),
      follow(250, () => new Promise(setImmediate)),
      (async () => {
        let last = 0
        for await (const { commit } of node.subscribe({ signal: giveUp.signal })) {
          last = commit.ref.index
          if (last === 7) giveUp.abort()
        }
        return last
      })()
    ])
    assert.deepEqual(
      quick,
      Array.from({ length: 300 }, (_, at) => at + 1)
    )
    assert.deepEqual(
      slow,
      Array.from({ length: 51 }, (_, at) => at + 250)
    )
    assert.equal(given, 7)
    assert.equal((await node.status()).cursors.stuck, 0)
    assert.equal(node.store.watermarks.highestSynced.index, 300)
    assert.equal((await stuck.next()).value?.commit.ref.index, 2)
    await stuck.return?.()
  })
})
