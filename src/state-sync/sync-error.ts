import type { PeerId } from '@libp2p/interface'
import type { EncodedCommit } from '../consensus/commit.ts'
import type { SignedBlock } from '../consensus/signed-block.ts'
import { SomaError } from '../runtime/soma-error.ts'

/** Why the sync, or the consensus interface, refuses to go on. */
export type SyncErrorCode =
  // a halt: the sync stops, keeps the evidence, and bans nobody
  | 'SYNC_FORK' // a certified commit conflicts with what is stored, or with the trusted checkpoint
  | 'SYNC_CERTIFIED_DATA_REFUSED' // a block that a quorum certified fails our own verifier, or hands over another state than we have computed
  | 'SYNC_COMMITTEE_CONFLICT' // the executing node inserted another committee than the chain proved, or than it inserted before; or one of them conflicts with the trusted checkpoint
  // at the start
  | 'SYNC_CHECKPOINT_CONFLICT' // the store holds another chain than the trusted checkpoint is of
  // a peer
  | 'SYNC_WRONG_CHAIN' // a peer that speaks this chain's protocols and has another genesis
  | 'SYNC_SUPERSEDED' // given up because another peer was faster: nobody is to blame
  // the consensus interface: answers to its caller
  | 'CONSENSUS_GAP' // a commit that does not follow the highest synced one
  | 'CONSENSUS_BROKEN_LINK' // the right index, another previous digest
  | 'CONSENSUS_CONFLICT' // another commit than the one stored under that index
  | 'CONSENSUS_UNCERTIFIED' // certifier blocks without a quorum of votes
  | 'CONSENSUS_INVALID' // blocks that are not the commit's, an epoch that is not the chain's, or a hand-over of another state than we have computed
  | 'SYNC_STOPPED'

/** What proves a halt to others: the votes of a quorum, and what they certify. */
export interface HaltEvidence {
  /** Consecutive and linked, the last of them certified. */
  readonly commits: readonly EncodedCommit[]
  /** Blocks that certify the last commit. */
  readonly certifiers: readonly SignedBlock[]
  /** Blocks of those commits among which our own verifier refuses one. */
  readonly blocks?: readonly SignedBlock[]
  /** Who served the last commit, where it came from a peer. */
  readonly peer?: PeerId | undefined
}

/** A failure of state sync itself. */
export class SyncError extends SomaError<SyncErrorCode> {
  /** With a halt, where there is more than the stored chain. */
  readonly evidence: HaltEvidence | undefined

  constructor(code: SyncErrorCode, message: string, options?: ErrorOptions & { evidence?: HaltEvidence }) {
    super(code, message, options)
    this.evidence = options?.evidence
  }
}
