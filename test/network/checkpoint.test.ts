import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { encodeCommit } from '../../src/consensus/commit.ts'
import type { TrustedCheckpoint } from '../../src/consensus/trusted-checkpoint.ts'
import type { NodeInit, SomaNode } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import {
  type ByzantineScript,
  buildChain,
  changingValidators,
  commitAt,
  deriveValidatorKeys,
  forkChain,
  lastCommitOfEpoch,
  TestNetwork,
  usurpChain
} from '../../src/testing/index.ts'
import { assertSyncIsWell } from './assert-sync-is-well.ts'
import { haltStore } from './meet-halt.ts'
import { Meeting, patience } from './meet-liar.ts'

const PER_EPOCH = 10
const LENGTH = 8 * PER_EPOCH
const epochs = { commits: PER_EPOCH, validators: changingValidators({ sizes: [4, 7, 2, 4] }) }
const chain = buildChain({ commits: LENGTH, epochs })
const config = { commitsPerRange: PER_EPOCH / 2 }

/** In the middle of an epoch, and where one ends. */
const PLACES = { 'in an epoch': 4 * PER_EPOCH + 4, 'at the end of an epoch': lastCommitOfEpoch(chain, 4) }
const MIDDLE = PLACES['in an epoch']

function checkpointOf(index: number): TrustedCheckpoint {
  const { commit } = commitAt(chain, index).subDag
  const next = commit.commit.epoch + (lastCommitOfEpoch(chain, commit.commit.epoch) === index ? 1 : 0)
  return { commit: commit.ref, committee: chain.committees[next] ?? assert.fail(`no committee of epoch ${next}`) }
}

async function healthOf(node: SomaNode): Promise<string> {
  return JSON.stringify((await node.status()).health)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const signal = patience()
  while (!(await condition())) {
    signal.throwIfAborted()
    await new Promise((wake) => setTimeout(wake, 20))
  }
}

async function indexesOf(node: SomaNode, last: number): Promise<number[]> {
  const indexes: number[] = []
  for await (const { commit } of node.subscribe({ signal: patience() })) {
    indexes.push(commit.ref.index)
    assert.equal(toHex(commit.ref.digest), toHex(commitAt(chain, commit.ref.index).subDag.commit.ref.digest))
    if (commit.ref.index === last) break
  }
  return indexes
}

describe('a network whose nodes have pruned their past', () => {
  it('lets no node in that begins at the genesis: it waits and says why', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: LENGTH, prunedBelow: MIDDLE })
    const node = await network.start({ seeds: [server] })
    await until(async () => /begin at a trusted checkpoint/.test(await healthOf(node)))
    assert.match(await healthOf(node), new RegExp(`pruned what lies before commit ${MIDDLE}`))
    assert.equal(node.store.watermarks.highestSynced.index, 0)
  })

  for (const [place, index] of Object.entries(PLACES)) {
    it(`lets one in that begins at a checkpoint ${place}, which follows it to the tip and serves on`, async () => {
      await using network = new TestNetwork(chain)
      const server = await network.start({ commits: LENGTH, prunedBelow: index + 1, config })
      const checkpoint = checkpointOf(index)
      const node = await network.start({ seeds: [server], checkpoint, config })
      await network.reached(node, LENGTH, { signal: patience() })
      const held = Array.from({ length: LENGTH - index }, (_, i) => index + 1 + i)
      assert.deepEqual(await indexesOf(node, LENGTH), held)
      assert.equal((await node.status()).epoch, 8)
      await assertSyncIsWell(node)
      await assert.rejects(
        async () => {
          for await (const _ of node.subscribe({ from: index })) assert.fail('a commit that is not there')
        },
        (thrown) => errorCode(thrown) === 'COMMIT_PRUNED'
      )
      await network.stop(server)
      const committee = checkpoint.committee.bytes
      const next = await network.start({ seeds: [node], checkpoint: { commit: checkpoint.commit, committee }, config })
      await network.reached(next, LENGTH, { signal: patience() })
      assert.equal(next.store.watermarks.highestCertifiable, LENGTH)
    })
  }

  it('lets one in that begins at the last commit of all, and follows it live', async () => {
    await using network = new TestNetwork(chain)
    const validator = await network.start({ commits: MIDDLE, prunedBelow: MIDDLE })
    const checkpoint = await validator.checkpoint()
    assert.deepEqual(checkpoint, checkpointOf(MIDDLE))
    const node = await network.start({ seeds: [validator], checkpoint })
    assert.equal((await node.status()).epoch, checkpoint.committee.epoch)
    const own = await node.checkpoint()
    assert.deepEqual(own, checkpoint)
    for (let index = MIDDLE + 1; index <= MIDDLE + PER_EPOCH; index++) await network.commit(index, [validator])
    await network.reached(node, MIDDLE + PER_EPOCH, { signal: patience() })
    await assert.rejects(node.checkpoint(MIDDLE - 1), (thrown) => errorCode(thrown) === 'COMMIT_NOT_STORED')
    await assert.rejects(node.checkpoint(0), (thrown) => errorCode(thrown) === 'COMMIT_NOT_STORED')
    for (const index of [MIDDLE + 1, lastCommitOfEpoch(chain, 4)]) {
      assert.deepEqual(await node.checkpoint(index), checkpointOf(index))
    }
  })

  it('takes from local consensus what follows the checkpoint, and nothing that conflicts with it', async () => {
    await using network = new TestNetwork(chain)
    const node = await network.start({ checkpoint: checkpointOf(MIDDLE) })
    const fork = forkChain(chain, { after: MIDDLE - 2, commits: MIDDLE + 1 })
    const refuses = (index: number, code: string) =>
      assert.rejects(node.consensus.sendCommit(commitAt(fork, index)), (thrown) => errorCode(thrown) === code)
    await refuses(MIDDLE, 'CONSENSUS_CONFLICT')
    await refuses(MIDDLE + 1, 'CONSENSUS_BROKEN_LINK')
    assert.equal(await node.consensus.sendCommit(commitAt(chain, 3)), 'known')
    assert.equal(await node.consensus.sendCommit(commitAt(chain, MIDDLE)), 'known')
    for (let index = MIDDLE + 1; index <= MIDDLE + PER_EPOCH; index++) await network.commit(index, [node])
    assert.equal((await node.status()).epoch, 5)
    const below = await network.start({ commits: MIDDLE - 1, checkpoint: checkpointOf(MIDDLE) })
    const other = below.consensus.sendCommit(commitAt(forkChain(chain, { after: MIDDLE - 1, commits: MIDDLE }), MIDDLE))
    await assert.rejects(other, (thrown) => errorCode(thrown) === 'CONSENSUS_CONFLICT')
    assert.equal(await below.consensus.sendCommit(commitAt(chain, MIDDLE)), 'stored')
  })
})

