import type { Metrics } from '@libp2p/interface'

/** What a server holds at present. */
export interface ServerLoad {
  /** Requests being answered. */
  readonly requests: number
  /** Streams open for requests of others. */
  readonly streams: number
  /** Bytes of answers made and not yet taken. */
  readonly answerBytes: number
}

/** Registers what serving takes at present, by Prometheus' conventions. Requests themselves are counted by whoever listens to `onExchange`. */
export function registerRpcMetrics(metrics: Metrics, load: () => ServerLoad): void {
  metrics.registerMetric('soma_p2p_rpc_serving_requests', {
    help: 'Requests of others being answered',
    calculate: () => load().requests
  })
  metrics.registerMetric('soma_p2p_rpc_serving_streams', {
    help: 'Streams that others hold open for requests',
    calculate: () => load().streams
  })
  metrics.registerMetric('soma_p2p_rpc_serving_bytes', {
    help: 'Bytes of answers made and not yet taken by their peers',
    calculate: () => load().answerBytes
  })
}
