import type { Block } from '../consensus/block.ts'
import { genesisBlockRef } from '../consensus/block-ref.ts'
import { type Commit, type EncodedCommit, encodeCommit, type TrustedCommit, trustCommit } from '../consensus/commit.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { decodeSignedBlock, type SignedBlock, trustBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import type { Chain } from './chain-builder.ts'
import type { EpochPlan } from './epoch-schedule.ts'
import type { BuiltGenesis } from './genesis-builder.ts'
import type { ScriptedCommit, ScriptedConsensus } from './scripted-consensus.ts'
import { signBlock } from './sign-block.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/**
 * Forgeries for tests: take something valid, break one thing, and see who notices. What comes back has the type of the verified thing, so
 * that it can go wherever that goes.
 */

/** Whose secrets sign forgeries: a chain, or a genesis, which has no epoch but 0. */
export interface ForgeSecrets extends BuiltGenesis {
  readonly consensus?: Pick<ScriptedConsensus, 'epoch'>
}

/** The validators of an epoch. */
export function validatorsOf(
  chain: ForgeSecrets,
  epoch: number
): Pick<EpochPlan, 'committee' | 'keys' | 'startTimeMs'> {
  if (chain.consensus !== undefined) return chain.consensus.epoch(epoch)
  const { committee, startTimeMs } = chain.genesis
  return { committee, keys: chain.keys, startTimeMs }
}

/**
 * A block with some fields changed, signed again.
 *
 * @param options.signer index of the validator that signs, in the committee of the original's epoch. @default the original's author
 */
export function forgeBlock(
  chain: ForgeSecrets,
  original: SignedBlock,
  changes: Partial<Block>,
  options: { signer?: number } = {}
): VerifiedBlock {
  const { keys } = validatorsOf(chain, original.ref.epoch)
  const signer = keys[options.signer ?? original.ref.author] as ValidatorKeys
  return trustBlock(signBlock(signer, chain.genesis.chainId, { ...original.block, ...changes }))
}

/** A block whose signature has one bit flipped, which gives it another digest as well. */
export function breakSignature(original: SignedBlock): VerifiedBlock {
  return trustBlock(decodeSignedBlock(flipBit(original.bytes, 0)))
}

/** A commit with some fields changed. */
export function forgeCommit(original: EncodedCommit, changes: Partial<Commit>): TrustedCommit {
  return trustCommit(encodeCommit({ ...original.commit, ...changes }))
}

/** A sub-DAG that commits to its blocks, the last as leader, linked to a commit before; `changes` break it. */
export function forgeSubDag(
  previous: CommitRef,
  blocks: readonly SignedBlock[],
  changes: Partial<Commit> = {}
): CommittedSubDag {
  const leader = blocks.at(-1)
  if (leader === undefined) throw new RangeError('a sub-DAG without blocks')
  const commit = encodeCommit({
    index: previous.index + 1,
    previousDigest: previous.digest,
    timestampMs: leader.block.timestampMs,
    leader: leader.ref,
    blocks: blocks.map((block) => block.ref),
    epoch: leader.ref.epoch,
    ...changes
  })
  return { commit: trustCommit(commit), blocks: blocks.map(trustBlock) }
}

/**
 * Valid blocks that vote for a commit, whatever commit that is: one for each author, of round 1, on genesis alone.
 *
 * @param authors indexes of the validators that vote. @default all
 * @param options.epoch whose validators vote, in blocks of that epoch. @default 0
 */
export function votesFor(
  chain: ForgeSecrets,
  ref: CommitRef,
  authors?: readonly number[],
  options: { epoch?: number } = {}
): VerifiedBlock[] {
  const { epoch = 0 } = options
  const everyone = [...validatorsOf(chain, epoch).committee.validators.keys()]
  return (authors ?? everyone).map((author) => firstBlock(chain, epoch, author, { commitVotes: [ref] }))
}

/** A valid block of round 1, on genesis blocks alone; `changes` fill or break it. */
export function firstBlock(
  chain: ForgeSecrets,
  epoch: number,
  author: number,
  changes: Partial<Block> = {}
): VerifiedBlock {
  const { chainId } = chain.genesis
  const { committee, keys, startTimeMs } = validatorsOf(chain, epoch)
  const others = [...committee.validators.keys()].filter((other) => other !== author)
  const block = signBlock(keys[author] as ValidatorKeys, chainId, {
    epoch,
    round: 1,
    author,
    timestampMs: startTimeMs,
    ancestors: [author, ...others].map((other) => genesisBlockRef(chainId, epoch, other)),
    transactions: [],
    commitVotes: [],
    endOfEpoch: undefined,
    ...changes
  })
  return trustBlock(block)
}

/**
 * The commits of a chain with one replaced: those after it are linked to it anew, and all from there on certified by the votes of everybody in their
 * epoch. What is wrong with the replacement is then all that is wrong.
 *
 * @param index of the commit to replace, whatever index the replacement claims
 */
export function replaceCommit(chain: Chain, index: number, replacement: CommittedSubDag): ScriptedCommit[] {
  const before = chain.commits.slice(0, index - 1)
  const subDags = [replacement]
  for (const { subDag } of chain.commits.slice(index)) {
    const { digest } = (subDags.at(-1) as CommittedSubDag).commit.ref
    subDags.push({ commit: forgeCommit(subDag.commit, { previousDigest: digest }), blocks: subDag.blocks })
  }
  const certified = subDags.map((subDag, position) => {
    const { ref, commit } = subDag.commit
    const certifiers = votesFor(chain, ref, undefined, { epoch: commit.epoch }).map((vote) => vote.bytes)
    return { ...chain.commits[index - 1 + position], subDag, certifiers }
  })
  return [...before, ...certified]
}

/** A copy with the lowest bit of one byte flipped. @param at index of the byte, from the end when negative */
export function flipBit(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const index = at < 0 ? copy.byteLength + at : at
  const byte = copy[index]
  if (byte === undefined) throw new RangeError(`no byte ${at} of ${copy.byteLength}`)
  copy[index] = byte ^ 1
  return copy
}
