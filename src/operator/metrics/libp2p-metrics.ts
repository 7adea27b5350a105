import type {
  CalculatedHistogramOptions,
  CalculatedMetricOptions,
  CalculatedSummaryOptions,
  CounterGroup,
  HistogramGroup,
  Counter as Libp2pCounter,
  Histogram as Libp2pHistogram,
  Metric as Libp2pMetric,
  Summary as Libp2pSummary,
  MetricGroup,
  Metrics,
  MultiaddrConnection,
  SummaryGroup
} from '@libp2p/interface'
import { Counter, Gauge, Histogram, type Registry, Summary } from 'prom-client'
import { LIBP2P_HELP } from './libp2p-help.ts'

type Values<T> = Readonly<Record<string, T | undefined>>
type GaugeOptions<T> = Partial<CalculatedMetricOptions<T>>
type HistogramOptions<T> = Partial<CalculatedHistogramOptions<T>>
type SummaryOptions<T> = Partial<CalculatedSummaryOptions<T>>

/**
 * libp2p's metrics in a registry of their own, so that nodes of one process have nothing in common: `@libp2p/prometheus-metrics` keeps what is registered for the whole process,
 * and clears it with each node that is made. Names, labels and units are the same as there.
 *
 * Bytes are counted by the connection only: those of protocols are in the metrics of requests.
 */
export class Libp2pMetrics implements Metrics {
  readonly #registry: Registry
  readonly #registered = new Map<string, unknown>()
  #received = 0
  #sent = 0

