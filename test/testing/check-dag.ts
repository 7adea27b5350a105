import assert from 'node:assert/strict'
import { type BlockRef, blockRefKey, genesisBlockRef } from '../../src/consensus/block-ref.ts'
import { decodeCommit } from '../../src/consensus/commit.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { QUORUM_STAKE } from '../../src/consensus/limits.ts'
import { decodeSignedBlock, type SignedBlock } from '../../src/consensus/signed-block.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'

/**
 * Checks a chain from commit 1 on against the rules of DESIGN.md, written out once more without the verifier's code.
 */
export function checkChain(genesis: Genesis, commits: readonly ConsensusCommit[]): void {
  const committed = new Map<string, SignedBlock>()
  let previous = genesis.chainId
  let timestampMs = genesis.startTimeMs
  for (const [position, { subDag, certifiers }] of commits.entries()) {
    const { commit, ref, bytes } = subDag.commit
    const what = `commit ${position + 1}`
    assert.deepEqual(decodeCommit(bytes).commit, commit, what)
    assert.equal(commit.index, position + 1, what)
    assert.equal(commit.epoch, 0, what)
    assert.equal(toHex(commit.previousDigest), toHex(previous), `${what} does not link`)
    assert.equal(toHex(ref.digest), toHex(digestOf('commit', bytes)), what)
    assert.ok(commit.timestampMs >= timestampMs, `${what} goes back in time`)
    assert.equal(commit.leader.round, commit.index, what)
    assert.equal(commit.leader.author, commit.index % genesis.committee.validators.length, what)
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
      checkBlock(genesis, block)
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
    checkCertifiers(genesis, commit.index, ref.digest, certifiers)
    previous = ref.digest
    timestampMs = commit.timestampMs
  }
}

/** The structure rules of a block. Signatures are left to the verifier. */
export function checkBlock({ chainId, committee }: Genesis, { ref, block, bytes }: SignedBlock): void {
  const key = blockRefKey(ref)
  const { validators } = committee
  assert.deepEqual(decodeSignedBlock(bytes).block, block, key)
  assert.equal(toHex(ref.digest), toHex(digestOf('block', bytes)), key)
  assert.deepEqual([ref.epoch, ref.round, ref.author], [block.epoch, block.round, block.author], key)
  assert.equal(block.epoch, 0, key)
  assert.ok(block.round > 0, key)
  assert.ok(block.author < validators.length, key)
  assert.equal(block.endOfEpoch, undefined, key)
  assert.equal(block.ancestors[0]?.author, block.author, `${key}: its own ancestor is not first`)
  assert.equal(block.ancestors[0]?.round, block.round - 1, `${key}: its own ancestor is not of the round before`)
  const authors = new Set(block.ancestors.map((ancestor) => ancestor.author))
  assert.equal(authors.size, block.ancestors.length, `${key}: two ancestors by one author`)
  let stake = 0
  for (const ancestor of block.ancestors) {
    assert.equal(ancestor.epoch, 0, key)
    assert.ok(ancestor.round < block.round, `${key}: an ancestor of its own or a later round`)
    if (ancestor.round === block.round - 1) stake += validators[ancestor.author]?.votingPower ?? Number.NaN
    if (ancestor.round === 0) assert.deepEqual(ancestor, genesisBlockRef(chainId, 0, ancestor.author), key)
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

function checkCertifiers(genesis: Genesis, index: number, digest: Uint8Array, certifiers: readonly Uint8Array[]): void {
  const authors = new Set<number>()
  let stake = 0
  for (const bytes of certifiers) {
    const certifier = decodeSignedBlock(bytes)
    checkBlock(genesis, certifier)
    const { author, commitVotes, round } = certifier.block
    assert.equal(round, index + 3, `certifiers of commit ${index}`)
    assert.ok(!authors.has(author), `two certifiers of commit ${index} by validator ${author}`)
    assert.deepEqual(
      commitVotes.map((vote) => [vote.index, toHex(vote.digest)]),
      [[index, toHex(digest)]],
      `votes for commit ${index}`
    )
    authors.add(author)
    stake += genesis.committee.validators[author]?.votingPower ?? Number.NaN
  }
  assert.ok(stake >= QUORUM_STAKE, `${stake} of stake certifies commit ${index}`)
}
