import { errorCode } from '../runtime/soma-error.ts'
import type { PeerHeight } from './peer-heights.ts'
import type { PeerAnswer, SyncWaitCause } from './sync-wait.ts'

/** What there is to know of a sync that may be waiting. */
export interface WaitFacts {
  /** The highest commit stored, and the highest that is on its way into the store. */
  readonly stored: number
  readonly takenUpTo: number
  readonly halted: Error | undefined
  /** What the store said when it last refused, where it has not worked since. */
  readonly storeFailure: string | undefined
  /** Whether local consensus is bringing the next commit. */
  readonly isLeftToConsensus: boolean
  /** A committee that the executing node has to insert before the chain goes on. */
  readonly awaitedCommittee: { readonly epoch: number; readonly commit: number } | undefined
  /** How far the slowest cursor is, and how far ahead of it the sync may be; `failure` is what the executor says of itself. */
  readonly executor: { readonly position: number; readonly lead: number; readonly failure: string | undefined }
  /** Peers connected, and what those have whose chain is ours. */
  readonly connected: number
  readonly heights: readonly PeerHeight[]
  /** The highest commit that is likely to be there. */
  readonly highestKnown: number
  /** The range that everything waits for. */
  readonly lowest: LowestRange | undefined
  /** Who failed to deliver the next commit, newest last; where nobody is connected, who could not be dialled. */
  readonly failures: readonly PeerAnswer[]
}

/** The range that everything waits for. */
export interface LowestRange {
  /** Whether a quorum stands behind its commits: then they are there, whoever has them. */
  readonly isCertified: boolean
  /** Who is delivering it. */
  readonly peerId: string | undefined
  /** What that one has sent of it. */
  readonly bytes: number
}

/** Why the chain does not come on at the moment, be it for an instant; `undefined` where nothing is lacking. */
export function judgeWait(facts: WaitFacts): { cause: SyncWaitCause; explanation: string } | undefined {
  const next = facts.stored + 1
  const { halted, storeFailure, awaitedCommittee, executor, heights, lowest } = facts
  if (halted !== undefined) return { cause: 'halted', explanation: explainHalt(halted) }
  if (storeFailure !== undefined) {
    return {
      cause: 'store-failing',
      explanation: `the store takes nothing: ${storeFailure}. Look at the disk (space, permissions, its health); the sync goes on by itself`
    }
  }
  if (facts.isLeftToConsensus) return undefined
  if (facts.takenUpTo > facts.stored) {
    return {
      cause: 'store-slow',
      explanation: `commit ${next} is verified and being written, and the store takes long over it: look at the disk's load and health`
    }
  }
  if (awaitedCommittee !== undefined) {
    const { epoch, commit } = awaitedCommittee
    return {
      cause: 'committee-awaited',
      explanation: `commit ${commit} is of epoch ${epoch}, and the executing node has not inserted its committee: see whether it has executed commit ${commit - 1}, and why not`
    }
  }
  if (facts.connected === 0) return { cause: 'no-peers', explanation: explainSolitude(facts.failures) }
  if (heights.length === 0) {
    const failed = lastOf(facts.failures)
    return {
      cause: 'peers-fail',
      explanation: `of ${count(facts.connected, 'peer')} connected none has said what it has${failed}. Check that they run this chain, and name other seeds`
    }
  }
  if (facts.highestKnown < next && lowest?.isCertified !== true) return undefined
  if (next > executor.position + executor.lead) return { cause: 'executor-behind', explanation: explainLead(facts) }
  if (!heights.some((row) => row.lowest <= next && next <= row.highest)) return explainLack(next, heights)
  if (facts.failures.length > 0 || lowest?.peerId === undefined) {
    return {
      cause: 'peers-fail',
      explanation: `peers that have commit ${next} were asked and do not deliver it${lastOf(facts.failures)}. They are asked again, and others as they come: more peers or seeds help`
    }
  }
  const { peerId, bytes } = lowest
  return {
    cause: 'peers-slow',
    explanation: `commit ${next} is being fetched from ${peerId}, which has sent ${(bytes / 1024).toFixed(0)} KiB so far. Peers nearer by, or more of them, help`
  }
}

function explainHalt(error: Error): string {
  const code = errorCode(error)
  const next: Record<string, string> = {
    SYNC_FORK:
      'A quorum has certified another chain than this one: compare with other operators which is the true one; a node on the wrong one begins anew with another, empty data directory and a trusted checkpoint',
    SYNC_CERTIFIED_DATA_REFUSED:
      'A quorum has certified what this node refuses: compare versions with other operators, and update',
    SYNC_COMMITTEE_CONFLICT:
      'The executing node and the chain name different committees: compare its state with other operators'
  }
  const what = next[code] ?? 'Compare with other operators'
  return `halted by ${code}: ${error.message}. ${what}. It does not go on by itself, nor after another start. Keep this data directory: the record state-sync/halt in it is the evidence (soma-p2p inspect store)`
}

function explainSolitude(failures: readonly PeerAnswer[]): string {
  if (failures.length === 0) {
    return 'no peer is connected, and none could be dialled lately: name a seed whose address and peer id are right'
  }
  return `no peer is connected; ${count(failures.length, 'peer')} could not be reached lately. Check that the seeds run, their addresses and peer ids, and the firewall`
}

function explainLead({ stored, executor: { position, lead, failure } }: WaitFacts): string {
  const why = failure === undefined ? '' : ` It says: ${failure}.`
  return `the executor stands at commit ${position}, and the sync, at ${stored}, may be ${count(lead, 'commit')} ahead (sync.maxExecutorLead).${why} See the executor's own log for why it does not go on: a larger lead cures nothing`
}

/** Where all who are further have pruned the commit, no waiting helps. */
function explainLack(next: number, heights: readonly PeerHeight[]): { cause: SyncWaitCause; explanation: string } {
  const further = heights.filter(({ highest }) => highest >= next)
  if (further.length === 0) {
    const highest = Math.max(...heights.map((row) => row.highest))
    return {
      cause: 'no-peer-has-it',
      explanation: `of ${count(heights.length, 'peer')} none has commit ${next}: the furthest is at ${highest}. It is fetched as soon as one comes that has it: more peers or seeds help`
    }
  }
  const first = Math.min(...further.map(({ lowest }) => lowest))
  return {
    cause: 'pruned-everywhere',
    explanation: `commit ${next} is nowhere to be had: the peers have pruned what lies before commit ${first}. Name a seed that keeps everything; or an empty store may begin at a trusted checkpoint (soma-p2p checkpoint, sync.checkpoint)`
  }
}

function lastOf(failures: readonly PeerAnswer[]): string {
  const last = failures.at(-1)
  return last === undefined ? '' : `; last ${last.peerId} answered ${last.answer}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
