import type { Counter, Histogram, Metric, Metrics, MultiaddrConnection, Summary } from '@libp2p/interface'

/** A metric of every kind that keeps nothing. */
const idle = {
  update() {},
  increment() {},
  decrement() {},
  observe() {},
  reset() {},
  timer: () => () => {}
} satisfies Metric & Counter & Histogram & Summary

/** Counts what one libp2p node sends, as its metrics: `createLibp2p({ metrics: () => meter })`. */
export class TrafficMeter implements Metrics {
  /** Bytes handed to sockets, those of handshakes and failed connections included. */
  bytes = 0
  /** Connections begun, in both directions. */
  connections = 0

  readonly registerMetric: Metrics['registerMetric'] = () => idle
  readonly registerMetricGroup: Metrics['registerMetricGroup'] = () => idle
  readonly registerCounter: Metrics['registerCounter'] = () => idle
  readonly registerCounterGroup: Metrics['registerCounterGroup'] = () => idle
  readonly registerHistogram: Metrics['registerHistogram'] = () => idle
  readonly registerHistogramGroup: Metrics['registerHistogramGroup'] = () => idle
  readonly registerSummary: Metrics['registerSummary'] = () => idle
  readonly registerSummaryGroup: Metrics['registerSummaryGroup'] = () => idle

  trackMultiaddrConnection(connection: MultiaddrConnection): void {
    this.connections += 1
    const send = connection.send.bind(connection)
    connection.send = (data) => {
      this.bytes += data.byteLength
      return send(data)
    }
  }

  trackProtocolStream(): void {}

  traceFunction<F>(_name: string, traced: F): F {
    return traced
  }

  createTrace(): undefined {}
}
