import type { PeerId } from '@libp2p/interface'
import type { BlockRef } from '../consensus/block-ref.ts'
import type { EncodedCommit } from '../consensus/commit.ts'
import type { SignedBlock, VerifiedBlock } from '../consensus/signed-block.ts'
import type { CertifiedCommits } from './range.ts'

/** An attempt at a range, with one peer: what goes into its pipe. */
export interface RangeRequest {
  readonly peer: PeerId
  readonly start: number
  readonly end: number
  /** What an earlier attempt left: then only blocks are fetched. */
  readonly certified: CertifiedCommits | undefined
  /** Whether another attempt has brought a block. */
  hasBlock(ref: BlockRef): boolean
  /** Takes bytes from the sync's budget in the name of this range, when there is room for them. */
  hold(bytes: number): Promise<void>
}

/** Between `fetchCommits` and `verifyCommits`. */
export interface FetchedCommits {
  readonly request: RangeRequest
  readonly commits: readonly EncodedCommit[]
  readonly certifiers: readonly SignedBlock[]
}

/** Between `verifyCommits` and `fetchBlocks`. */
export interface CertifiedRange {
  readonly request: RangeRequest
  readonly certified: CertifiedCommits
}

/** Between `fetchBlocks` and `verifyBlocks`. */
export type FetchedBlocks =
  | { readonly kind: 'certified'; readonly certified: CertifiedCommits }
  | { readonly kind: 'blocks'; readonly blocks: readonly SignedBlock[] }

/** What an attempt's pipe yields. */
export type VerifiedBlocks =
  | { readonly kind: 'certified'; readonly certified: CertifiedCommits }
  | { readonly kind: 'blocks'; readonly blocks: readonly VerifiedBlock[] }
