import type { Block } from '../../../src/consensus/block.ts'
import { type BlockRef, genesisBlockRef } from '../../../src/consensus/block-ref.ts'
import { encodeCommittee } from '../../../src/consensus/committee.ts'
import type { EndOfEpochData } from '../../../src/consensus/end-of-epoch.ts'
import type { SignedBlock } from '../../../src/consensus/signed-block.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import type { VerifyErrorCode } from '../../../src/verify/verify-error.ts'
import { filled } from './fields.ts'
import { blockBy, chainId, chainRound, committee, genesisRefs, refsOf } from './fixture.ts'
import { aggregate, bitmap, blockWith, endOfEpoch, fullEndOfEpoch, nextCommittee, signatures } from './hand-over.ts'

const firstRefs = refsOf(chainRound(1))
const [own, second, third, fourth] = firstRefs as [BlockRef, BlockRef, BlockRef, BlockRef]
const [ownGenesis] = genesisRefs as [BlockRef]

/** A block of round 2 by validator 0, with one thing wrong. */
function broken(changes: Partial<Block>, signer = 0): SignedBlock {
  return blockBy(0, 2, firstRefs, changes, signer)
}

function withAncestors(...ancestors: BlockRef[]): SignedBlock {
  return broken({ ancestors })
}

function withData(changes: Partial<EndOfEpochData>): SignedBlock {
  return blockWith({ ...fullEndOfEpoch(0), ...changes }, 0)
}

function flipped({ bytes }: SignedBlock): Uint8Array {
  const copy = bytes.slice()
  copy[0] = (copy[0] ?? 0) ^ 1
  return copy
}

const laterSet = encodeCommittee({ epoch: 2, validators: nextCommittee.validators }).bytes
const unprovedSet = encodeCommittee({
  epoch: 1,
  validators: nextCommittee.validators.map((validator, index) =>
    index === 0 ? { ...validator, proofOfPossession: signatures[0] as Uint8Array } : validator
  )
}).bytes
const minority = Uint8Array.of(0b0011)

const cases: readonly [string, VerifyErrorCode | 'BLOCK_MALFORMED', SignedBlock | Uint8Array][] = [
  ['no block after the signature', 'BLOCK_MALFORMED', new Uint8Array(64)],
  ['a block cut short', 'BLOCK_MALFORMED', broken({}).bytes.slice(0, -1)],
  ['an epoch without a committee', 'BLOCK_UNKNOWN_EPOCH', broken({ epoch: 1 })],
  ['round 0', 'BLOCK_GENESIS_ROUND', broken({ round: 0 })],
  ['an author above the committee', 'BLOCK_AUTHOR_OUT_OF_RANGE', broken({ author: committee.validators.length })],
  ['no ancestors', 'BLOCK_NO_ANCESTORS', withAncestors()],
  ['more ancestors than validators', 'BLOCK_TOO_MANY_ANCESTORS', withAncestors(...firstRefs, second)],
  ['another first', 'BLOCK_OWN_ANCESTOR_NOT_FIRST', withAncestors(second, own, third, fourth)],
  ['its own twice', 'BLOCK_OWN_ANCESTOR_NOT_FIRST', withAncestors(own, second, third, ownGenesis)],
  ['two of one author', 'BLOCK_DUPLICATE_ANCESTOR_AUTHOR', withAncestors(own, second, third, second)],
  [
    'an ancestor by no validator',
    'BLOCK_ANCESTOR_OUT_OF_RANGE',
    withAncestors(own, second, third, { ...fourth, author: 4 })
  ],
  [
    'an ancestor of another epoch',
    'BLOCK_ANCESTOR_WRONG_EPOCH',
    withAncestors(own, second, third, { ...fourth, epoch: 1 })
  ],
  [
    'an ancestor of the same round',
    'BLOCK_ANCESTOR_NOT_EARLIER',
    withAncestors(own, second, third, { ...fourth, round: 2 })
  ],
  [
    'a genesis block that is none',
    'BLOCK_FALSE_GENESIS_ANCESTOR',
    withAncestors(own, second, third, { ...fourth, round: 0, digest: filled(1) })
  ],
  [
    'the genesis block of another author',
    'BLOCK_FALSE_GENESIS_ANCESTOR',
    withAncestors(own, second, third, { ...genesisBlockRef(chainId, 0, 2), author: 3 })
  ],
  ['parents of two validators', 'BLOCK_PARENTS_WITHOUT_QUORUM', withAncestors(own, second)],
  ['signed by another', 'BLOCK_BAD_SIGNATURE', broken({}, 1)],
  ['a bit of the signature flipped', 'BLOCK_BAD_SIGNATURE', flipped(broken({}))],
  [
    "the author's signature without a set",
    'BLOCK_BAD_END_OF_EPOCH',
    blockWith(endOfEpoch({ authorSignature: signatures[0] }), 0)
  ],
  ["the author's signature without a state hash", 'BLOCK_BAD_END_OF_EPOCH', withData({ stateHash: undefined })],
  ['an aggregate without its signers', 'BLOCK_BAD_END_OF_EPOCH', withData({ signers: undefined })],
  ['signers without their aggregate', 'BLOCK_BAD_END_OF_EPOCH', withData({ aggregateSignature: undefined })],
  ["an aggregate without the author's signature", 'BLOCK_BAD_END_OF_EPOCH', withData({ authorSignature: undefined })],
  [
    'an aggregate without a set',
    'BLOCK_BAD_END_OF_EPOCH',
    blockWith(endOfEpoch({ aggregateSignature: aggregate, signers: bitmap }), 0)
  ],
  ["another validator's signature", 'BLOCK_BAD_END_OF_EPOCH', withData({ authorSignature: signatures[1] })],
  ['an aggregate of others than its signers', 'BLOCK_BAD_END_OF_EPOCH', withData({ signers: Uint8Array.of(0b1011) })],
  ['an aggregate of a minority', 'BLOCK_BAD_END_OF_EPOCH', withData({ signers: minority })],
  ['a bitmap with a validator too many', 'BLOCK_BAD_END_OF_EPOCH', withData({ signers: Uint8Array.of(0b1_0111) })],
  ['a bitmap with a byte too many', 'BLOCK_BAD_END_OF_EPOCH', withData({ signers: Uint8Array.of(0b0111, 0) })],
  ['signatures over another start', 'BLOCK_BAD_END_OF_EPOCH', withData({ nextEpochStartMs: 1 })],
  ['signatures over another state', 'BLOCK_BAD_END_OF_EPOCH', withData({ stateHash: filled(2) })],
  ['a set that is none', 'BLOCK_BAD_END_OF_EPOCH', blockWith(endOfEpoch({ nextValidatorSet: Uint8Array.of(8, 1) }), 0)],
  [
    'a set of the epoch after the next',
    'BLOCK_BAD_END_OF_EPOCH',
    blockWith(endOfEpoch({ nextValidatorSet: laterSet }), 0)
  ],
  [
    'a set with a false proof of possession',
    'BLOCK_BAD_END_OF_EPOCH',
    blockWith(endOfEpoch({ nextValidatorSet: unprovedSet }), 0)
  ]
]

export function invalidBlockVectors(): unknown {
  return {
    about:
      'Signed blocks on the chain of genesis.json, each of which breaks one rule, and the code of that rule in README.md.',
    chain_id: toHex(chainId),
    blocks: cases.map(([what, code, block]) => ({
      what,
      code,
      bytes: toHex(block instanceof Uint8Array ? block : block.bytes)
    }))
  }
}
