import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { quietLogger } from '../../src/node/quiet-logger.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { CommitWriter } from '../../src/state-sync/commit-writer.ts'
import { CommittedTimestamps } from '../../src/state-sync/committed-timestamps.ts'
import { LocalConsensus } from '../../src/state-sync/local-consensus.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { buildChain, commitAt, forgeCommit, forkChain } from '../../src/testing/index.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { acquireSignaturePool } from '../../src/verify/signature-pool.ts'
import { epochsOf, handOversOf } from './open-epochs.ts'

const chain = buildChain({ commits: 12 })

async function open() {
  const store = await openMemoryStore({ genesis: chain.genesis })
  const signatures = await acquireSignaturePool({ workers: 0 })
  const blockVerifier = createBlockVerifier({
    chainId: chain.genesis.chainId,
    signatures,
    getCommittee: (epoch) => store.getCommittee(epoch)
  })
  const epochs = epochsOf(store)
  const writer = new CommitWriter({ store, epochs, handOvers: handOversOf(store, epochs), onStored: () => {} })
  await writer.open()
  const timestamps = new CommittedTimestamps()
  const log = quietLogger().forComponent('test')
  const consensus = new LocalConsensus({ store, writer, epochs, blockVerifier, clock: systemClock, timestamps, log })
  return { store, writer, consensus }
}

async function refuses(answer: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(answer, (thrown: unknown) => errorCode(thrown) === code)
}

describe('LocalConsensus', () => {
  it('takes commits in order, and the same one again', async () => {
    const { consensus, store } = await open()
    for (let index = 1; index <= 5; index++) assert.equal(await consensus.sendCommit(commitAt(chain, index)), 'stored')
    assert.equal(await consensus.sendCommit(commitAt(chain, 3)), 'known')
    assert.equal(store.watermarks.highestCertifiable, 5)
  })

  it('refuses a gap, a broken link and a conflict, each by its code, and stores nothing', async () => {
    const { consensus, store } = await open()
    const fork = forkChain(chain, { after: 1, commits: 10 })
    for (let index = 1; index <= 3; index++) await consensus.sendCommit(commitAt(chain, index))
    await refuses(consensus.sendCommit(commitAt(chain, 5)), 'CONSENSUS_GAP')
    await refuses(consensus.sendCommit(commitAt(fork, 4)), 'CONSENSUS_BROKEN_LINK')
    await refuses(consensus.sendCommit(commitAt(fork, 3)), 'CONSENSUS_CONFLICT')
    assert.equal(store.watermarks.highestSynced.index, 3)
    assert.equal(await consensus.sendCommit(commitAt(chain, 4)), 'stored')
  })

  it('refuses a commit without a quorum of votes for exactly it, and blocks that are not its own', async () => {
    const { consensus } = await open()
    const first = commitAt(chain, 1)
    await refuses(consensus.sendCommit({ ...first, certifiers: first.certifiers.slice(1) }), 'CONSENSUS_UNCERTIFIED')
    await refuses(
      consensus.sendCommit({ ...first, certifiers: commitAt(chain, 2).certifiers }),
      'CONSENSUS_UNCERTIFIED'
    )
    const other = forgeCommit(first.subDag.commit, { timestampMs: 1 })
    await refuses(
      consensus.sendCommit({ ...first, subDag: { ...first.subDag, commit: other } }),
      'CONSENSUS_UNCERTIFIED'
    )
    await refuses(consensus.sendCommit({ ...first, subDag: { ...first.subDag, blocks: [] } }), 'CONSENSUS_INVALID')
    const blocks = commitAt(chain, 2).subDag.blocks
    await refuses(consensus.sendCommit({ ...first, subDag: { ...first.subDag, blocks } }), 'CONSENSUS_INVALID')
  })

  it('is at the tip only while its commits are new, and survives a listener that throws', async () => {
    const { consensus, store } = await open()
    consensus.onOvertaken(() => {
      throw new Error('a listener that throws')
    })
    await consensus.sendCommit(commitAt(chain, 1))
    assert.equal(consensus.isActive(60_000), true)
    consensus.stored({ index: 9, digest: store.watermarks.highestSynced.digest })
    const again = await open()
    await again.writer.append([{ subDag: commitAt(chain, 1).subDag, certifiers: [] }])
    assert.equal(await again.consensus.sendCommit(commitAt(chain, 1)), 'known')
    assert.equal(again.consensus.isActive(60_000), false)
  })

  it('tells consensus when the sync has overtaken it, until it no longer listens', async () => {
    const { consensus, writer, store } = await open()
    const told: number[] = []
    const stopListening = consensus.onOvertaken(({ index }) => told.push(index))
    await consensus.sendCommit(commitAt(chain, 1))
    consensus.stored(store.watermarks.highestSynced)
    assert.deepEqual(told, [])
    await writer.append([{ subDag: commitAt(chain, 2).subDag, certifiers: [] }])
    consensus.stored(store.watermarks.highestSynced)
    assert.deepEqual(told, [2])
    stopListening()
    consensus.stored({ index: 3, digest: store.watermarks.highestSynced.digest })
    assert.deepEqual(told, [2])
  })
})
