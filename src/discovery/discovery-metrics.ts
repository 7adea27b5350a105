import type { CounterGroup, Metrics } from '@libp2p/interface'
import type { DiscoveryStatus } from './discovery.ts'

interface Counter {
  readonly group: CounterGroup
  readonly read: () => Readonly<Record<string, number>>
  before: Readonly<Record<string, number>>
}

/**
 * What discovery counts, for libp2p's metrics, by Prometheus' conventions.
 *
 * Counters are brought up to date by `update`, at every tick. Ones that are calculated would be added to themselves at every scrape by
 * `@libp2p/prometheus-metrics`.
 */
export class DiscoveryMetrics {
  readonly #metrics: Metrics
  readonly #counters: Counter[] = []

  constructor(metrics: Metrics, status: () => DiscoveryStatus) {
    this.#metrics = metrics
    metrics.registerMetricGroup('soma_p2p_discovery_known_peers', {
      help: 'Peers that an address is known of, by the most trusted source that names them',
      label: 'source',
      calculate: () => ({ ...status().bySource })
    })
    metrics.registerMetricGroup('soma_p2p_discovery_committee_peers', {
      help: 'Validators that this node is to stay connected to, by whether it is',
      label: 'state',
      calculate: () => {
        const { kept, connected } = status().committee
        return { connected, missing: kept - connected }
      }
    })
    this.#gauge(
      'lacking_peers',
      'Configured peers and validators to be kept that no address leads to',
      () => status().lacking.length
    )
    this.#gauge('good_peers', 'Peers remembered for a restart', () => status().goodPeers)
    this.#gauge('visits_under_way', 'Peers connected for queries of the DHT only', () => status().visits.underWay)
    this.#gauge('isolated', 'Whether there are too few connected peers: 1 or 0', () => Number(status().isIsolated))
    this.#gauge('exchanges_under_way', 'GetKnownPeers asked and not answered', () => status().exchanges.underWay)
    this.#gauge('dht_routing_table_peers', 'Peers in the routing table', () => status().dht?.routingTable ?? 0)
    this.#counter('exchanges', 'result', 'GetKnownPeers, those asked by result and those answered', () => {
      const { exchanges, answered } = status()
      return { succeeded: exchanges.succeeded, failed: exchanges.failed, answered }
    })
    this.#counter(
      'infos',
      'result',
      'Node infos received: learned, crowded out by a full quota, or refused by the code of the reason',
      () => {
        const { learned, crowdedOut, refused } = status().infos
        return { learned, crowded_out: crowdedOut, ...refused }
      }
    )
    this.#counter('visits', 'event', 'Peers dialled for queries of the DHT only, and parted from afterwards', () => {
      const { begun, parted } = status().visits
      return { begun, parted }
    })
    this.#counter('dht_queries', 'result', 'Queries of the DHT by this node', () => ({ ...status().dht?.queries }))
    this.#counter('dht_requests', 'result', 'Requests of others to the DHT', () => ({ ...status().dht?.requests }))
    this.#counter('dropped_messages', 'loop', 'Messages that there was no room for', () => ({
      event: status().dropped
    }))
  }

  /** Brings the counters up to date. */
  update(): void {
    for (const counter of this.#counters) {
      const { group, read, before } = counter
      const now = read()
      for (const [label, count] of Object.entries(now)) {
        const gained = count - (before[label] ?? 0)
        // a label that is new is shown at 0 too: what has not happened yet is told apart from what is not counted
        if (gained > 0 || !(label in before)) group.increment({ [label]: Math.max(0, gained) })
      }
      counter.before = now
    }
  }

  #gauge(name: string, help: string, calculate: () => number): void {
    this.#metrics.registerMetric(`soma_p2p_discovery_${name}`, { help, calculate })
  }

  #counter(name: string, label: string, help: string, read: Counter['read']): void {
    const group = this.#metrics.registerCounterGroup(`soma_p2p_discovery_${name}_total`, { help, label })
    this.#counters.push({ group, read, before: {} })
  }
}
