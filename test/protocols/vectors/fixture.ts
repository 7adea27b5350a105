import type { Block } from '../../../src/consensus/block.ts'
import { type BlockRef, genesisBlockRef } from '../../../src/consensus/block-ref.ts'
import { type EncodedCommit, encodeCommit } from '../../../src/consensus/commit.ts'
import type { CommitVote } from '../../../src/consensus/commit-ref.ts'
import type { Committee } from '../../../src/consensus/committee.ts'
import type { Digest } from '../../../src/consensus/digest.ts'
import type { Genesis } from '../../../src/consensus/genesis.ts'
import type { SignedBlock } from '../../../src/consensus/signed-block.ts'
import { type BuiltGenesis, buildGenesis } from '../../../src/testing/genesis-builder.ts'
import { signBlock } from '../../../src/testing/sign-block.ts'
import type { ValidatorKeys } from '../../../src/testing/validator-keys.ts'
import { filled } from './fields.ts'

/** The start of 2026. */
const START_TIME_MS = 1_767_225_600_000
const STAKES = [30, 30, 20, 20]

/** The secrets of the validator that came as number `index`, before the committee was put into order. */
export function secretsOf(index: number): ValidatorKeys {
  return {
    networkSeed: filled(0x10 + index),
    protocolSeed: filled(0x20 + index),
    authoritySeed: filled(0x30 + index)
  }
}

const built: BuiltGenesis = buildGenesis({
  validators: STAKES.map((stake, index) => ({
    keys: secretsOf(index),
    stake,
    addresses: [`/ip4/192.0.2.${index + 1}/tcp/9000`]
  })),
  startTimeMs: START_TIME_MS,
  stateHash: filled(0xaa)
})

export const genesis: Genesis = built.genesis
export const committee: Committee = genesis.committee
export const chainId: Digest = genesis.chainId
/** The secrets of the validators, in the order of the committee. */
export const keys: readonly ValidatorKeys[] = built.keys

/** A block of the fixture by an author, signed; `changes` say what is different about it. */
export function blockBy(
  author: number,
  round: number,
  parents: readonly BlockRef[],
  changes: Partial<Block> = {},
  signer: number = author
): SignedBlock {
  const own = parents.filter((parent) => parent.author === author)
  const others = parents.filter((parent) => parent.author !== author)
  return signBlock(keys[signer] as ValidatorKeys, chainId, {
    epoch: 0,
    round,
    author,
    timestampMs: START_TIME_MS + 250 * round,
    ancestors: [...own, ...others],
    transactions: [Uint8Array.of(round, author)],
    commitVotes: [],
    endOfEpoch: undefined,
    ...changes
  })
}

/** The genesis blocks of epoch 0, by author. */
export const genesisRefs: readonly BlockRef[] = STAKES.map((_, author) => genesisBlockRef(chainId, 0, author))

function roundOf(round: number, parents: readonly BlockRef[], commitVotes: readonly CommitVote[]): SignedBlock[] {
  return STAKES.map((_, author) => blockBy(author, round, parents, { commitVotes }))
}

function commitOf(
  index: number,
  previousDigest: Uint8Array,
  leader: SignedBlock,
  history: readonly SignedBlock[]
): EncodedCommit {
  const blocks = [...history, leader].map((block) => block.ref)
  return encodeCommit({
    index,
    previousDigest,
    timestampMs: leader.block.timestampMs,
    leader: leader.ref,
    blocks,
    epoch: 0
  })
}

/**
 * A short chain: two rounds of four blocks, two commits led by validator 1 and 2, and a third round, all of whose blocks vote for both.
 */
const firstRound = roundOf(1, genesisRefs, [])
const secondRound = roundOf(2, refsOf(firstRound), [])
const firstCommit = commitOf(1, chainId, at(firstRound, 1), [])
const secondCommit = commitOf(
  2,
  firstCommit.ref.digest,
  at(secondRound, 2),
  [0, 2, 3].map((author) => at(firstRound, author))
)
export const commits: readonly EncodedCommit[] = [firstCommit, secondCommit]
const thirdRound = roundOf(
  3,
  refsOf(secondRound),
  commits.map((commit) => commit.ref)
)
export const blocks: readonly SignedBlock[] = [...firstRound, ...secondRound, ...thirdRound]
/** Three of the third round: 8,000 of 10,000. */
export const certifiers: readonly SignedBlock[] = thirdRound.slice(0, 3)

/** The blocks of one round of the chain, by author. */
export function chainRound(round: 1 | 2 | 3): readonly SignedBlock[] {
  return [firstRound, secondRound, thirdRound][round - 1] as SignedBlock[]
}

export function refsOf(signed: readonly SignedBlock[]): BlockRef[] {
  return signed.map((block) => block.ref)
}

function at(round: readonly SignedBlock[], author: number): SignedBlock {
  return round[author] as SignedBlock
}
