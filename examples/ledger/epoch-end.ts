import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { Committee } from '../../src/consensus/committee.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import { provenHandOverOf } from '../../src/state-sync/hand-over.ts'

/** Where an epoch ends. */
export interface EpochEnd {
  /** Index of its last commit. */
  readonly lastCommit: number
  /** Of the epoch after it. */
  readonly nextCommittee: Committee
}

/** Knows where each epoch ends: for chains whose commits do not prove it. `undefined` for an epoch without an end. */
export type EpochEnds = (epoch: number) => EpochEnd | undefined

/** What an epoch's last commit says. */
export interface LastCommit {
  readonly nextCommittee: Committee
  /** The state that it hands over, where it carries the proof. */
  readonly stateHash: Digest | undefined
}

/** What a commit says of the end of its epoch; `undefined` where it is not the last. */
export function readEpochEnd(subDag: CommittedSubDag, epochEnds: EpochEnds | undefined): LastCommit | undefined {
  const proven = provenHandOverOf(subDag)
  const stateHash = proven?.stateHash
  if (epochEnds === undefined) return proven && { nextCommittee: proven.next, stateHash }
  const { ref, commit } = subDag.commit
  const end = epochEnds(commit.epoch)
  return end?.lastCommit === ref.index ? { nextCommittee: end.nextCommittee, stateHash } : undefined
}
