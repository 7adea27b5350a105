import type { CommitRef } from '../consensus/commit-ref.ts'
import { blake2b256, type Digest } from '../consensus/digest.ts'
import type { EpochPlan, EpochSchedule, ScriptedEpochs } from './epoch-schedule.ts'
import type { RoundContent } from './scripted-dag.ts'
import { announcedEnd, ScriptedHandOver } from './scripted-hand-over.ts'

export interface ScriptedEpochEndInit {
  readonly chainId: Digest
  readonly plan: EpochPlan
  readonly schedule: EpochSchedule
  readonly stateHash: ScriptedEpochs['stateHash']
}

/** What the blocks of an epoch's last rounds say of its end: first when it is, then, signed, who comes after it, and last the aggregate. */
export class ScriptedEpochEnd {
  readonly #init: ScriptedEpochEndInit
  #handOver: ScriptedHandOver | undefined

  constructor(init: ScriptedEpochEndInit) {
    this.#init = init
  }

  /** @param lastCommit the last commit handed out */
  in(round: number, lastCommit: CommitRef): RoundContent['endOfEpoch'] {
    const { plan, schedule } = this.#init
    const { lastRound } = plan
    if (round < lastRound - 2 || round > lastRound) return undefined
    const next = schedule.get(plan.epoch + 1)
    if (round === lastRound - 2) return () => announcedEnd(next.startTimeMs)
    this.#handOver ??= this.#agree(next, lastCommit)
    const handOver = this.#handOver
    const leader = lastRound % plan.keys.length
    return (author, ancestors) => {
      if (round < lastRound || author !== leader) return handOver.signedBy(author)
      const heard = ancestors.filter((ancestor) => ancestor.round === round - 1)
      const signers = heard.map((ancestor) => ancestor.author)
      return handOver.aggregatedBy(author, signers)
    }
  }

  #agree({ committee, startTimeMs }: EpochPlan, lastCommit: CommitRef): ScriptedHandOver {
    const { chainId, plan, stateHash = madeUpStateHash } = this.#init
    return new ScriptedHandOver(chainId, plan, { committee, startTimeMs, stateHash: stateHash(lastCommit) })
  }
}

function madeUpStateHash({ digest }: CommitRef): Digest {
  return blake2b256(new TextEncoder().encode('soma-p2p/testing/state:'), digest)
}
