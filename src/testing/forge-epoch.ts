import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { EndOfEpochData } from '../consensus/end-of-epoch.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'
import { blsAggregate } from '../verify/bls.ts'
import { decodeSigners, encodeSigners } from '../verify/signer-bitmap.ts'
import { type Chain, commitAt, lastCommitOfEpoch } from './chain-builder.ts'
import { buildCommittee, type CommitteeMember } from './committee-builder.ts'
import { firstBlock, forgeBlock, forgeSubDag, validatorsOf, votesFor } from './forge.ts'
import type { ScriptedCommit } from './scripted-consensus.ts'
import { ScriptedHandOver } from './scripted-hand-over.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/** What is false in a hand-over; what is not named is as the chain's own hand-over has it. */
export interface HandOverForgery {
  /** Who signs the aggregate, one after the other, each as often as named. @default who signed the chain's own */
  readonly signedBy?: readonly ValidatorKeys[]
  /** Whom the bitmap names, by index in the committee of the epoch that ends. @default whom the chain's own names */
  readonly named?: readonly number[]
  /** Who comes next. @default the chain's next committee */
  readonly next?: Committee
  /** Start of the next epoch, in milliseconds since the Unix epoch. */
  readonly startTimeMs?: number
  /** 32 bytes. */
  readonly stateHash?: Uint8Array
}

/** A committee that the chain never agreed on: right in its form, with proofs of possession and all. */
export function forgeCommittee(chain: Chain, epoch: number, validators: readonly CommitteeMember[]): Committee {
  return buildCommittee({ epoch, validators, chainId: chain.genesis.chainId }).committee
}

/**
 * The end-of-epoch data of the leader of an epoch's last commit, forged. Its author signs what it says, so that the aggregate alone is false: of a minority
 * that its bitmap names, or of anybody where the bitmap names others.
 *
 * ```ts
 * const { keys } = chain.consensus.epoch(1)
 * const next = forgeCommittee(chain, 2, chain.keys.map((keys) => ({ keys })))
 * forgeHandOver(chain, 1, { next, signedBy: keys.slice(0, 1), named: [0] }) // a minority
 * forgeHandOver(chain, 1, { next, signedBy: keys.slice(0, 1), named: [0, 1, 2] }) // a minority that claims to be a quorum
 * forgeHandOver(chain, 1, { next, signedBy: [0, 0, 0].flatMap((index) => keys[index] ?? []), named: [0, 1, 2] }) // one that signs for three
 * forgeHandOver(chain, 1, { next, signedBy: chain.consensus.epoch(0).keys }) // those of an epoch that is over
 * ```
 *
 * @throws {RangeError} when the epoch does not end in the chain, or does so without proof
 */
export function forgeHandOver(chain: Chain, epoch: number, forgery: HandOverForgery): EndOfEpochData {
  const own = validatorsOf(chain, epoch)
  const { block } = lastLeader(chain, epoch)
  const { endOfEpoch } = block
  if (endOfEpoch?.stateHash === undefined || endOfEpoch.signers === undefined) {
    throw new RangeError(`epoch ${epoch} ends without proof`)
  }
  const { committee, startTimeMs } = validatorsOf(chain, epoch + 1)
  const { next = committee, stateHash = endOfEpoch.stateHash } = forgery
  const handOver = new ScriptedHandOver(chain.genesis.chainId, own, {
    committee: next,
    startTimeMs: forgery.startTimeMs ?? startTimeMs,
    stateHash
  })
  const named = decodeSigners(endOfEpoch.signers, own.committee) ?? []
  const signers = forgery.signedBy ?? named.flatMap((author) => own.keys[author] ?? [])
  return {
    ...handOver.signedBy(block.author),
    aggregateSignature: blsAggregate(signers.map((keys) => handOver.sign(keys))),
    signers: encodeSigners(forgery.named ?? named, own.committee)
  }
}

/**
 * The last commit of an epoch with other end-of-epoch data in its leader's block, or with none: the epoch then does not end there.
 *
 * To have it certified, and the chain go on from it: `replaceCommit(chain, lastCommitOfEpoch(chain, epoch), subDag)`.
 */
export function forgeLastCommit(chain: Chain, epoch: number, endOfEpoch: EndOfEpochData | undefined): CommittedSubDag {
  const index = lastCommitOfEpoch(chain, epoch)
  const { commit, blocks } = commitAt(chain, index).subDag
  const leader = forgeBlock(chain, lastLeader(chain, epoch), { endOfEpoch })
  const previous = { index: index - 1, digest: commit.commit.previousDigest }
  return forgeSubDag(previous, [...blocks.slice(0, -1), leader])
}

/**
 * A commit that follows another, of whatever epoch: one that skips an epoch, or stays in the old one after its last commit, is wrong in nothing else. It
 * holds one block, of the epoch's first round.
 *
 * @param after index of the commit that it follows; 0 for the first
 * @param epoch of the commit, its block and its votes
 * @param authors who certifies it, by index in the committee of that epoch: none of them, and it is uncertified. @default all
 */
export function forgeNextCommit(
  chain: Chain,
  after: number,
  epoch: number,
  authors?: readonly number[]
): ScriptedCommit {
  const before = after === 0 ? undefined : commitAt(chain, after).subDag.commit
  const { startTimeMs } = validatorsOf(chain, epoch)
  const timestampMs = Math.max(startTimeMs, before?.commit.timestampMs ?? 0)
  const previous = before?.ref ?? { index: 0, digest: chain.genesis.chainId }
  const subDag = forgeSubDag(previous, [firstBlock(chain, epoch, 0, { timestampMs })])
  const votes = votesFor(chain, subDag.commit.ref, authors, { epoch })
  return { subDag, certifiers: votes.map((vote) => vote.bytes) }
}

/** The block that hands over. */
function lastLeader(chain: Chain, epoch: number): VerifiedBlock {
  const { blocks } = commitAt(chain, lastCommitOfEpoch(chain, epoch)).subDag
  return blocks.at(-1) as VerifiedBlock
}
