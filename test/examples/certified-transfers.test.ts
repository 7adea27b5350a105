import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Ledger, openLedger } from '../../examples/ledger/ledger.ts'
import { certifiedTransfers, MOST_OF_A_USER, TRANSFER_BYTES } from '../../examples/scripted/certified-transfers.ts'
import { ExecutedConsensus } from '../../examples/scripted/executed-consensus.ts'
import { rotatingCommittee } from '../../examples/scripted/rotating-committee.ts'
import { consensusTransactionMessage } from '../../src/consensus/transaction.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { membersOf } from '../../src/testing/committee-builder.ts'
import type { ScriptedCommit, ScriptedConsensusOptions } from '../../src/testing/scripted-consensus.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { createTransactionVerifier } from '../../src/verify/transaction-verifier.ts'
import { fingerprint } from '../testing/epoch-chain.ts'

const USERS = 12
let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-transfers-'))
})
after(() => rm(directory, { recursive: true }))

/** A chain whose validators change, and of which each process makes its own options. */
function optionsOf(epochCommits: number, validators = 4): ScriptedConsensusOptions {
  const { genesis, keys } = buildChain({ commits: 0, validators })
  const { chainId, committee } = genesis
  return {
    genesis,
    keys,
    seed: 1,
    content: certifiedTransfers({ chainId, seed: 1, users: USERS }),
    epochs: { commits: epochCommits, validators: rotatingCommittee(membersOf({ committee, keys })) }
  }
}

/** A ledger that executes what a consensus above it makes. */
async function ledgerOf(name: string, { genesis }: ScriptedConsensusOptions): Promise<Ledger> {
  return await openLedger(join(directory, name), { genesis, transactions: 'certified' })
}

async function make(consensus: ExecutedConsensus, ledger: Ledger, count: number): Promise<ScriptedCommit[]> {
  const commits: ScriptedCommit[] = []
  while (commits.length < count) {
    const commit = await consensus.nextCommit()
    if (commit.subDag.commit.ref.index > ledger.highestExecuted) await ledger.execute([commit.subDag])
    commits.push(commit)
  }
  return commits
}

describe('certified transfers', () => {
  for (const [length, validators] of [
    [1, 4],
    [3, 4],
    [5, 1]
  ] as const) {
    test(`in epochs of ${length}, with ${validators} validators: all are valid, and each is executed once`, async () => {
      const options = optionsOf(length, validators)
      const { chainId } = options.genesis
      const ledger = await ledgerOf(`all-${length}`, options)
      const consensus = new ExecutedConsensus(options, ledger)
      const verifier = createTransactionVerifier({ chainId, signatures: createMainThreadVerifier() })
      const commits = 6 * length
      const totals = { transactions: 0, failed: 0, duplicates: 0, endsOfPublish: 0, unreadable: 0 }
      let authors = 0
      for (let index = 1; index <= commits; index++) {
        const plan = consensus.epochOf(index)
        const { subDag } = await consensus.nextCommit()
        for (const { block } of subDag.blocks) {
          const { author, transactions } = block
          assert.equal(await verifier.verify(transactions, plan.committee, { author }), undefined)
          assert.ok(transactions.length <= MOST_OF_A_USER * Math.ceil(USERS / plan.keys.length))
          for (const bytes of transactions) assert.ok(bytes.byteLength <= TRANSFER_BYTES)
        }
        const [executed] = await ledger.execute([subDag])
        assert.ok(executed !== undefined)
        for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += executed[key]
        if (index === plan.lastCommit) authors += plan.keys.length
      }
      // Each epoch has one round more of transfers than commits.
      const rounds = 6 * (length + 1)
      assert.equal(totals.transactions - totals.failed, USERS * rounds)
      assert.ok(totals.failed > 0)
      assert.ok(totals.duplicates > 0)
      assert.equal(totals.endsOfPublish, authors)
      assert.equal(totals.unreadable, 0)
      assert.equal(ledger.epoch, 6)
      await ledger.close()
    })
  }

  test('a transfer comes again in the next epoch, certified by its committee', () => {
    const { consensus } = buildChain({ commits: 0 })
    const { chainId } = buildChain({ commits: 0 }).genesis
    const content = certifiedTransfers({ chainId, seed: 1, users: 1 })
    const [first, second] = [consensus.epoch(0), { ...consensus.epoch(0), epoch: 1, lastRound: 6 }]
    const inFirst = content({ plan: { ...first, lastRound: 6 }, round: 3, author: 0, roundKey: chainId })
    const inSecond = content({ plan: second, round: 1, author: 1, roundKey: chainId })
    const payloads = [inFirst, inSecond].map((entries) =>
      entries.map((bytes) => toHex(consensusTransactionMessage.decode(bytes).certified?.payload ?? new Uint8Array(0)))
    )
    assert.deepEqual(payloads[0]?.slice(-1), payloads[1])
  })

  test('has no end where epochs have none', () => {
    const { consensus, genesis } = buildChain({ commits: 0 })
    const content = certifiedTransfers({ chainId: genesis.chainId, seed: 1, users: 8 })
    const plan = consensus.epoch(0)
    assert.ok(content({ plan, round: 100_000, author: 0, roundKey: genesis.chainId }).length >= 2)
    assert.deepEqual(
      certifiedTransfers({ chainId: genesis.chainId, seed: 1, users: 0 })({
        plan,
        round: 1,
        author: 0,
        roundKey: genesis.chainId
      }),
      []
    )
  })
})

