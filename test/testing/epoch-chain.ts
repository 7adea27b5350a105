import type { VerifiedBlock } from '../../src/consensus/signed-block.ts'
import type { ConsensusCommit } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, type Chain, commitAt } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import type { CommitteeMember } from '../../src/testing/committee-builder.ts'
import type { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'

/** Four validators, of whom one leaves and another joins each epoch. */
export const changing: (epoch: number) => CommitteeMember[] = changingValidators({ sizes: [4] })

/** Five epochs of eight commits. */
export const chain: Chain = buildChain({ commits: 40, epochs: { commits: 8, validators: changing } })

/** Everything of a commit that another process could compare. */
export function fingerprint({ subDag, certifiers }: ConsensusCommit): string {
  return [subDag.commit.bytes, ...subDag.blocks.map((block) => block.bytes), ...certifiers].map(toHex).join()
}

export function fingerprintsOf(consensus: ScriptedConsensus, count: number): string[] {
  return Array.from({ length: count }, () => fingerprint(consensus.nextCommit()))
}

/** The last commit of an epoch. */
export function lastOf({ commits, consensus }: Chain, epoch: number): ConsensusCommit {
  return commitAt({ commits }, consensus.epoch(epoch).lastCommit)
}

export function leaderOf({ subDag }: ConsensusCommit): VerifiedBlock {
  return subDag.blocks.at(-1) as VerifiedBlock
}
