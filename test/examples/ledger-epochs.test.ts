import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ExecutedCommit, type Ledger, type LedgerOptions, openLedger } from '../../examples/ledger/ledger.ts'
import { StateDivergedError } from '../../examples/ledger/ledger-error.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import { commitAt } from '../../src/testing/chain-builder.ts'
import { buildExecutedChain, type ExecutedChain } from './ledger-epoch-chain.ts'

const PER_EPOCH = 4
const LENGTH = 3 * PER_EPOCH + 2
const chain = await buildExecutedChain({ commits: LENGTH, perEpoch: PER_EPOCH })
const subDags = chain.commits.map(({ subDag }) => subDag)
const failsWith = (code: string) => (thrown: unknown) => errorCode(thrown) === code

function open(options: Partial<LedgerOptions> = {}, of: ExecutedChain = chain): Promise<Ledger> {
  return openLedger('memory', {
    genesis: of.genesis,
    transactions: 'certified',
    level: createMemoryLevel(),
    ...options
  })
}

function assertStates(executed: readonly ExecutedCommit[], of: ExecutedChain = chain): void {
  for (const { index, stateDigest } of executed) {
    assert.equal(toHex(stateDigest), toHex(of.states[index] ?? assert.fail()), `commit ${index}`)
  }
}

describe('a ledger on a chain whose epochs hand over by proof', () => {
  it('changes its epoch at the last commit of each, and says who comes next', async () => {
    const ledger = await open()
    const executed: ExecutedCommit[] = []
    for (const subDag of subDags) {
      assert.equal(ledger.epoch, subDag.commit.commit.epoch)
      executed.push(...(await ledger.execute([subDag])))
    }
    assert.equal(ledger.epoch, 3)
    assert.deepEqual(
      executed.map(({ handOver }) => handOver?.nextCommittee.epoch),
      executed.map(({ index }) => (index % PER_EPOCH === 0 ? index / PER_EPOCH : undefined))
    )
    const { handOver } = executed[PER_EPOCH - 1] ?? assert.fail()
    assert.deepEqual(handOver?.lastCommit, commitAt(chain, PER_EPOCH).subDag.commit.ref)
    assert.deepEqual(handOver?.nextCommittee.digest, chain.committees[1]?.digest)
    assert.equal(await ledger.getHandOver(0), undefined, 'the node knows it from the chain itself')
    for (const kind of ['failed', 'duplicates', 'endsOfPublish'] as const) {
      assert(
        executed.some((commit) => commit[kind] > 0),
        `the chain has no ${kind}`
      )
    }
    await ledger.close()
  })

  it('comes to the same states in groups of every size, and resumed at every commit', async () => {
    for (let size = 1; size <= LENGTH; size++) {
      const ledger = await open()
      for (let start = 0; start < LENGTH; start += size)
        assertStates(await ledger.execute(subDags.slice(start, start + size)))
      assert.equal(ledger.highestExecuted, LENGTH)
      await ledger.close()
    }
    for (let at = 0; at <= LENGTH; at++) {
      const level = createMemoryLevel()
      const before = await open({ level })
      await before.execute(subDags.slice(0, at))
      await before.close()
      const after = await open({ level })
      assert.equal(after.epoch, Math.floor(at / PER_EPOCH))
      assertStates(await after.execute(subDags.slice(at)))
      assert.equal(after.highestExecuted, LENGTH)
      await after.close()
    }
  })

  it('takes epochs of a single commit, the first of which hands over the state of the genesis', async () => {
    const short = await buildExecutedChain({ commits: 4, perEpoch: 1 })
    const ledger = await open({}, short)
    assertStates(await ledger.execute(short.commits.map(({ subDag }) => subDag)), short)
    assert.equal(ledger.epoch, 4)
    await ledger.close()
  })

  it('executes no last commit that hands over another state than its own, but those before it', async () => {
    const last = 2 * PER_EPOCH
    const foreign = new Uint8Array(32).fill(9)
    const tampered = await buildExecutedChain({
      commits: last + 1,
      perEpoch: last,
      tamper: (state, index) => (index === last - 1 ? foreign : state)
    })
    const ledger = await open({}, tampered)
    const all = tampered.commits.map(({ subDag }) => subDag)
    await assert.rejects(ledger.execute(all), (thrown) => {
      assert(thrown instanceof StateDivergedError)
      assert.equal(thrown.code, 'LEDGER_STATE_DIVERGED')
      const { own, handedOver, commit } = thrown
      assert.deepEqual(
        { own, handedOver, commit },
        { own: tampered.states[last - 1], handedOver: foreign, commit: last }
      )
      return true
    })
    for (let time = 1; time <= 2; time++) {
      assert.equal(ledger.highestExecuted, last - 1)
      assert.equal(ledger.epoch, 0)
      await assert.rejects(ledger.execute(all.slice(-1)), failsWith('LEDGER_STATE_DIVERGED'))
    }
    await ledger.close()
  })

  it('is compared by a ledger of opaque transactions too', async () => {
    const ledger = await open({ transactions: 'opaque' }) // it folds the same transactions to another state
    await assert.rejects(ledger.execute(subDags), failsWith('LEDGER_STATE_DIVERGED'))
    assert.equal(ledger.highestExecuted, PER_EPOCH - 1)
    await ledger.close()
  })
})