describe('a scripted consensus above a ledger', () => {
  test('goes on after every commit as if it had never stopped, in another process', async () => {
    for (const length of [1, 3]) {
      const options = optionsOf(length)
      const ledger = await ledgerOf(`resumed-${length}`, options)
      const consensus = new ExecutedConsensus(options, ledger)
      const snapshots = [consensus.snapshot()]
      const straight: string[] = []
      for (let index = 1; index <= 8; index++) {
        const [commit] = await make(consensus, ledger, 1)
        assert.ok(commit !== undefined)
        straight.push(fingerprint(commit))
        snapshots.push(consensus.snapshot())
      }
      for (const [taken, snapshot] of snapshots.slice(0, 6).entries()) {
        const resumed = new ExecutedConsensus(optionsOf(length), ledger, snapshot)
        const made = (await make(resumed, ledger, 3)).map(fingerprint)
        assert.deepEqual(made, straight.slice(taken, taken + 3), `epochs of ${length}, resumed after ${taken}`)
      }
      await ledger.close()
    }
  })

  test('hands over the state after the commit before the last, and waits for it', async () => {
    const options = optionsOf(3)
    const ledger = await ledgerOf('waits', options)
    const consensus = new ExecutedConsensus(options, ledger)
    const first = await consensus.nextCommit()
    const second = await consensus.nextCommit()
    assert.equal(consensus.needsState, true)
    let isMade = false
    const last = consensus.nextCommit().then((commit) => {
      isMade = true
      return commit
    })
    await ledger.execute([first.subDag])
    assert.equal(isMade, false)
    await ledger.execute([second.subDag])
    const state = ledger.stateDigest
    const { subDag } = await last
    assert.deepEqual(subDag.blocks.at(-1)?.block.endOfEpoch?.stateHash, state)
    await ledger.close()
  })

  test('stops waiting when it is to stop, or the ledger closes, and can be asked again', async () => {
    const options = optionsOf(2)
    const ledger = await ledgerOf('stops', options)
    const consensus = new ExecutedConsensus(options, ledger)
    const { subDag } = await consensus.nextCommit()
    const controller = new AbortController()
    const aborted = assert.rejects(consensus.nextCommit({ signal: controller.signal }), { message: 'over' })
    controller.abort(new Error('over'))
    await aborted
    assert.equal(consensus.lastCommit.index, 1)
    await ledger.execute([subDag])
    await consensus.nextCommit()
    await consensus.nextCommit()
    const closed = assert.rejects(consensus.nextCommit(), { code: 'LEDGER_CLOSED' })
    await ledger.close()
    await closed
  })

  test('waits for nothing where epochs do not prove who comes next', async () => {
    const { epochs, ...options } = optionsOf(2)
    assert.ok(epochs !== undefined)
    const ledger = { stateAfter: () => assert.fail('asked for a state') }
    const consensus = new ExecutedConsensus({ ...options, epochs: { ...epochs, proofs: false } }, ledger)
    for (let index = 1; index <= 5; index++) await consensus.nextCommit()
    assert.equal(consensus.lastCommit.index, 5)
  })
})
