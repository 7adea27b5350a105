import assert from 'node:assert/strict'
import { BlockRefMap } from '../../src/consensus/block-ref-map.ts'
import type { EncodedCommit } from '../../src/consensus/commit.ts'
import type { CommitRef } from '../../src/consensus/commit-ref.ts'
import { type Committee, decodeCommittee } from '../../src/consensus/committee.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import { type Genesis, genesisCommitRef } from '../../src/consensus/genesis.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import type { ScriptedCommit } from '../../src/testing/scripted-consensus.ts'
import { assembleSubDag } from '../../src/verify/assembly.ts'
import { type BlockVerifier, createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { verifyCertification } from '../../src/verify/certification.ts'
import { verifyCommitChain } from '../../src/verify/commit-range.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'

/** A block verifier on the main thread that knows these committees, and those that are put into the map later. */
export function blockVerifierOf(chainId: Digest, committees: ReadonlyMap<number, Committee>): BlockVerifier {
  const signatures = createMainThreadVerifier()
  return createBlockVerifier({ chainId, signatures, getCommittee: (epoch) => committees.get(epoch) })
}

export interface VerifyChainOptions {
  /** Certifiers of every so manieth commit are verified: a node does so for the last of a range alone. @default 1 */
  readonly certifiedEach?: number
  /** Whether the committees after the first are taken from the hand-over proofs, or from who executes the chain. @default true */
  readonly proofs?: boolean
}

/**
 * Takes a chain through everything that a syncing node would, and nothing on trust: it knows the genesis and learns the rest.
 *
 * @returns the committees, by epoch
 */
export async function verifyChain(
  genesis: Genesis,
  commits: readonly ScriptedCommit[],
  options: VerifyChainOptions = {}
): Promise<ReadonlyMap<number, Committee>> {
  const { certifiedEach = 1, proofs = true } = options
  const committees = new Map([[0, genesis.committee]])
  const blockVerifier = blockVerifierOf(genesis.chainId, committees)
  const timestamps = new BlockRefMap<number>()
  let epoch = 0
  let tip = { ref: genesisCommitRef(genesis), timestampMs: genesis.startTimeMs }
  let range: EncodedCommit[] = []
  for (const { subDag, certifiers, nextCommittee } of commits) {
    const { commit } = subDag
    const committee = committees.get(epoch)
    assert.ok(committee !== undefined, `no committee of epoch ${epoch}`)
    if (commit.ref.index % certifiedEach === 0 || nextCommittee !== undefined) {
      const blocks = certifiers.map(decodeSignedBlock)
      await verifyCertification({ commit, certifiers: blocks, committee, blockVerifier })
    }
    const verified = await blockVerifier.verify(subDag.blocks.map(({ bytes }) => decodeSignedBlock(bytes)))
    const blocks = new BlockRefMap(verified.map((block) => [block.ref, block]))
    const assembled = assembleSubDag(commit, blocks, (ref) => timestamps.get(ref))
    assert.ok(assembled.blocks.every((block, at) => block.bytes === verified[at]?.bytes))
    assert.equal(assembled.blocks.length, subDag.blocks.length)
    for (const { ref, block } of verified) timestamps.set(ref, block.timestampMs)

    range.push(commit)
    const { endOfEpoch } = verified.at(-1)?.block ?? {}
    const proven = endOfEpoch?.aggregateSignature === undefined ? undefined : endOfEpoch.nextValidatorSet
    assert.equal(proven !== undefined, proofs && nextCommittee !== undefined, `hand-over of commit ${commit.ref.index}`)
    const next = proven === undefined ? nextCommittee : decodeCommittee(proven)
    if (next === undefined) continue
    verifyLinks(range, tip, committee)
    tip = { ref: commit.ref, timestampMs: endOfEpoch?.nextEpochStartMs ?? commit.commit.timestampMs }
    range = []
    epoch += 1
    committees.set(epoch, next)
  }
  if (range.length > 0) verifyLinks(range, tip, committees.get(epoch))
  return committees
}

/** Verifies that commits of one epoch follow each other, and the tip. */
export function verifyLinks(
  commits: readonly EncodedCommit[],
  tip: { readonly ref: CommitRef; readonly timestampMs: number },
  committee: Committee | undefined
): void {
  assert.ok(committee !== undefined)
  const start = tip.ref.index + 1
  const end = tip.ref.index + commits.length
  const { epoch } = committee
  verifyCommitChain({ commits, start, end, tip: tip.ref, tipTimestampMs: tip.timestampMs, epoch, committee })
}
