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
/** Milliseconds without a new commit after which a node that knows what it waits for is stuck, and one that does not. */
const STUCK_MS = 10_000
const STUCK_SILENTLY_MS = 30_000

/** @param stalledMs milliseconds for which the node has been behind without a new commit; 0 while it comes on */
export function judgeNode(status: NodeStatus, stalledMs: number): NodeVerdict {
  const reasons = reasonsOf(status)
  const failed = reasons.find(({ state }) => state === 'failed')
  if (failed !== undefined) return verdict('failed', `${failed.part} has failed: ${failed.reason}`, reasons)
  const { index } = status.highestSynced
  const behind = Math.max(0, status.highestKnown - index)
  const { reason: waiting } = status.health['state-sync'] ?? {}
  if (stalledMs >= (waiting === undefined ? STUCK_SILENTLY_MS : STUCK_MS)) {
    const seconds = Math.round(stalledMs / 1_000)
    const why = waiting === undefined ? '' : `: ${waiting}`
    return verdict('stuck', `stuck at commit ${index} for ${seconds} s${why}`, reasons)
  }
  const [first] = reasons.filter(({ part }) => part !== 'state-sync')
  if (first !== undefined) return verdict('attention', `${first.part}: ${first.reason}`, reasons)
  if (behind > CLOSE_COMMITS) return verdict('syncing', `catching up, ${behind} commits behind`, reasons)
  return verdict('healthy', index === 0 ? 'waits for a first commit' : `up to date at commit ${index}`, reasons)
}

/** Of a node that does not say how it is. */
export function unanswered(reason: string): NodeVerdict {
  return verdict('failed', `the node does not answer: ${reason}`, [])
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