describe('a node that starts again', () => {
  it('goes on from where it stands, with its checkpoint, without it, and with a later one', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: MIDDLE })
    const node = await network.start({ checkpoint: checkpointOf(MIDDLE - 5), seeds: [server] })
    const { store } = node
    await network.reached(node, MIDDLE, { signal: patience() })
    await network.stop(node)
    const later: Partial<NodeInit>[] = [
      {},
      { checkpoint: checkpointOf(MIDDLE - 5) },
      { checkpoint: checkpointOf(MIDDLE - 20) },
      { checkpoint: checkpointOf(MIDDLE - 2) },
      { checkpoint: checkpointOf(MIDDLE) },
      { checkpoint: checkpointOf(MIDDLE + 20) }
    ]
    for (const init of later) {
      const again = await network.start({ ...init, store })
      assert.equal(again.store.watermarks.highestSynced.index, MIDDLE)
      assert.equal(again.store.watermarks.lowestAvailable, MIDDLE - 4)
      await network.stop(again)
    }
  })

  it('begins at the genesis where it is told to, and comes through the checkpoint', async () => {
    await using network = new TestNetwork(chain)
    const server = await network.start({ commits: LENGTH })
    for (const index of Object.values(PLACES)) {
      const node = await network.start({ seeds: [server], checkpoint: { ...checkpointOf(index), start: 'genesis' } })
      await network.reached(node, LENGTH, { signal: patience() })
      assert.equal(node.store.watermarks.lowestAvailable, 1)
      await network.stop(node)
    }
  })

  const fork = forkChain(chain, { after: MIDDLE - 15, commits: LENGTH })
  const { ref: other } = commitAt(fork, MIDDLE).subDag.commit
  const { committee } = checkpointOf(MIDDLE)
  const wrong: Record<string, { commits: number; prunedBelow?: number; checkpoint: TrustedCheckpoint; why: RegExp }> = {
    'holds another commit there': {
      commits: MIDDLE + 3,
      checkpoint: { commit: other, committee },
      why: /holds another commit 44/
    },
    'ends with another commit there': {
      commits: MIDDLE,
      checkpoint: { commit: other, committee },
      why: /holds another commit 44/
    },
    'holds a commit after it that links to another': {
      commits: MIDDLE + 3,
      prunedBelow: MIDDLE + 1,
      checkpoint: { commit: other, committee },
      why: /holds another commit 44/
    },
    'knows another committee of its epoch': {
      commits: MIDDLE,
      checkpoint: { commit: checkpointOf(LENGTH - 5).commit, committee: { ...committee, digest: other.digest } },
      why: /knows another committee of epoch 4/
    },
    'has come to a later epoch before it': {
      commits: MIDDLE,
      checkpoint: { commit: checkpointOf(MIDDLE + 1).commit, committee: checkpointOf(5).committee },
      why: /has come to commit 44 and epoch 4/
    },
    'has not come to its epoch after it': {
      commits: MIDDLE,
      checkpoint: { commit: checkpointOf(MIDDLE - 1).commit, committee: checkpointOf(LENGTH - 5).committee },
      why: /has come to commit 44 and epoch 4/
    },
    'went on in another epoch after it': {
      commits: MIDDLE + 3,
      checkpoint: { commit: checkpointOf(MIDDLE).commit, committee: checkpointOf(5).committee },
      why: /goes on in epoch 4 there/
    }
  }
  for (const [name, { why, ...options }] of Object.entries(wrong)) {
    it(`is refused when its store ${name}, and told what to do`, async () => {
      await using network = new TestNetwork(chain)
      await assert.rejects(network.start(options), (thrown: unknown) => {
        assert.equal(errorCode(thrown), 'SYNC_CHECKPOINT_CONFLICT')
        assert.match(String(thrown), why)
        assert.match(String(thrown), /another, empty store/)
        return true
      })
    })
  }

  it('is refused for what is no checkpoint', async () => {
    await using network = new TestNetwork(chain)
    const { commit, committee: known } = checkpointOf(MIDDLE)
    for (const checkpoint of [
      { commit: { ...commit, index: 0 }, committee: known },
      { commit: { ...commit, digest: commit.digest.subarray(1) }, committee: known },
      { commit, committee: Uint8Array.of(1, 2, 3) }
    ]) {
      await assert.rejects(network.start({ checkpoint }), (thrown) => errorCode(thrown) === 'CONFIG_INVALID')
    }
  })
})

