import { Counter, Gauge, type Registry } from 'prom-client'
import type { NodeStatus } from '../../node/soma-node.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { RangeStatus } from '../../state-sync/state-sync.ts'
import type { SyncWaitCause } from '../../state-sync/sync-wait.ts'

/** One value, with its labels. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Where a health stands, in the order of how bad it is. */
const HEALTH = { ok: 0, degraded: 1, failed: 2 }
const WAIT_CAUSES = Object.keys({
  'no-peers': 0,
  'no-peer-has-it': 0,
  'pruned-everywhere': 0,
  'peers-fail': 0,
  'peers-slow': 0,
  'executor-behind': 0,
  'committee-awaited': 0,
  'store-failing': 0,
  'store-slow': 0,
  halted: 0
} satisfies Record<SyncWaitCause, 0>)
const RANGE_STATES = Object.keys({
  waiting: 0,
  asked: 0,
  verifying: 0,
  failed: 0,
  ready: 0
} satisfies Record<RangeStatus['state'], 0>)

/**
 * Adds what a node's status says, read anew at each scrape.
 *
 * @param status `undefined` while there is no node, and where it cannot say: then nothing of this is shown
 */
export function addStatusMetrics(
  registry: Registry,
  status: () => Promise<NodeStatus | undefined>,
  { clock, version }: { readonly clock: Clock; readonly version: string }
): void {
  const registers = [registry]

  gauges('soma_p2p_info', 'What this node is; always 1', ['role', 'chain_id', 'version'], ({ role, chainId }) => [
    [{ role, chain_id: chainId, version }, 1]
  ])
  gauge('soma_p2p_highest_synced_commit', 'The highest commit stored', ({ highestSynced }) => highestSynced.index)
  gauge(
    'soma_p2p_highest_known_commit',
    'The highest commit that is likely to be there, by what peers say that deliver; at least the highest stored',
    heightOf
  )
  gauge('soma_p2p_lowest_available_commit', 'The lowest commit stored', ({ lowestAvailable }) => lowestAvailable)
  gauge(
    'soma_p2p_highest_certifiable_commit',
    'The highest commit that this node can prove to others, and serves',
    ({ highestCertifiable }) => highestCertifiable
  )
  gauge('soma_p2p_lag_commits', 'Commits that are known and not stored', lagOf)
  gauge(
    'soma_p2p_lag_seconds',
    "How old the highest stored commit is by the chain's own time, while others are known; 0 while none is",
    (now) =>
      lagOf(now) === 0 || now.highestSyncedAtMs === undefined
        ? 0
        : Math.max(0, clock.now() - now.highestSyncedAtMs) / 1_000
  )
  gauge('soma_p2p_epoch', 'The epoch that the chain goes on in', ({ epoch }) => epoch)
  gauges(
    'soma_p2p_cursor_commit',
    'Where each subscriber with a name stands: the highest commit that it has consumed',
    ['cursor'],
    ({ cursors }) => Object.entries(cursors).map(([cursor, position]) => [{ cursor }, position])
  )
  gauges('soma_p2p_health', 'How each part of the node is: 0 ok, 1 degraded, 2 failed', ['part'], ({ health }) =>
    Object.entries(health).map(([part, { state }]) => [{ part }, HEALTH[state]])
  )

  gauges(
    'soma_p2p_sync_waiting_seconds',
    'For how long the chain has not come on though it should, by why; 0 of all other causes',
    ['cause'],
    ({ sync: { waiting } }) =>
      WAIT_CAUSES.map((cause) => {
        const isIt = waiting?.cause === cause
        return [{ cause }, isIt ? Math.max(0, clock.now() - waiting.sinceMs) / 1_000 : 0]
      })
  )
  gauges('soma_p2p_sync_ranges', 'Ranges under way by state', ['state'], ({ sync: { ranges } }) =>
    RANGE_STATES.map((name) => [{ state: name }, ranges.filter(({ state }) => state === name).length])
  )
  gauge('soma_p2p_sync_bytes_in_flight', 'Bytes fetched and not yet stored', ({ bytesInFlight }) => bytesInFlight)
  gauges(
    'soma_p2p_sync_stage_queued',
    'What is in each stage of the pipeline: blocks of fetch-blocks and verify-blocks, commits of the others',
    ['stage'],
    ofStages(({ queued }) => queued)
  )
  counters(
    'soma_p2p_sync_stage_done_total',
    'What passed each stage of the pipeline: blocks or commits',
    ['stage'],
    ofStages(({ done }) => done)
  )
  counters(
    'soma_p2p_sync_stage_failed_total',
    'What failed in each stage of the pipeline, and was fetched again or written again',
    ['stage'],
    ofStages(({ failed }) => failed)
  )
  counters(
    'soma_p2p_sync_stage_busy_seconds_total',
    'Seconds of work in each stage, all that is done side by side added up; of the fetching ones, seconds that peers were waited for',
    ['stage'],
    ofStages(({ busySeconds }) => busySeconds)
  )
  counters('soma_p2p_synced_commits_total', 'Commits synced from peers', [], ({ synced }) => [[{}, synced.commits]])
  counters('soma_p2p_synced_blocks_total', 'Blocks synced from peers', [], ({ synced }) => [[{}, synced.blocks]])
  counters('soma_p2p_synced_bytes_total', 'Bytes of commits and blocks synced from peers', [], ({ synced }) => [
    [{}, synced.bytes]
  ])

  gauges(
    'soma_p2p_peers_by_source',
    'Connected peers by the most trusted source that names them and by who dialled',
    ['source', 'direction'],
    ({ peers }) => countBy(peers, ({ source, direction }) => ({ source, direction }))
  )
  gauge('soma_p2p_peers_penalty_points', 'Penalty points of all connected peers together', ({ peers }) =>
    peers.reduce((sum, { score }) => sum + score.penalty, 0)
  )
  gauge('soma_p2p_peers_behind', 'Connected peers whose height is known and below that of this node', (now) =>
    now.peers.reduce(
      (count, { highestCommit = Infinity }) => count + Number(highestCommit < now.highestSynced.index),
      0
    )
  )

  function gauge(name: string, help: string, read: (status: NodeStatus) => number): void {
    gauges(name, help, [], (now) => [[{}, read(now)]])
  }

  function gauges(name: string, help: string, labelNames: string[], read: (status: NodeStatus) => Sample[]): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const now = await status()
        if (labelNames.length > 0)
          this.reset() // what is not there any more is not shown
        else if (now === undefined) this.remove()
        for (const [labels, value] of now === undefined ? [] : read(now)) this.set(labels, value)
      }
    })
  }

  function counters(name: string, help: string, labelNames: string[], read: (status: NodeStatus) => Sample[]): void {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const now = await status()
        if (now === undefined) return
        this.reset()
        for (const [labels, value] of read(now)) this.inc(labels, value)
      }
    })
  }
}

function heightOf({ highestKnown, highestSynced }: NodeStatus): number {
  return Math.max(highestKnown, highestSynced.index)
}

function lagOf(status: NodeStatus): number {
  return heightOf(status) - status.highestSynced.index
}

function ofStages(read: (stage: NodeStatus['sync']['stages'][number]) => number): (status: NodeStatus) => Sample[] {
  return ({ sync: { stages } }) => stages.map((stage) => [{ stage: stage.name }, read(stage)])
}

/** How many there are of each kind. */
function countBy<T>(items: readonly T[], kindOf: (item: T) => Record<string, string>): Sample[] {
  const kinds = new Map<string, [labels: Record<string, string>, count: number]>()
  for (const item of items) {
    const labels = kindOf(item)
    const key = JSON.stringify(labels)
    const kind = kinds.get(key)
    if (kind === undefined) kinds.set(key, [labels, 1])
    else kind[1] += 1
  }
  return [...kinds.values()]
}
