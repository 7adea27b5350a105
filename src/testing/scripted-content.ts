import type { Digest } from '../consensus/digest.ts'
import type { EpochPlan } from './epoch-schedule.ts'

/** A block that a scripted consensus is about to make. */
export interface ScriptedPlace {
  /** The epoch, with its committee and everyone's secrets. */
  readonly plan: EpochPlan
  /** Of the epoch, from 1 on. Blocks of rounds after {@link EpochPlan.lastRound} are in no commit. */
  readonly round: number
  /** Index in the epoch's committee. */
  readonly author: number
  /** What is random in the round may follow from these 32 bytes: they are others with another seed, and on a fork. */
  readonly roundKey: Digest
}

/**
 * Says which transactions a block holds, as they stand in it. It must give the same for the same place, in every process and whatever was made
 * before: a consensus goes on from a snapshot that holds a few blocks.
 */
export type ScriptedContent = (place: ScriptedPlace) => readonly Uint8Array[]
