import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { blockRefKey } from '../../src/consensus/block-ref.ts'
import type { EncodedCommit } from '../../src/consensus/commit.ts'
import { type Genesis, genesisCommitRef } from '../../src/consensus/genesis.ts'
import { NO_CHAIN } from '../../src/consensus/intent.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import { buildChain, type Chain, commitAt, forkChain } from '../../src/testing/chain-builder.ts'
import {
  breakSignature,
  forgeBlock,
  forgeCommit,
  forgeSubDag,
  replaceCommit,
  votesFor
} from '../../src/testing/forge.ts'
import { assembleSubDag } from '../../src/verify/assembly.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { verifyCertification } from '../../src/verify/certification.ts'
import { verifyCommitChain } from '../../src/verify/commit-range.ts'
import { findFalseProof } from '../../src/verify/committee-proofs.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'

const signatures = createMainThreadVerifier()

function blockVerifierOf({ chainId, committee }: Genesis) {
  return createBlockVerifier({
    chainId,
    signatures,
    getCommittee: (epoch) => (epoch === committee.epoch ? committee : undefined)
  })
}

/** Takes a chain through everything that a syncing node would, and nothing on trust. A node certifies the last commit of a range alone. */
async function verifyAll(genesis: Genesis, commits: readonly ConsensusCommit[], certifiedEach = 1): Promise<void> {
  const blockVerifier = blockVerifierOf(genesis)
  const { committee } = genesis
  verifyLinks(
    genesis,
    commits.map(({ subDag }) => subDag.commit)
  )
  const timestamps = new Map<string, number>()
  for (const { subDag, certifiers } of commits) {
    if (subDag.commit.ref.index % certifiedEach === 0) {
      const blocks = certifiers.map(decodeSignedBlock)
      await verifyCertification({ commit: subDag.commit, certifiers: blocks, committee, blockVerifier })
    }
    const verified = await blockVerifier.verify(subDag.blocks.map(({ bytes }) => decodeSignedBlock(bytes)))
    const blocks = new Map(verified.map((block) => [blockRefKey(block.ref), block]))
    const assembled = assembleSubDag(subDag.commit, blocks, (ref) => timestamps.get(blockRefKey(ref)))
    assert.ok(assembled.blocks.every((block, at) => block.bytes === verified[at]?.bytes))
    assert.equal(assembled.blocks.length, subDag.blocks.length)
    for (const { ref, block } of verified) timestamps.set(blockRefKey(ref), block.timestampMs)
  }
}

function verifyLinks(genesis: Genesis, commits: readonly EncodedCommit[]): void {
  verifyCommitChain({
    commits,
    start: 1,
    end: commits.length,
    tip: genesisCommitRef(genesis),
    tipTimestampMs: genesis.startTimeMs,
    epoch: 0,
    committee: genesis.committee
  })
}

describe('the verifier and the scripted consensus agree', () => {
  for (const validators of [1, 4, 7, 50]) {
    test(`on 300 commits of ${validators} validators`, async () => {
      const chain = buildChain({ commits: 300, validators, transactions: 1 })
      const { committee } = chain.genesis
      assert.equal(await findFalseProof(committee, { bls: signatures, chainId: NO_CHAIN }), undefined)
      await verifyAll(chain.genesis, chain.commits, validators === 50 ? 10 : 1)
    })
  }

  test('on a fork, and on a chain with one commit replaced', async () => {
    const chain = buildChain({ commits: 20 })
    await verifyAll(chain.genesis, forkChain(chain, { after: 7, commits: 20 }).commits)
    const { blocks } = commitAt(chain, 10).subDag
    const before = commitAt(chain, 9).subDag.commit.ref
    await verifyAll(chain.genesis, replaceCommit(chain, 10, forgeSubDag(before, blocks.slice(-1))))
  })
})

describe('what is forged is wrong in nothing but what was changed', () => {
  const chain: Chain = buildChain({ commits: 12 })
  const { genesis } = chain
  const blockVerifier = blockVerifierOf(genesis)
  const { commit, blocks } = commitAt(chain, 10).subDag
  const [original] = blocks as [(typeof blocks)[0]]

  test('blocks', async () => {
    const own = original.block.ancestors.slice(0, 1)
    await blockVerifier.verify([forgeBlock(chain, original, { transactions: [new Uint8Array(5)] })])
    await assert.rejects(blockVerifier.verify([breakSignature(original)]), { code: 'BLOCK_BAD_SIGNATURE' })
    const stranger = forgeBlock(chain, original, {}, { signer: (original.ref.author + 1) % 4 })
    await assert.rejects(blockVerifier.verify([stranger]), { code: 'BLOCK_BAD_SIGNATURE' })
    const lonely = forgeBlock(chain, original, { ancestors: own })
    await assert.rejects(blockVerifier.verify([lonely]), { code: 'BLOCK_PARENTS_WITHOUT_QUORUM' })
  })

  test('commits', () => {
    const commits = chain.commits.map(({ subDag }) => subDag.commit)
    const older = forgeCommit(commit, { timestampMs: 0 })
    assert.throws(() => verifyLinks(genesis, commits.with(9, older)), { code: 'COMMIT_TIMESTAMP_REGRESSED' })
    const other = forgeCommit(commit, { blocks: commit.commit.blocks.slice(1) })
    assert.throws(() => verifyLinks(genesis, commits.with(9, other)), { code: 'COMMITS_BROKEN_CHAIN' })
    verifyLinks(genesis, commits.slice(0, 9).concat(other))
  })

  test('votes', async () => {
    const forged = forgeCommit(commit, { timestampMs: 0 })
    const committee = genesis.committee
    const quorum = votesFor(chain, forged.ref, [0, 2, 3])
    await verifyCertification({ commit: forged, certifiers: quorum, committee, blockVerifier })
    const few = { commit: forged, certifiers: quorum.slice(1), committee, blockVerifier }
    await assert.rejects(verifyCertification(few), { code: 'CERTIFIERS_WITHOUT_QUORUM' })
    await assert.rejects(verifyCertification({ ...few, commit, certifiers: quorum }), { code: 'CERTIFIER_NO_VOTE' })
  })
})
