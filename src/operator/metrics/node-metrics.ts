import { Counter, Gauge, Registry } from 'prom-client'
import type { NodeInstruments } from '../../node/node-instruments.ts'
import type { NodeStatus, SomaNode } from '../../node/soma-node.ts'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { addDirectoryMetrics } from './directory-metrics.ts'
import { Libp2pMetrics } from './libp2p-metrics.ts'
import { addProcessMetrics } from './process-metrics.ts'
import { addStatusMetrics } from './status-metrics.ts'
import { workMetrics } from './work-metrics.ts'

/** What is measured beside the node itself. */
export interface NodeMetricsInit {
  /** The node's directory, whose size and room are shown. @default they are not */
  readonly directory?: string | undefined
  /** The highest commit that the executor has executed; `undefined` while that is not known. @default it is not shown */
  readonly executed?: (() => number | undefined) | undefined
  /** What runs, for the label of `soma_p2p_info`. @default '' */
  readonly version?: string
  /** @default the machine's */
  readonly clock?: Clock
}

/**
 * Everything that is measured of one node, in Prometheus' form, in a registry of its own: what the node tells, its libp2p and its process. docs/metrics.md has them all.
 *
 * ```typescript
 * const metrics = createNodeMetrics()
 * const node = await createNode({ genesis, metrics })
 * await node.start()
 * console.log(await metrics.text())
 * ```
 */
export interface NodeMetrics extends NodeInstruments {
  /** For further metrics of the embedder. */
  readonly registry: Registry
  /** What a server says that `text` is. */
  readonly contentType: string
  /** All metrics as they are now. It never throws for what the node cannot say: that is left out. */
  text(): Promise<string>
}

/** Makes the metrics of one node: to be given to `createNode`. Nothing runs by itself: what is not counted as it happens is looked at when it is asked for. */
export function createNodeMetrics(init: NodeMetricsInit = {}): NodeMetrics {
  const { directory, executed, version = '', clock = systemClock } = init
  const registry = new Registry()
  const registers = [registry]
  const failures = new Counter({
    name: 'soma_p2p_status_failures_total',
    help: 'Scrapes at which the node could not say where it stands: its metrics are missing then',
    registers,
    async collect() {
      await status() // this scrape counts as well
    }
  })
  let isUsed = false
  let node: SomaNode | undefined
  let reading: Promise<NodeStatus | undefined> | undefined

  /** One for all metrics of a scrape. */
  function status(): Promise<NodeStatus | undefined> {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function read(): Promise<NodeStatus | undefined> {
    const asked = node
    try {
      return await asked?.status()
    } catch {
      if (asked === node) failures.inc() // counted and shown, and the node's own health says why
      return undefined
    }
  }

  const observer = workMetrics(registry)
  addStatusMetrics(registry, status, { clock, version })
  addProcessMetrics(registry)
  if (directory !== undefined) addDirectoryMetrics(registry, directory, clock)
  if (executed !== undefined) {
    new Gauge({
      name: 'soma_p2p_executed_commit',
      help: 'The highest commit that the executor has executed',
      registers,
      collect() {
        const index = executed()
        if (index === undefined) this.remove()
        else this.set(index)
      }
    })
  }
  const libp2p = new Libp2pMetrics(registry)
  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    libp2p() {
      if (isUsed) throw new TypeError('these metrics are those of another node: make others')
      isUsed = true
      return libp2p
    },
    observer,
    attach(attached) {
      node = attached
      void attached.stopped.then(() => {
        node = undefined
      })
    }
  }
}
