import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EncodedCommit } from '../../src/consensus/commit.ts'
import { type Genesis, genesisCommitRef } from '../../src/consensus/genesis.ts'
import { NO_CHAIN } from '../../src/consensus/intent.ts'
import { buildChain, type Chain, commitAt, forkChain } from '../../src/testing/chain-builder.ts'
import {
  breakSignature,
  forgeBlock,
  forgeCommit,
  forgeSubDag,
  replaceCommit,
  votesFor
} from '../../src/testing/forge.ts'
import { verifyCertification } from '../../src/verify/certification.ts'
import { findFalseProof } from '../../src/verify/committee-proofs.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { blockVerifierOf, verifyChain, verifyLinks } from './verify-chain.ts'

const signatures = createMainThreadVerifier()

function verifyLinksOf(genesis: Genesis, commits: readonly EncodedCommit[]): void {
  verifyLinks(commits, { ref: genesisCommitRef(genesis), timestampMs: genesis.startTimeMs }, genesis.committee)
}

describe('the verifier and the scripted consensus agree', () => {
  for (const validators of [1, 4, 7, 50]) {
    test(`on 300 commits of ${validators} validators`, async () => {
      const chain = buildChain({ commits: 300, validators, transactions: 1 })
      const { committee } = chain.genesis
      assert.equal(await findFalseProof(committee, { bls: signatures, chainId: NO_CHAIN }), undefined)
      await verifyChain(chain.genesis, chain.commits, { certifiedEach: validators === 50 ? 10 : 1 })
    })
  }

  test('on a fork, and on a chain with one commit replaced', async () => {
    const chain = buildChain({ commits: 20 })
    await verifyChain(chain.genesis, forkChain(chain, { after: 7, commits: 20 }).commits)
    const { blocks } = commitAt(chain, 10).subDag
    const before = commitAt(chain, 9).subDag.commit.ref
    await verifyChain(chain.genesis, replaceCommit(chain, 10, forgeSubDag(before, blocks.slice(-1))))
  })
})

describe('what is forged is wrong in nothing but what was changed', () => {
  const chain: Chain = buildChain({ commits: 12 })
  const { genesis } = chain
  const blockVerifier = blockVerifierOf(genesis.chainId, new Map([[0, genesis.committee]]))
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
    assert.throws(() => verifyLinksOf(genesis, commits.with(9, older)), { code: 'COMMIT_TIMESTAMP_REGRESSED' })
    const other = forgeCommit(commit, { blocks: commit.commit.blocks.slice(1) })
    assert.throws(() => verifyLinksOf(genesis, commits.with(9, other)), { code: 'COMMITS_BROKEN_CHAIN' })
    verifyLinksOf(genesis, commits.slice(0, 9).concat(other))
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
