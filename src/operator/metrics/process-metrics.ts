import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'

let shared: Registry | undefined

/**
 * Adds what is known of the process: CPU, memory, garbage collection, file descriptors, how late the event loop is. It is measured once for all nodes of the process, whose registries
 * share it, by means that never keep the process alive.
 */
export function addProcessMetrics(registry: Registry): void {
  if (shared === undefined) {
    shared = new Registry()
    collectDefaultMetrics({ register: shared })
  }
  for (const { name } of shared.getMetricsAsArray()) {
    const metric = shared.getSingleMetric(name) as Metric<string> | undefined
    if (metric !== undefined) registry.registerMetric(metric)
  }
}
