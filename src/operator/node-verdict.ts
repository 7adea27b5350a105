import type { NodeStatus } from '../node/soma-node.ts'

/** How a node is, in a word. */
export type NodeCondition =
  /** Everything is as it should be, at the height of the others. */
  | 'healthy'
  /** As it should be, and still behind. */
  | 'syncing'
  /** It goes on, with less than it should have. */
  | 'attention'
  /** It is behind and does not come on. */
  | 'stuck'
  /** A part has stopped and does not go on by itself, or the node does not answer. */
  | 'failed'

/** How a node is, for people and for what supervises it. */
export interface NodeVerdict {
  readonly condition: NodeCondition
  /** Whether it does its work: not when it is stuck or has failed. */
  readonly isHealthy: boolean
  /** A sentence. */
  readonly summary: string
  /** What is not as it should be, the worst first. */
  readonly reasons: readonly { readonly part: string; readonly state: 'degraded' | 'failed'; readonly reason: string }[]
}

/** Commits behind what others have that are no catch-up, but a way that commits take. */
const CLOSE_COMMITS = 20
/** Milliseconds without a new commit after which a node that cannot say what it waits for is stuck. */
const STUCK_SILENTLY_MS = 30_000

interface Moment {
  readonly atMs: number
  readonly stalledMs: number
  readonly stuckMs: number
}

const numbers = new Intl.NumberFormat('en')

/**
 * @param moment.atMs now, in milliseconds since the Unix epoch
 * @param moment.stalledMs milliseconds for which the node has been behind without a new commit; 0 while it comes on
 * @param moment.stuckMs milliseconds that it may wait for what it names before it is stuck
 */
export function judgeNode(status: NodeStatus, moment: Moment): NodeVerdict {
  const reasons = reasonsOf(status)
  const failed = reasons.find(({ state }) => state === 'failed')
  if (failed !== undefined) return verdict('failed', `${failed.part} has failed: ${failed.reason}`, reasons)
  const { index } = status.highestSynced
  const behind = Math.max(0, status.highestKnown - index)
  const stuck = stuckFor(status, moment)
  if (stuck !== undefined) {
    const { ms, why } = stuck
    return verdict('stuck', `stuck at commit ${numbers.format(index)} for ${Math.round(ms / 1_000)} s${why}`, reasons)
  }
  const [first] = reasons.filter(({ part }) => part !== 'state-sync')
  if (first !== undefined) return verdict('attention', `${first.part}: ${first.reason}`, reasons)
  if (behind > CLOSE_COMMITS)
    return verdict('syncing', `${numbers.format(behind)} commits behind the others, and coming on`, reasons)
  return verdict(
    'healthy',
    index === 0 ? 'waits for a first commit' : `up to date at commit ${numbers.format(index)}`,
    reasons
  )
}

/** Of a node that does not say how it is. */
export function unanswered(reason: string): NodeVerdict {
  return verdict('failed', `the node does not answer: ${reason}`, [])
}

/** A node without peers that lacks nothing that is known is alone, and not stuck. */
function stuckFor(
  { sync: { waiting }, highestKnown, highestSynced }: NodeStatus,
  { atMs, stalledMs, stuckMs }: Moment
): { ms: number; why: string } | undefined {
  const isAlone = waiting?.cause === 'no-peers' && highestKnown <= highestSynced.index
  const ms = waiting === undefined || isAlone ? 0 : atMs - waiting.sinceMs
  if (waiting !== undefined && ms >= stuckMs) return { ms, why: `: ${waiting.explanation}` }
  return stalledMs >= STUCK_SILENTLY_MS ? { ms: stalledMs, why: '' } : undefined
}

function verdict(condition: NodeCondition, summary: string, reasons: NodeVerdict['reasons']): NodeVerdict {
  return { condition, isHealthy: condition !== 'stuck' && condition !== 'failed', summary, reasons }
}

function reasonsOf({ health, discovery, peers }: NodeStatus): NodeVerdict['reasons'] {
  const parts = Object.entries(health).flatMap(([part, { state, reason = 'for no known reason' }]) =>
    state === 'ok' ? [] : [{ part, state, reason }]
  )
  const alone = { part: 'peers', state: 'degraded', reason: 'none connected, looking for some' } as const
  return [
    ...parts.filter(({ state }) => state === 'failed'),
    ...parts.filter(({ state }) => state === 'degraded'),
    ...(peers.length === 0 && discovery.isIsolated ? [alone] : [])
  ]
}
