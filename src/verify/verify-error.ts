import type { BlockRef } from '../consensus/block-ref.ts'
import { SomaError } from '../runtime/soma-error.ts'

/** Why consensus data failed verification. All of it is objectively wrong: whoever sent it is at fault, or lied to. */
export type VerifyErrorCode =
  // a block (rules of the block verifier, in the order of cost)
  | 'BLOCK_WRONG_REF' // not the block that was asked for: digest, epoch, round or author differ
  | 'BLOCK_UNKNOWN_EPOCH' // no committee for its epoch
  | 'BLOCK_GENESIS_ROUND' // round 0 travels as a reference only
  | 'BLOCK_AUTHOR_OUT_OF_RANGE'
  | 'BLOCK_NO_ANCESTORS'
  | 'BLOCK_TOO_MANY_ANCESTORS'
  | 'BLOCK_OWN_ANCESTOR_NOT_FIRST' // the first ancestor is not the author's own, or the author's own comes again
  | 'BLOCK_DUPLICATE_ANCESTOR_AUTHOR'
  | 'BLOCK_ANCESTOR_OUT_OF_RANGE' // an ancestor's author is not in the committee
  | 'BLOCK_ANCESTOR_WRONG_EPOCH'
  | 'BLOCK_ANCESTOR_NOT_EARLIER' // an ancestor of the same or a later round
  | 'BLOCK_FALSE_GENESIS_ANCESTOR' // a round 0 ancestor that is not the author's genesis block
  | 'BLOCK_PARENTS_WITHOUT_QUORUM' // ancestors of the previous round hold no quorum of stake
  | 'BLOCK_BAD_SIGNATURE'
  | 'BLOCK_BAD_TRANSACTION' // the transaction verifier refused one
  | 'BLOCK_BAD_END_OF_EPOCH' // an invalid combination or signature of end-of-epoch data
  // a range of commits
  | 'COMMITS_EMPTY' // an answer without commits
  | 'COMMITS_TOO_MANY' // more commits than asked
  | 'COMMITS_WRONG_INDEX' // not consecutive, or not from where it was asked
  | 'COMMITS_BROKEN_CHAIN' // a previous digest that is not the digest of the commit before
  | 'COMMITS_WRONG_EPOCH' // a commit of another epoch than the chain is in
  | 'COMMIT_INVALID' // leader or blocks that no honest commit has: no blocks, duplicates, another epoch
  | 'COMMIT_TIMESTAMP_REGRESSED'
  | 'CERTIFIERS_WITHOUT_QUORUM' // too few votes from distinct authors for exactly that commit
  | 'CERTIFIER_DUPLICATE_AUTHOR'
  | 'CERTIFIER_NO_VOTE' // a certifier block that does not vote for that index and digest
  | 'CERTIFIER_WRONG_EPOCH'
  | 'CERTIFIERS_TOO_MANY'
  // blocks against a request
  | 'BLOCKS_TOO_MANY'
  | 'BLOCKS_MISSING' // a block of a commit that the peer itself served is not in its answer
  // assembly
  | 'ASSEMBLY_BLOCK_MISSING'
  | 'ASSEMBLY_TIMESTAMP_REGRESSED' // a block older than an ancestor that was committed before it

/** What a {@link VerifyError} is about, beside its code. */
export interface VerifyErrorOptions extends ErrorOptions {
  /** The block at fault. */
  readonly block?: BlockRef
}

/** Consensus data that is not what it claims to be. */
export class VerifyError extends SomaError<VerifyErrorCode> {
  /** The block at fault, where it is one. */
  readonly block: BlockRef | undefined

  constructor(code: VerifyErrorCode, message: string, options: VerifyErrorOptions = {}) {
    super(code, message, options)
    this.block = options.block
  }
}
