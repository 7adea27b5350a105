import { type Chain, chainOf, commitAt, lastCommitOfEpoch } from './chain-builder.ts'
import { type CommitteeMember, membersOf } from './committee-builder.ts'
import { replaceCommit, votesFor } from './forge.ts'
import { forgeHandOver, forgeLastCommit, type HandOverForgery } from './forge-epoch.ts'

/** Who takes a chain over, and how. */
export interface Usurpation {
  /** The epoch that hands over to them. It ends in the chain, with proof. */
  readonly epoch: number
  /** The usurpers of each epoch after it. */
  readonly validators: (epoch: number) => readonly CommitteeMember[]
  /** Who signs the hand-over, and whom it names as its signers. @default those who signed the chain's own, named as they are: a quorum that lies */
  readonly handOver?: Pick<HandOverForgery, 'signedBy' | 'named'>
  /** Who certifies the commit that hands over, by index in its committee. @default everybody */
  readonly certifiedBy?: readonly number[]
}

/**
 * The chain with its epochs after one taken over by others: the last commit of that epoch names them as its successors, and they go on from there as
 * a committee does, every commit of theirs valid and certified by their own rules. Before that commit the two chains are the same.
 *
 * @throws {RangeError} when the epoch does not end in the chain, or does so without proof
 */
export function usurpChain(chain: Chain, usurpation: Usurpation): Chain {
  const { epoch, validators, handOver, certifiedBy } = usurpation
  const index = lastCommitOfEpoch(chain, epoch)
  const { options, consensus } = chain
  if (options.epochs === undefined) throw new RangeError('a chain without epochs')
  const validatorsOf = (of: number) => (of <= epoch ? membersOf(consensus.epoch(of)) : validators(of))
  const usurped = chainOf({ ...options, epochs: { ...options.epochs, validators: validatorsOf } }, chain.commits.length)
  const data = forgeHandOver(usurped, epoch, handOver ?? {})
  const commits = replaceCommit(usurped, index, forgeLastCommit(usurped, epoch, data))
  const last = commitAt({ commits }, index)
  const certifiers = votesFor(usurped, last.subDag.commit.ref, certifiedBy, { epoch }).map((vote) => vote.bytes)
  return { ...usurped, commits: commits.with(index - 1, { ...last, certifiers }) }
}
