import assert from 'node:assert/strict'
import { test } from 'node:test'
import { genesisCommitRef } from '../../src/consensus/genesis.ts'
import { intentMessage } from '../../src/consensus/intent.ts'
import { blockPayload, blockSignature, decodeSignedBlock, type SignedBlock } from '../../src/consensus/signed-block.ts'
import { toHex } from '../../src/runtime/hex.ts'
import type { CommitStore, StoreWrite } from '../../src/storage/commit-store.ts'
import { buildChain, type Chain, commitAt, forkChain } from '../../src/testing/chain-builder.ts'
import {
  breakSignature,
  flipBit,
  forgeBlock,
  forgeCommit,
  forgeSubDag,
  replaceCommit,
  votesFor
} from '../../src/testing/forge.ts'
import { writeChain } from '../../src/testing/write-chain.ts'
import { ed25519Verify } from '../../src/verify/ed25519.ts'
import { checkBlock, checkChain } from './check-dag.ts'

const chain = buildChain({ commits: 30 })

function signer({ bytes }: SignedBlock): number {
  const message = intentMessage('block', chain.genesis.chainId, blockPayload(bytes))
  return chain.genesis.committee.validators.findIndex((validator) =>
    ed25519Verify(validator.protocolKey, message, blockSignature(bytes))
  )
}

function blockIn(index: number): SignedBlock {
  return commitAt(chain, index).subDag.blocks[0] as SignedBlock
}

test('a chain is signed by its authors and goes on where it ends', () => {
  for (const { subDag } of chain.commits.slice(0, 5)) {
    for (const block of subDag.blocks) assert.equal(signer(block), block.ref.author)
  }
  const longer = buildChain({ commits: 30 })
  checkChain(chain.genesis, [...longer.commits, longer.consensus.nextCommit()])
})

test('a fork is a valid chain that has the commits before it in common and none after', () => {
  const digest = (commits: Chain, index: number) => toHex(commitAt(commits, index).subDag.commit.ref.digest)
  for (const after of [0, 1, 10]) {
    const fork = forkChain(chain, { after, commits: 30 })
    checkChain(chain.genesis, fork.commits)
    for (let index = 1; index <= 30; index++) {
      assert.equal(
        digest(chain, index) === digest(fork, index),
        index <= after,
        `commit ${index} of a fork after ${after}`
      )
    }
  }
})

test('another seed on the same genesis is another chain of the same validators', () => {
  const other = buildChain({ commits: 5, genesis: chain, seed: 9 })
  checkChain(chain.genesis, other.commits)
  assert.notDeepEqual(commitAt(other, 1).subDag.commit.ref, commitAt(chain, 1).subDag.commit.ref)
})

test('a forged block differs in what was changed alone, and is signed by its author or whom one names', () => {
  const original = blockIn(10)
  const forged = forgeBlock(chain, original, { timestampMs: 5 })
  assert.deepEqual({ ...forged.block, timestampMs: original.block.timestampMs }, original.block)
  assert.equal(forged.block.timestampMs, 5)
  assert.equal(signer(forged), original.ref.author)
  const other = (original.ref.author + 1) % 4
  assert.equal(signer(forgeBlock(chain, original, {}, { signer: other })), other)
})

test("a broken signature is nobody's", () => {
  const broken = breakSignature(blockIn(10))
  assert.equal(signer(broken), -1)
  assert.deepEqual(broken.block, blockIn(10).block)
  assert.notDeepEqual(broken.ref.digest, blockIn(10).ref.digest)
})

test('votes for any commit are valid blocks that their authors signed', () => {
  const { ref } = forgeCommit(commitAt(chain, 10).subDag.commit, { timestampMs: 1 })
  const votes = votesFor(chain, ref)
  assert.deepEqual(
    votes.map((vote) => vote.ref.author),
    [0, 1, 2, 3]
  )
  for (const vote of votes) {
    checkBlock(chain.genesis, vote)
    assert.equal(signer(vote), vote.ref.author)
    assert.deepEqual(vote.block.commitVotes, [ref])
  }
  assert.deepEqual(
    votesFor(chain, ref, [2]).map((vote) => vote.ref.author),
    [2]
  )
})

test('a forged commit differs in what was changed alone', () => {
  const original = commitAt(chain, 10).subDag.commit
  const forged = forgeCommit(original, { index: 11 })
  assert.deepEqual({ ...forged.commit, index: 10 }, original.commit)
  assert.equal(forged.ref.index, 11)
  assert.deepEqual(forgeCommit(original, {}).bytes, original.bytes)
})

test('a forged sub-DAG of the real blocks is the real one', () => {
  const first = commitAt(chain, 1).subDag
  assert.deepEqual(forgeSubDag(genesisCommitRef(chain.genesis), first.blocks), first)
  assert.equal(forgeSubDag(first.commit.ref, first.blocks, { epoch: 3 }).commit.commit.epoch, 3)
  assert.throws(() => forgeSubDag(first.commit.ref, []), RangeError)
})

test('a replaced commit keeps the chain linked and certified', () => {
  const { subDag } = commitAt(chain, 10)
  const twin = forgeBlock(chain, subDag.blocks[0] as SignedBlock, { transactions: [] })
  const replacement = forgeSubDag(commitAt(chain, 9).subDag.commit.ref, [twin, ...subDag.blocks])
  const commits = replaceCommit(chain, 10, replacement)
  assert.deepEqual(commits.slice(0, 9), chain.commits.slice(0, 9))
  assert.deepEqual(commits[9]?.subDag, replacement)
  assert.equal(commits.length, 30)
  for (const [position, commit] of commits.entries()) {
    const { ref, commit: content } = commit.subDag.commit
    assert.deepEqual(content.previousDigest, commits[position - 1]?.subDag.commit.ref.digest ?? chain.genesis.chainId)
    assert.ok(commit.certifiers.length >= 3)
    for (const bytes of commit.certifiers) assert.deepEqual(decodeSignedBlock(bytes).block.commitVotes, [ref])
  }
})

test('one bit is flipped where one says, in a copy', () => {
  const bytes = new Uint8Array(3)
  assert.deepEqual([...flipBit(bytes, 1)], [0, 1, 0])
  assert.deepEqual([...flipBit(bytes, -1)], [0, 0, 1])
  assert.deepEqual([...bytes], [0, 0, 0])
  assert.throws(() => flipBit(bytes, 3), RangeError)
})

test('a chain is written in order, each commit with its certifiers', async () => {
  const writes: StoreWrite[] = []
  const long = buildChain({ commits: 250, transactions: 0 })
  const store: Pick<CommitStore, 'write'> = {
    write: async (write) => {
      writes.push(write)
    }
  }
  await writeChain(store, long.commits)
  assert.ok(writes.length > 1)
  assert.deepEqual(
    writes.flatMap((write) => write.commits),
    long.commits.map(({ subDag }) => subDag)
  )
  assert.deepEqual(
    writes.flatMap((write) =>
      (write.certifiers ?? []).map(({ index, blocks }) => [index, ...blocks.map(({ bytes }) => bytes)])
    ),
    long.commits.map(({ certifiers }, position) => [position + 1, ...certifiers])
  )
})