describe('validators that have long been retired and sign another chain with their old keys', () => {
  const usurped = usurpChain(chain, {
    epoch: 1,
    validators: () => Array.from({ length: 4 }, (_, index) => ({ keys: deriveValidatorKeys(666, index) }))
  })

  it('bring nothing into a store that begins at a checkpoint after them, and are banned', async () => {
    const liar = { chain: usurped }
    await using meeting = await Meeting.begin(chain, liar, { checkpoint: checkpointOf(MIDDLE), config })
    const report = await meeting.reports.of(
      meeting.liar,
      'BLOCK_BAD_SIGNATURE',
      'CERTIFIERS_TOO_MANY',
      'BLOCK_AUTHOR_OUT_OF_RANGE'
    )
    assert.equal(report.consequence, 'ban')
    assert.equal(meeting.stored, MIDDLE)
    await meeting.network.start({ commits: LENGTH, seeds: [meeting.victim] })
    await meeting.network.reached(meeting.victim, LENGTH, { signal: patience() })
    assert.equal((await indexesOf(meeting.victim, LENGTH)).length, LENGTH - MIDDLE)
  })

  it('claim in vain an epoch before the one that the checkpoint is in', async () => {
    const script: ByzantineScript = {
      fetchCommits: {
        async *answer(_, { start }) {
          const { commit } = commitAt(chain, start).subDag.commit
          yield { commits: [encodeCommit({ ...commit, epoch: 1 }).bytes], certifierBlocks: [] }
        }
      }
    }
    const options = { checkpoint: checkpointOf(MIDDLE), config: { commitsPerRange: 1 } }
    await using meeting = await Meeting.begin(chain, { script }, options)
    assert.equal((await meeting.reports.of(meeting.liar, 'COMMITS_WRONG_EPOCH')).consequence, 'ban')
    assert.equal(meeting.stored, MIDDLE)
  })

  const halted = async (context: TestContext, attack: typeof chain, start: number, code: string) => {
    const halt = await haltStore(context, chain.genesis)
    const checkpoint = { ...checkpointOf(MIDDLE), start: 'genesis' as const }
    await using meeting = await Meeting.begin(
      chain,
      { chain: attack },
      { store: halt.store, commits: start, checkpoint, config }
    )
    const record = await halt.record
    assert.equal(record.code, code, record.message)
    assert.equal(record.peer, meeting.liar.peerId.toString())
    assert.ok(record.commits.length > 0 && record.certifiers.length > 0)
    assert.deepEqual(
      meeting.reports.all.filter(({ consequence }) => consequence !== 'none'),
      []
    )
    return meeting.stored
  }

  it('halt one that comes from the genesis at the checkpoint at the latest, with the evidence', async (context) => {
    for (const start of [0, lastCommitOfEpoch(chain, 0), MIDDLE - 1]) {
      const fork = forkChain(chain, { after: MIDDLE - 1, commits: LENGTH })
      const stored = await halted(context, fork, start, 'SYNC_FORK')
      // nothing of the range that leads past the checkpoint
      assert.ok(stored <= Math.max(start, 4 * PER_EPOCH), `stored ${stored}`)
    }
    const stored = await halted(context, usurped, 0, 'SYNC_COMMITTEE_CONFLICT')
    assert.ok(stored < lastCommitOfEpoch(chain, 3), `stored ${stored}`)
  })
})