  constructor(registry: Registry) {
    this.#registry = registry
    const total = () => ({ received: this.#received, sent: this.#sent })
    new Counter({
      name: 'libp2p_data_transfer_bytes_total',
      help: 'Bytes of all connections, as they are on the wire, by whether they were received or sent',
      labelNames: ['direction'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [direction, bytes] of Object.entries(total())) this.inc({ direction }, bytes)
      }
    })
  }

  trackMultiaddrConnection(connection: MultiaddrConnection): void {
    const dispatch = connection.dispatchEvent.bind(connection)
    connection.dispatchEvent = (event) => {
      if (event.type === 'message' && 'data' in event) this.#received += lengthOf(event.data)
      return dispatch(event)
    }
    const send = connection.send.bind(connection)
    connection.send = (bytes) => {
      this.#sent += bytes.byteLength
      return send(bytes)
    }
  }

  trackProtocolStream(): void {}

  readonly registerMetric = (given: string, options: GaugeOptions<number> = {}): Libp2pMetric =>
    this.#once(given, (name) => {
      const { calculate } = options
      const gauge = new Gauge({
        ...this.#describe(name, options),
        ...(calculate && {
          async collect() {
            this.set(await calculate())
          }
        })
      })
      return {
        update: (value) => gauge.set(value),
        increment: (value = 1) => gauge.inc(value),
        decrement: (value = 1) => gauge.dec(value),
        reset: () => gauge.reset(),
        timer: () => gauge.startTimer()
      }
    })

  readonly registerMetricGroup = (given: string, options: GaugeOptions<Record<string, number>> = {}): MetricGroup =>
    this.#once(given, (name) => {
      const label = normalise(options.label ?? name)
      const { calculate } = options
      const gauge: Gauge<string> = new Gauge({
        ...this.#describe(name, options),
        labelNames: [label],
        ...(calculate && {
          async collect() {
            const values = await calculate()
            this.reset() // what is not there any more is not shown
            each(values, (key, value) => this.set({ [label]: key }, value))
          }
        })
      })
      return {
        update: (values: Values<number>) => each(values, (key, value) => gauge.set({ [label]: key }, value)),
        increment: (values: Values<number | true>) => each(values, (key, by) => gauge.inc({ [label]: key }, by)),
        decrement: (values: Values<number | true>) => each(values, (key, by) => gauge.dec({ [label]: key }, by)),
        reset: () => gauge.reset(),
        timer: (key) => gauge.startTimer({ [label]: key })
      }
    })

  readonly registerCounter = (given: string, options: GaugeOptions<number> = {}): Libp2pCounter =>
    this.#once(given, (name) => {
      let total = 0 // some are counted with every packet
      const { calculate } = options
      new Counter({
        ...this.#describe(name, options),
        async collect() {
          total += (await calculate?.()) ?? 0
          this.reset()
          this.inc(total)
        }
      })
      return {
        increment: (by = 1) => {
          total += by
        },
        reset: () => {
          total = 0
        }
      }
    })

  readonly registerCounterGroup = (given: string, options: GaugeOptions<Record<string, number>> = {}): CounterGroup =>
    this.#once(given, (name) => {
      const label = normalise(options.label ?? name)
      const { calculate } = options
      const counter: Counter<string> = new Counter({
        ...this.#describe(name, options),
        labelNames: [label],
        ...(calculate && {
          async collect() {
            each(await calculate(), (key, by) => this.inc({ [label]: key }, by))
          }
        })
      })
      return {
        increment: (values: Values<number | true>) => each(values, (key, by) => counter.inc({ [label]: key }, by)),
        reset: () => counter.reset()
      }
    })

  readonly registerHistogram = (given: string, options: HistogramOptions<number> = {}): Libp2pHistogram =>
    this.#once(given, (name) => {
      const { buckets } = options
      const histogram = new Histogram({ ...this.#describe(name, options), ...(buckets && { buckets }) })
      return {
        observe: (value) => histogram.observe(value),
        reset: () => histogram.reset(),
        timer: () => histogram.startTimer()
      }
    })

  readonly registerHistogramGroup = (
    given: string,
    options: HistogramOptions<Record<string, number>> = {}
  ): HistogramGroup =>
    this.#once(given, (name) => {
      const label = normalise(options.label ?? name)
      const { buckets } = options
      const described = { ...this.#describe(name, options), labelNames: [label] }
      const histogram: Histogram<string> = new Histogram({ ...described, ...(buckets && { buckets }) })
      return {
        observe: (values: Values<number>) => each(values, (key, value) => histogram.observe({ [label]: key }, value)),
        reset: () => histogram.reset(),
        timer: (key) => histogram.startTimer({ [label]: key })
      }
    })

  readonly registerSummary = (given: string, options: SummaryOptions<number> = {}): Libp2pSummary =>
    this.#once(given, (name) => {
      const summary = new Summary({ ...this.#describe(name, options), ...ofSummary(options) })
      return {
        observe: (value) => summary.observe(value),
        reset: () => summary.reset(),
        timer: () => summary.startTimer()
      }
    })

  readonly registerSummaryGroup = (given: string, options: SummaryOptions<Record<string, number>> = {}): SummaryGroup =>
    this.#once(given, (name) => {
      const label = normalise(options.label ?? name)
      const described = { ...this.#describe(name, options), labelNames: [label] }
      const summary: Summary<string> = new Summary({ ...described, ...ofSummary(options) })
      return {
        observe: (values: Values<number>) => each(values, (key, value) => summary.observe({ [label]: key }, value)),
        reset: () => summary.reset(),
        timer: (key) => summary.startTimer({ [label]: key })
      }
    })

  traceFunction<F>(_name: string, traced: F): F {
    return traced
  }

  createTrace(): undefined {
    return undefined
  }

  #describe(name: string, { help }: { readonly help?: string }): { name: string; help: string; registers: Registry[] } {
    return { name, help: help ?? LIBP2P_HELP[name] ?? "Undocumented, of libp2p's own", registers: [this.#registry] }
  }

  /** Several parts of libp2p share a name, and then count together. */
  #once<T>(given: string, make: (name: string) => T): T {
    const name = normalise(given)
    const known = this.#registered.get(name) as T | undefined
    if (known !== undefined) return known
    const made = make(name)
    this.#registered.set(name, made)
    return made
  }
}

function each<T extends number | true>(values: Values<T>, tell: (key: string, value: number) => void): void {
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) tell(key, value === true ? 1 : value)
  }
}

function ofSummary({ percentiles, maxAgeSeconds, ageBuckets }: SummaryOptions<unknown>) {
  return {
    ...(percentiles && { percentiles }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
    ...(ageBuckets !== undefined && { ageBuckets })
  }
}

function lengthOf(data: unknown): number {
  return typeof data === 'object' && data !== null && 'byteLength' in data ? Number(data.byteLength) : 0
}

function normalise(text: string): string {
  return text.replace(/[^a-zA-Z0-9_]+/g, '_').replace(/_+/g, '_')
}
