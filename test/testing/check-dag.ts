import assert from 'node:assert/strict'
import { type BlockRef, blockRefKey, genesisBlockRef } from '../../src/consensus/block-ref.ts'
import { type Commit, decodeCommit } from '../../src/consensus/commit.ts'
import type { Committee } from '../../src/consensus/committee.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { QUORUM_STAKE } from '../../src/consensus/limits.ts'
import { decodeSignedBlock, type SignedBlock } from '../../src/consensus/signed-block.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'

/** Where the epochs of a chain are. */
interface Epochs {
  /** Commits of each. */
  readonly length: number
  /** By epoch. */
  readonly committees: readonly Committee[]
}

/** What blocks of an epoch are held against. */
interface Context {
  readonly chainId: Uint8Array
  readonly committee: Committee
}

/**
 * Checks a chain from commit 1 on against the rules of DESIGN.md, written out once more without the verifier's code.
 */
export function checkChain(
  genesis: Genesis,
  commits: readonly ConsensusCommit[],
  epochs: Epochs = { length: Number.POSITIVE_INFINITY, committees: [genesis.committee] }
): void {
  const committed = new Map<string, SignedBlock>()
  let previous = genesis.chainId
  let timestampMs = genesis.startTimeMs
  for (const [position, { subDag, certifiers }] of commits.entries()) {
    const { commit, ref, bytes } = subDag.commit
    const what = `commit ${position + 1}`
    const epoch = Math.floor(position / epochs.length)
    const inEpoch = epoch === 0 ? position + 1 : (position % epochs.length) + 1
    const committee = epochs.committees[epoch]
    assert.ok(committee?.epoch === epoch, `no committee of epoch ${epoch}`)
    const context = { chainId: genesis.chainId, committee }
    assert.deepEqual(decodeCommit(bytes).commit, commit, what)
    assert.equal(commit.index, position + 1, what)
    assert.equal(commit.epoch, epoch, what)
    assert.equal(toHex(commit.previousDigest), toHex(previous), `${what} does not link`)
    assert.equal(toHex(ref.digest), toHex(digestOf('commit', bytes)), what)
    assert.ok(commit.timestampMs >= timestampMs, `${what} goes back in time`)
    assert.equal(commit.leader.round, inEpoch === epochs.length ? inEpoch + 4 : inEpoch, what)
    assert.equal(commit.leader.author, commit.leader.round % committee.validators.length, what)
    assert.deepEqual(commit.blocks.at(-1), commit.leader, `${what}: the leader is not last`)
    assert.deepEqual(
      subDag.blocks.map((block) => block.ref),
      commit.blocks,
      what
    )
    const places = subDag.blocks.map((block) => block.ref.round * 1_000 + block.ref.author)
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      `${what} is not in order of round and author`
    )
    for (const block of subDag.blocks) {
      checkBlock(context, block)
      const hasEnd = block.block.endOfEpoch !== undefined
      assert.ok(!hasEnd || inEpoch === epochs.length, `${what} says when its epoch ends`)
      const key = blockRefKey(block.ref)
      assert.ok(!committed.has(key), `${what} commits ${key} again`)
      for (const ancestor of block.block.ancestors) {
        if (ancestor.round === 0) continue
        const found = committed.get(blockRefKey(ancestor))
        assert.ok(found, `${what}: ${key} before its ancestor ${blockRefKey(ancestor)}`)
        assert.ok(found.block.timestampMs <= block.block.timestampMs, `${key} is older than an ancestor`)
      }
      committed.set(key, block)
    }
    checkReach(subDag.blocks, commit.leader, what)
    checkCertifiers(context, commit, ref.digest, certifiers)
    previous = ref.digest
    timestampMs = commit.timestampMs
  }
}

/** The structure rules of a block. Signatures are left to the verifier. */
export function checkBlock({ chainId, committee }: Context, { ref, block, bytes }: SignedBlock): void {
  const key = blockRefKey(ref)
  const { validators } = committee
  assert.deepEqual(decodeSignedBlock(bytes).block, block, key)
  assert.equal(toHex(ref.digest), toHex(digestOf('block', bytes)), key)
  assert.deepEqual([ref.epoch, ref.round, ref.author], [block.epoch, block.round, block.author], key)
  assert.equal(block.epoch, committee.epoch, key)
  assert.ok(block.round > 0, key)
  assert.ok(block.author < validators.length, key)
  assert.equal(block.ancestors[0]?.author, block.author, `${key}: its own ancestor is not first`)
  assert.equal(block.ancestors[0]?.round, block.round - 1, `${key}: its own ancestor is not of the round before`)
  const authors = new Set(block.ancestors.map((ancestor) => ancestor.author))
  assert.equal(authors.size, block.ancestors.length, `${key}: two ancestors by one author`)
  let stake = 0
  for (const ancestor of block.ancestors) {
    assert.equal(ancestor.epoch, committee.epoch, key)
    assert.ok(ancestor.round < block.round, `${key}: an ancestor of its own or a later round`)
    if (ancestor.round === block.round - 1) stake += validators[ancestor.author]?.votingPower ?? Number.NaN
    if (ancestor.round === 0)
      assert.deepEqual(ancestor, genesisBlockRef(chainId, committee.epoch, ancestor.author), key)
  }
  assert.ok(stake >= QUORUM_STAKE, `${key}: ${stake} of stake in the round before`)
}

function checkReach(blocks: readonly SignedBlock[], leader: BlockRef, what: string): void {
  const byKey = new Map(blocks.map((block) => [blockRefKey(block.ref), block]))
  const reached = new Set([blockRefKey(leader)])
  for (const key of reached) {
    for (const ancestor of byKey.get(key)?.block.ancestors ?? []) {
      if (byKey.has(blockRefKey(ancestor))) reached.add(blockRefKey(ancestor))
    }
  }
  assert.equal(reached.size, blocks.length, `${what} holds blocks that its leader does not reach`)
}

function checkCertifiers(
  context: Context,
  { index, leader }: Commit,
  digest: Uint8Array,
  certifiers: readonly Uint8Array[]
): void {
  const authors = new Set<number>()
  let stake = 0
  for (const bytes of certifiers) {
    const certifier = decodeSignedBlock(bytes)
    checkBlock(context, certifier)
    const { author, commitVotes, round } = certifier.block
    assert.equal(round, leader.round + 3, `certifiers of commit ${index}`)
    assert.ok(!authors.has(author), `two certifiers of commit ${index} by validator ${author}`)
    assert.deepEqual(
      commitVotes.map((vote) => [vote.index, toHex(vote.digest)]),
      [[index, toHex(digest)]],
      `votes for commit ${index}`
    )
    authors.add(author)
    stake += context.committee.validators[author]?.votingPower ?? Number.NaN
  }
  assert.ok(stake >= QUORUM_STAKE, `${stake} of stake certifies commit ${index}`)
}