describe('a ledger on a chain without proofs', async () => {
  const unproven = await buildExecutedChain({ commits: LENGTH, perEpoch: PER_EPOCH, proofs: false })
  const all = unproven.commits.map(({ subDag }) => subDag)
  const { epochEnds } = unproven

  it('changes its epoch where it was told that epochs end', async () => {
    const ledger = await open({ epochEnds }, unproven)
    assertStates(await ledger.execute(all), unproven)
    assert.equal(ledger.epoch, 3)
    await ledger.close()
  })

  it('keeps what the node has to be told, also after a restart', async () => {
    const level = createMemoryLevel()
    const before = await open({ epochEnds, level }, unproven)
    await before.execute(all.slice(0, PER_EPOCH + 1))
    await before.close()
    const ledger = await open({ epochEnds, level }, unproven)
    assert.deepEqual(await ledger.getHandOver(0), {
      lastCommit: commitAt(unproven, PER_EPOCH).subDag.commit.ref,
      nextCommittee: epochEnds(0)?.nextCommittee
    })
    assert.equal(await ledger.getHandOver(1), undefined, 'not executed yet')
    await ledger.close()
  })

  it('refuses a commit of another epoch than it has come to', async () => {
    const cases = {
      'nobody said where epochs end': undefined,
      'the epoch is said to end later': (epoch: number) => ({ ...(epochEnds(epoch) ?? assert.fail()), lastCommit: 5 }),
      'the epoch is said to end earlier': (epoch: number) => ({ ...(epochEnds(epoch) ?? assert.fail()), lastCommit: 3 })
    }
    for (const [name, ends] of Object.entries(cases)) {
      const ledger = await open({ epochEnds: ends }, unproven)
      await assert.rejects(ledger.execute(all), failsWith('LEDGER_WRONG_EPOCH'), name)
      assert.equal(ledger.highestExecuted, name.endsWith('earlier') ? 3 : PER_EPOCH, name)
      await ledger.close()
    }
  })

  it('holds another state where another committee is said to come', async () => {
    const other = (epoch: number) => ({
      lastCommit: epochEnds(epoch)?.lastCommit ?? 0,
      nextCommittee: unproven.genesis.committee
    })
    const ledger = await open({ epochEnds: other }, unproven)
    const executed = await ledger.execute(all.slice(0, PER_EPOCH))
    assertStates(executed.slice(0, -1), unproven)
    assert.notDeepEqual(ledger.stateDigest, unproven.states[PER_EPOCH])
    await ledger.close()
  })
})

describe('the state after a commit', () => {
  it('is told at once where it is executed, that of the genesis before any', async () => {
    const ledger = await open()
    assert.deepEqual(await ledger.stateAfter(0), chain.genesis.stateHash)
    await ledger.execute(subDags.slice(0, 5))
    for (let index = 0; index <= 5; index++) assert.deepEqual(await ledger.stateAfter(index), chain.states[index])
    await ledger.close()
  })

  it('is waited for, by several, also within a group', async () => {
    const ledger = await open()
    const waiting = [3, 5, 3].map((index) => ledger.stateAfter(index))
    await ledger.execute(subDags.slice(0, 2))
    await ledger.execute(subDags.slice(2, 6))
    assert.deepEqual(
      await Promise.all(waiting),
      [3, 5, 3].map((index) => chain.states[index])
    )
    await ledger.close()
  })

  it('is given up with the signal, before and while it is waited for, and when the ledger closes', async () => {
    const ledger = await open()
    const reason = new Error('no longer wanted')
    await assert.rejects(ledger.stateAfter(1, { signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const aborted = ledger.stateAfter(1, controller)
    const closed = ledger.stateAfter(1)
    controller.abort(reason)
    await assert.rejects(aborted, reason)
    await Promise.all([assert.rejects(closed, failsWith('LEDGER_CLOSED')), ledger.close()])
    await assert.rejects(ledger.stateAfter(1), failsWith('LEDGER_CLOSED'))
  })
})
