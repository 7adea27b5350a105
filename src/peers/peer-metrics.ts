import type { CounterGroup, Metrics } from '@libp2p/interface'
import type { PeerTallies } from './peer-tallies.ts'
import type { PeerCounts } from './peers.ts'
import type { Tally } from './tally.ts'

/**
 * Registers the metrics of the peers room, by Prometheus' conventions.
 *
 * Counters are counted as things happen. One that is calculated would be added to itself at every scrape by `@libp2p/prometheus-metrics`.
 */
export function registerPeerMetrics(metrics: Metrics, counts: () => PeerCounts, tallies: PeerTallies): void {
  metrics.registerMetricGroup('soma_p2p_peers_connected', {
    label: 'direction',
    help: 'Connected peers, by who dialled',
    calculate: () => counts().connected
  })
  metrics.registerMetric('soma_p2p_peers_protected', {
    help: 'Connected peers that are never evicted',
    calculate: () => counts().protected
  })
  metrics.registerMetric('soma_p2p_peers_dialling', {
    help: 'Peers being dialled or waiting for it',
    calculate: () => counts().dialling
  })
  metrics.registerMetric('soma_p2p_peers_bans', { help: 'Bans in force', calculate: () => counts().bans })
  forward(tallies.dials, counter('soma_p2p_peers_dials_total', 'outcome', 'Dials asked for, by what became of them'))
  forward(tallies.closed, counter('soma_p2p_peers_closed_total', 'reason', 'Sound connections that this node closed'))
  forward(tallies.refused, counter('soma_p2p_peers_refused_total', 'reason', 'Peers that dialled and were refused'))
  forward(tallies.reports, counter('soma_p2p_peers_reports_total', 'consequence', 'Errors of peers that were reported'))

  function counter(name: string, label: string, help: string): CounterGroup {
    return metrics.registerCounterGroup(name, { label, help })
  }
}

function forward<Label extends string>(tally: Tally<Label>, counter: CounterGroup): void {
  tally.forward((label, by) => counter.increment({ [label]: by }))
}
