import { type BlockRef, formatBlockRef } from '../consensus/block-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import { QUORUM_STAKE } from '../consensus/limits.ts'
import type { SignedBlock } from '../consensus/signed-block.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { VerifyError, type VerifyErrorCode } from './verify-error.ts'

/**
 * Checks what a block says of itself and of its ancestors, without a signature looked at. Its size was checked when it was decoded.
 *
 * @param committee of the block's epoch
 * @param genesisDigest digest of an author's genesis block in that epoch
 * @throws {VerifyError} `BLOCK_UNKNOWN_EPOCH`, `BLOCK_GENESIS_ROUND`, `BLOCK_AUTHOR_OUT_OF_RANGE`, and those of its ancestors:
 * `BLOCK_NO_ANCESTORS`, `BLOCK_TOO_MANY_ANCESTORS`, `BLOCK_OWN_ANCESTOR_NOT_FIRST`, `BLOCK_DUPLICATE_ANCESTOR_AUTHOR`, `BLOCK_ANCESTOR_OUT_OF_RANGE`,
 * `BLOCK_ANCESTOR_WRONG_EPOCH`, `BLOCK_ANCESTOR_NOT_EARLIER`, `BLOCK_FALSE_GENESIS_ANCESTOR`, `BLOCK_PARENTS_WITHOUT_QUORUM`
 */
export function verifyBlockStructure(
  signed: SignedBlock,
  committee: Committee,
  genesisDigest: (author: number) => Digest
): void {
  const { block, ref } = signed
  if (block.epoch !== committee.epoch) {
    throw fault(ref, 'BLOCK_UNKNOWN_EPOCH', `is of epoch ${block.epoch}, not ${committee.epoch}`)
  }
  if (block.round === 0) throw fault(ref, 'BLOCK_GENESIS_ROUND', 'is of round 0')
  if (block.author >= committee.validators.length) {
    throw fault(ref, 'BLOCK_AUTHOR_OUT_OF_RANGE', `is by none of ${committee.validators.length} validators`)
  }
  verifyAncestors(signed, committee, genesisDigest)
}

function verifyAncestors(
  { block, ref }: SignedBlock,
  { validators }: Committee,
  genesisDigest: (author: number) => Digest
): void {
  const { ancestors, author, round, epoch } = block
  const first = ancestors[0]
  if (first === undefined) throw fault(ref, 'BLOCK_NO_ANCESTORS', 'has no ancestors')
  if (ancestors.length > validators.length) {
    throw fault(ref, 'BLOCK_TOO_MANY_ANCESTORS', `has ${ancestors.length} ancestors`)
  }
  if (first.author !== author) throw fault(ref, 'BLOCK_OWN_ANCESTOR_NOT_FIRST', `begins with ${formatBlockRef(first)}`)
  const seen = new Uint8Array(validators.length)
  let parentStake = 0
  for (const ancestor of ancestors) {
    const validator = validators[ancestor.author]
    if (validator === undefined) throw ancestorFault(ref, 'BLOCK_ANCESTOR_OUT_OF_RANGE', ancestor, 'by no validator')
    if (seen[ancestor.author] === 1) {
      const isOwn = ancestor.author === author
      const code = isOwn ? 'BLOCK_OWN_ANCESTOR_NOT_FIRST' : 'BLOCK_DUPLICATE_ANCESTOR_AUTHOR'
      throw ancestorFault(ref, code, ancestor, 'a second one by its author')
    }
    seen[ancestor.author] = 1
    if (ancestor.epoch !== epoch) throw ancestorFault(ref, 'BLOCK_ANCESTOR_WRONG_EPOCH', ancestor, 'of another epoch')
    if (ancestor.round >= round) throw ancestorFault(ref, 'BLOCK_ANCESTOR_NOT_EARLIER', ancestor, 'not earlier')
    if (ancestor.round === 0 && !bytesEqual(ancestor.digest, genesisDigest(ancestor.author))) {
      throw ancestorFault(ref, 'BLOCK_FALSE_GENESIS_ANCESTOR', ancestor, 'not the genesis block of its author')
    }
    if (ancestor.round === round - 1) parentStake += validator.votingPower
  }
  if (parentStake < QUORUM_STAKE) {
    throw fault(ref, 'BLOCK_PARENTS_WITHOUT_QUORUM', `has parents of stake ${parentStake}, under ${QUORUM_STAKE}`)
  }
}

function fault(block: BlockRef, code: VerifyErrorCode, what: string): VerifyError {
  return new VerifyError(code, `block ${formatBlockRef(block)} ${what}`, { block })
}

function ancestorFault(block: BlockRef, code: VerifyErrorCode, ancestor: BlockRef, what: string): VerifyError {
  return fault(block, code, `has the ancestor ${formatBlockRef(ancestor)}, ${what}`)
}
